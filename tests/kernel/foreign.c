/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody else's programs on our cgroups, attached the old way. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>

#include "base/util.h"
#include "playground.h"

static int attach(const char *cgroup, const char *name, int attach_type, unsigned int flags,
		  const struct bpf_insn *text, size_t n)
{
	bool sock_ops = attach_type == BPF_CGROUP_SOCK_OPS;
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = sock_ops ? 0 : (enum bpf_attach_type)attach_type);
	_cleanup_close_ int at = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int program = bpf_prog_load(sock_ops ? BPF_PROG_TYPE_SOCK_OPS
					     : BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
				    name, "GPL", text, n, &options);

	require(at >= 0);
	require(program >= 0);
	require(bpf_prog_attach(program, at, (enum bpf_attach_type)attach_type, flags) == 0);
	return program;
}

static int attach_answering(const char *cgroup, const char *name, int attach_type,
			    unsigned int flags, int answer)
{
	/* r0 = answer; exit */
	const struct bpf_insn text[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = answer },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return attach(cgroup, name, attach_type, flags, text, ARRAY_SIZE(text));
}

int playground_attach_foreign(const char *cgroup, const char *name, int attach_type,
			      unsigned int flags)
{
	return attach_answering(cgroup, name, attach_type, flags, 1);
}

int playground_attach_denying(const char *cgroup, int attach_type)
{
	return attach_answering(cgroup, "deny", attach_type, BPF_F_ALLOW_MULTI, 0);
}

int playground_attach_deafening(const char *cgroup)
{
	/* bpf_sock_ops_cb_flags_set(context, 0); r0 = 1; exit */
	const struct bpf_insn text[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_sock_ops_cb_flags_set },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return attach(cgroup, "deafen", BPF_CGROUP_SOCK_OPS, BPF_F_ALLOW_MULTI, text,
		      ARRAY_SIZE(text));
}

void playground_detach_foreign(const char *cgroup, int program, int attach_type)
{
	_cleanup_close_ int at = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	require(at >= 0);
	require(bpf_prog_detach2(program, at, (enum bpf_attach_type)attach_type) == 0);
	close(program);
}
