/* SPDX-License-Identifier: Apache-2.0 */
#include "io/region_search.h"

#include <errno.h>
#include <stdarg.h>

#include "core/backoff.h"
#include "core/config_names.h"
#include "core/task_metadata.h"
#include "io/imds.h"

#define PLACEMENT "/latest/meta-data/placement/region"
#define BODY_MAX (1u << 20) /* of a task with many containers */
#define URL_MAX 512
#define ERROR_MAX 512
#define TIMEOUT_MS 2000

struct region_search {
	uv_loop_t *loop;
	struct http *http;
	const char *(*environment)(const char *name);
	struct requests *requests;
	region_found_fn found;
	void *user;
	uv_timer_t timer; /* the next attempt */
	struct http_call *call;
	struct imds *imds;
	struct imds_query query;
	struct backoff backoff;
	bool has_found;
	char error[ERROR_MAX]; /* of the last attempt, or "" */
};

static void ask_instance(struct region_search *s);
static void on_timer(uv_timer_t *timer);

/* Adds to what the attempt has met. */
static void _printf_(2, 3) note(struct region_search *s, const char *format, ...)
{
	size_t length = strlen(s->error);
	va_list arguments;

	if (length > 0)
		length += (size_t)snprintf(s->error + length, sizeof(s->error) - length, "; ");
	if (length >= sizeof(s->error))
		return;
	va_start(arguments, format);
	(void)vsnprintf(s->error + length, sizeof(s->error) - length, format, arguments);
	va_end(arguments);
}

static void retry_later(struct region_search *s)
{
	uint32_t random = 0;

	(void)uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	(void)uv_timer_start(&s->timer, on_timer, backoff_failed(&s->backoff, random), 0);
}

static void end(struct region_search *s, const char *region, const char *from)
{
	s->has_found = true;
	s->found(s->user, region, from);
}

/* --- the task's metadata ---------------------------------------------------------------------- */

static void on_task(void *user, const struct http_response *response)
{
	char region[TASK_METADATA_REGION_MAX], code[32];
	struct region_search *s = user;

	s->call = NULL;
	(void)snprintf(code, sizeof(code), "http_%ld", response->status);
	requests_count(s->requests, "region", "GetTask",
		       response->failure	 ? response->failure
		       : response->status == 200 ? "ok"
						 : code);
	if (response->failure)
		note(s, "task metadata: %s: %.128s", response->failure, response->detail);
	else if (response->status != 200)
		note(s, "task metadata: HTTP status %ld", response->status);
	else if (task_metadata_region(response->body, response->length, region) < 0)
		note(s, "task metadata: there is no TaskARN with a region");
	else {
		end(s, region, "task metadata");
		return;
	}
	ask_instance(s);
}

static int start_task(struct region_search *s, const char *base)
{
	char url[URL_MAX];
	int n = snprintf(url, sizeof(url), "%s/task", base);

	if (n < 0 || n >= URL_MAX)
		return -EINVAL;
	return http_start(s->http,
			  &(struct http_request){ .method = "GET",
						  .url = url,
						  .timeout_ms = TIMEOUT_MS,
						  .body_max = BODY_MAX,
						  .no_proxy = true },
			  on_task, s, &s->call);
}

static void ask_task(struct region_search *s)
{
	const char *base = s->environment("ECS_CONTAINER_METADATA_URI_V4");
	int r;

	s->error[0] = '\0';
	if (!base || !*base) {
		note(s, "ECS_CONTAINER_METADATA_URI_V4 is not set");
		ask_instance(s);
		return;
	}
	r = start_task(s, base);
	if (r == 0)
		return;
	note(s, "ECS_CONTAINER_METADATA_URI_V4: cannot be asked: %s", strerror(-r));
	ask_instance(s);
}

static void on_timer(uv_timer_t *timer)
{
	ask_task(timer->data);
}

/* --- the instance's --------------------------------------------------------------------------- */

static void on_placement(struct imds_query *query, int result, const struct http_response *response)
{
	struct region_search *s = query->user;

	if (result < 0)
		note(s, "instance metadata: %s", query->why);
	else if (response->length >= TASK_METADATA_REGION_MAX ||
		 !config_region_is_good(response->body, response->length))
		note(s, "instance metadata: what it says is no region");
	else {
		end(s, response->body, "instance metadata");
		return;
	}
	retry_later(s);
}

static void ask_instance(struct region_search *s)
{
	if (imds_get(s->imds, PLACEMENT, &s->query) == 0)
		return;
	note(s, "%s", s->query.why);
	retry_later(s);
}

/* --- life ------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

int region_search_new(uv_loop_t *loop, struct http *http,
		      const char *(*environment)(const char *name), struct requests *requests,
		      region_found_fn found, void *user, struct region_search **ret)
{
	_cleanup_free_ struct region_search *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct region_search){
		.loop = loop,
		.http = http,
		.environment = environment,
		.requests = requests,
		.found = found,
		.user = user,
		.query = { .done = on_placement, .user = s },
		.backoff = { .first_ms = 1000, .max_ms = 15000 },
	};
	r = imds_new(loop, http, environment, requests, &s->imds);
	if (r < 0)
		return r;
	r = uv_timer_init(loop, &s->timer);
	if (r < 0) {
		imds_free(s->imds);
		return r;
	}
	s->timer.data = s;
	(void)uv_timer_start(&s->timer, on_timer, 0, 0);
	*ret = TAKE_PTR(s);
	return 0;
}

void region_search_free(struct region_search *s)
{
	if (!s)
		return;
	http_cancel(s->call);
	imds_forget(&s->query);
	imds_free(s->imds);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

const char *region_search_error(const struct region_search *s)
{
	return s && !s->has_found && s->error[0] ? s->error : NULL;
}
