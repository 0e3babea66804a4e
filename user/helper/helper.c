/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/helper.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "helper/capabilities.h"
#include "helper/wire.h"

/* A walk over thousands of namespaces answers all the time; one that does not is broken. */
#define ANSWER_S 10

struct helper {
	pid_t pid;
	int channel; /* -1: it went wrong once, and what is on the way cannot be told any more */
};

int helper_start(struct helper **ret)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	_cleanup_free_ struct helper *h = calloc(1, sizeof(*h));
	int ends[2];

	if (!h)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	h->pid = fork();
	if (h->pid == 0) {
		(void)close(ends[0]);
		child_run(ends[1]);
	}
	(void)close(ends[1]);
	h->channel = ends[0];
	if (h->pid < 0 ||
	    setsockopt(h->channel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
		int error = errno;

		(void)close(h->channel);
		return -error;
	}
	*ret = TAKE_PTR(h);
	return 0;
}

void helper_free(struct helper *h)
{
	if (!h)
		return;
	(void)shutdown(h->channel, SHUT_RDWR); /* also where a child of ours has it still */
	util_close_p(&h->channel);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(h);
}

int helper_confine(void)
{
	return capabilities_drop(CAPABILITIES_OF_HELPER);
}

/* What comes after an answer that was lost belongs to another question. */
static int give_up(struct helper *h, int error)
{
	util_close_p(&h->channel);
	h->channel = -1;
	return error;
}

static int ask(struct helper *h, uint32_t what, const int *fds, size_t n)
{
	const struct helper_request request = { what };
	int r = h->channel < 0 ? -EPIPE : wire_send(h->channel, &request, sizeof(request), fds, n);

	return r < 0 ? give_up(h, r) : 0;
}

void helper_check(struct helper *h, struct diag *missing)
{
	struct helper_reply reply = { 0 };
	int unused[HELPER_FDS_MAX];
	size_t n;
	int r = ask(h, HELPER_FEATURES, NULL, 0);

	if (r == 0)
		r = wire_receive(h->channel, &reply, sizeof(reply), unused, &n);
	if (r == 0)
		r = reply.error;
	if (r < 0)
		diag_add(missing, "network namespaces",
			 "only the agent's own can be entered: %s. It needs CAP_SYS_ADMIN and "
			 "CAP_SYS_PTRACE",
			 strerror(-r));
	else if (reply.blind == HELPER_OWN_PIDS_ONLY)
		diag_add(missing, "network namespaces",
			 "those of other containers cannot be found: run the agent in the host's "
			 "PID namespace (pidMode host)");
}

static void count_error(struct helper_walked *walked, int error)
{
	if (walked->failed++ == 0)
		walked->error = error;
}

int helper_walk(struct helper *h, enum helper_ask what, const int *fds, size_t n, helper_fn each,
		void *user, struct helper_walked *ret)
{
	int r = ask(h, what, fds, n);

	*ret = (struct helper_walked){ 0 };
	while (r == 0) {
		struct helper_reply reply;
		int got[HELPER_FDS_MAX];
		size_t n_got;

		r = wire_receive(h->channel, &reply, sizeof(reply), got, &n_got);
		if (r < 0)
			return give_up(h, r);
		if (reply.last) {
			ret->hidden = reply.hidden;
			return reply.error;
		}
		ret->entered++;
		if (reply.error == 0)
			reply.error = each(user, got, n_got);
		for (size_t i = 0; i < n_got; i++)
			(void)close(got[i]);
		if (reply.error < 0)
			count_error(ret, reply.error);
	}
	return r;
}
