/* SPDX-License-Identifier: Apache-2.0 */
#include "io/curl_loop.h"

#include <errno.h>

struct curl_loop {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer; /* libcurl's own */
	struct watch *watches;
	curl_loop_done_fn done;
};

/* libcurl's interest in one of its sockets. Freed by the loop, once its handle has closed. */
struct watch {
	uv_poll_t poll;
	struct curl_loop *owner;
	curl_socket_t fd;
	struct watch *next, **link;
};

/* libcurl reports what has ended here, and nowhere else. */
static void tell_ended(struct curl_loop *l)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(l->multi, &left))) {
		if (message->msg == CURLMSG_DONE)
			l->done(message->easy_handle, message->data.result);
	}
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct curl_loop *l = w->owner;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0;
	int running;

	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(l->multi, w->fd, flags, &running);
	tell_ended(l);
}

static void on_timer(uv_timer_t *timer)
{
	struct curl_loop *l = timer->data;
	int running;

	(void)curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	tell_ended(l);
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct curl_loop *l = user;

	(void)multi;
	if (timeout_ms < 0)
		(void)uv_timer_stop(&l->timer);
	else
		(void)uv_timer_start(&l->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void watch_close(struct watch *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	(void)uv_poll_stop(&w->poll); /* before libcurl closes the descriptor */
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static struct watch *watch_new(struct curl_loop *l, curl_socket_t fd)
{
	_cleanup_free_ struct watch *w = calloc(1, sizeof(*w));

	if (!w || uv_poll_init_socket(l->loop, &w->poll, fd) < 0)
		return NULL;
	w->poll.data = w;
	w->owner = l;
	w->fd = fd;
	w->link = &l->watches;
	w->next = l->watches;
	if (w->next)
		w->next->link = &w->next;
	l->watches = w;
	return TAKE_PTR(w);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
	struct curl_loop *l = user;
	struct watch *w = of_socket;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(l->multi, fd, NULL);
		if (w)
			watch_close(w);
		return 0;
	}
	if (!w)
		w = watch_new(l, fd);
	if (!w)
		return 0; /* that one will time out; to return an error would end all the others */
	(void)curl_multi_assign(l->multi, fd, w);
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	(void)uv_poll_start(&w->poll, events, on_socket);
	return 0;
}

int curl_loop_new(uv_loop_t *loop, curl_loop_done_fn done, struct curl_loop **ret)
{
	_cleanup_free_ struct curl_loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = uv_timer_init(loop, &l->timer);
	if (r < 0)
		return r;
	l->loop = loop;
	l->done = done;
	l->timer.data = l;
	l->multi = curl_multi_init();
	if (!l->multi) {
		curl_loop_free(TAKE_PTR(l));
		return -ENOMEM;
	}
	(void)curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	(void)curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	(void)curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	(void)curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	*ret = TAKE_PTR(l);
	return 0;
}

static void on_timer_closed(uv_handle_t *timer)
{
	free(timer->data);
}

void curl_loop_free(struct curl_loop *l)
{
	if (!l)
		return;
	if (l->multi)
		(void)curl_multi_cleanup(l->multi); /* may still call set_socket and set_timer */
	while (l->watches)
		watch_close(l->watches);
	uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}

CURLM *curl_loop_multi(struct curl_loop *l)
{
	return l->multi;
}
