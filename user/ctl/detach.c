/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl detach: removes every program, link, map and the directory of ours. */
#include <errno.h>

#include "ctl/ctl.h"

int detach_run(const struct ctl *ctl)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_(writer_free_p) struct writer *w = NULL;
	const char *bpffs = ctl->config->bpffs;
	int agent_pid = 0;
	int r = dataplane_detach(bpffs, &agent_pid, &problems);

	if (r == -ENOENT && problems.n == 0)
		return ctl_fail(EX_UNAVAILABLE, "%s/shunt: nothing is pinned there", bpffs);
	if (r < 0)
		return ctl_fail_errno(r, &problems);
	if (agent_pid > 0)
		(void)ctl_fail(EX_OK,
			       "shuntd (pid %d) still runs; it will not attach again until it is "
			       "restarted",
			       agent_pid);
	if (writer_new(ctl->form, &w) < 0)
		return ctl_fail(EX_OSERR, "out of memory");
	writer_say(w, "removed", "removed the programs, links, maps and %s/shunt", bpffs);
	return ctl_print(w);
}
