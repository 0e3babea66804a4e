/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The static source: the configuration's own list, told once, or a file of endpoints, read at the
 * start and whenever its watch says so. A file that is missing, unreadable or has any bad line is a
 * failure, and looked at again after a while as well: what was wrong (a mode, a mount) may end
 * without an event.
 */
#include <errno.h>
#include <sys/stat.h>

#include "core/endpoints_text.h"
#include "io/file_watch.h"
#include "sources/source.h"

/* While the file is bad or cannot be watched. */
#define LOOK_AGAIN_MS 5000

struct source_of_static {
	struct source source;
	struct source_env env;
	struct source_sink sink;
	struct endpoints endpoints; /* the list; empty with a file */
	char *file;		    /* or NULL */
	struct file_watch *watch;   /* NULL without a file, and when it cannot be watched */
	uv_timer_t timer;
	uint64_t next_ms;
};

static void on_timer(uv_timer_t *timer);

static void static_schedule(struct source_of_static *s, uint64_t wait_ms)
{
	uv_update_time(s->env.loop);
	s->next_ms = wait_ms == SOURCE_NEVER ? SOURCE_NEVER : uv_now(s->env.loop) + wait_ms;
	if (wait_ms == SOURCE_NEVER)
		uv_timer_stop(&s->timer);
	else
		uv_timer_start(&s->timer, on_timer, wait_ms, 0);
}

static void on_changed(void *user, int error)
{
	struct source_of_static *s = user;

	if (error) {
		file_watch_free(s->watch);
		s->watch = NULL;
	}
	static_schedule(s, 0); /* a burst of changes is one look */
}

/* What cannot be watched, now or any more, is looked at now and then, and this tried again. */
static void static_watch(struct source_of_static *s)
{
	if (!s->watch && file_watch_new(s->env.loop, s->file, on_changed, s, &s->watch) < 0)
		s->watch = NULL;
}

static void static_count(struct source_of_static *s, const char *code)
{
	if (s->env.requests)
		requests_count(s->env.requests, "static", "read", code);
}

static void tell_failure(struct source_of_static *s, const char *code, const char *message)
{
	struct source_failure failure = { .code = code, .message = message };
	struct source_sink sink = s->sink;

	static_count(s, code);
	static_schedule(s, LOOK_AGAIN_MS);
	sink.failure(sink.user, &failure); /* last: it may stop the source */
}

static void tell_snapshot(struct source_of_static *s, const struct endpoints *endpoints)
{
	struct source_snapshot snapshot = { .endpoints = endpoints };
	struct source_sink sink = s->sink;

	static_count(s, "ok");
	static_schedule(s, s->file && !s->watch ? LOOK_AGAIN_MS : SOURCE_NEVER);
	sink.snapshot(sink.user, &snapshot);
}

/* The text of the file; *ret_code and *ret_why are literals or strerror's. */
static int read_text(const char *path, char **ret_text, size_t *ret_length, const char **ret_code,
		     const char **ret_why)
{
	struct stat found;
	int r = stat(path, &found) < 0 ? -errno : 0;

	if (r == 0 && !S_ISREG(found.st_mode)) { /* opening a FIFO would wait */
		*ret_code = "EINVAL";
		*ret_why = "not a regular file";
		return -EINVAL;
	}
	if (r == 0)
		r = util_read_file(path, ENDPOINTS_TEXT_MAX, ret_text, ret_length);
	if (r < 0) {
		*ret_code = strerrorname_np(-r);
		*ret_why = strerrordesc_np(-r);
	}
	return r;
}

static void tell_problems(struct source_of_static *s, const struct diag *problems)
{
	_cleanup_free_ char *message = NULL;
	const char *first = problems->n ? problems->lines[0] : s->file;

	if (problems->total > 1 &&
	    asprintf(&message, "%s (and %zu more)", first, problems->total - 1) < 0)
		message = NULL;
	tell_failure(s, "garbled", message ? message : first);
}

static void look_at_file(struct source_of_static *s)
{
	_cleanup_(endpoints_done) struct endpoints endpoints = { 0 };
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *message = NULL;
	const char *code = NULL, *why = NULL;
	size_t length;
	int r = read_text(s->file, &text, &length, &code, &why);

	if (r == 0) {
		r = endpoints_text_read(text, length, s->file, &endpoints, &problems);
		code = r == -E2BIG ? "too_many" : "out_of_memory";
		why = r == -E2BIG ? "more endpoints than a service may have" : "out of memory";
	}
	if (r == 0) {
		tell_snapshot(s, &endpoints);
	} else if (problems.total > 0) {
		tell_problems(s, &problems);
	} else {
		if (asprintf(&message, "%s: %s", s->file, why) < 0)
			message = NULL;
		tell_failure(s, code, message ? message : why);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct source_of_static *s = timer->data;

	s->next_ms = 0;
	if (!s->file) {
		tell_snapshot(s, &s->endpoints);
		return;
	}
	static_watch(s); /* before it is read: what changes in between is an event */
	look_at_file(s);
}

static void static_free(struct source_of_static *s)
{
	endpoints_done(&s->endpoints);
	free(s->file);
	free(s);
}
DEFINE_CLEANUP(struct source_of_static *, static_free);

static int static_start(const struct source_env *env, const struct config *config,
			const struct config_service *service, const struct source_sink *sink,
			struct source **ret)
{
	_cleanup_(static_free_p) struct source_of_static *s = calloc(1, sizeof(*s));

	(void)config;
	if (!s)
		return -ENOMEM;
	s->source.ops = &source_static;
	s->env = *env;
	s->sink = *sink;
	s->file = service->fixed.file ? strdup(service->fixed.file) : NULL;
	if (service->fixed.file && !s->file)
		return -ENOMEM;
	if (endpoints_copy(&s->endpoints, &service->fixed.endpoints) < 0)
		return -ENOMEM;
	uv_timer_init(env->loop, &s->timer); /* cannot fail; from here on the loop holds s */
	s->timer.data = s;
	static_schedule(s, 0);
	*ret = &TAKE_PTR(s)->source;
	return 0;
}

static void static_refresh(struct source *source)
{
	static_schedule((struct source_of_static *)source, 0);
}

static uint64_t static_next_ms(const struct source *source)
{
	return ((const struct source_of_static *)source)->next_ms;
}

static void on_timer_closed(uv_handle_t *handle)
{
	static_free(handle->data);
}

static void static_stop(struct source *source)
{
	struct source_of_static *s = (struct source_of_static *)source;

	file_watch_free(s->watch);
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

const struct source_ops source_static = {
	.start = static_start,
	.refresh = static_refresh,
	.next_ms = static_next_ms,
	.stop = static_stop,
};
