/* SPDX-License-Identifier: Apache-2.0 */
#include "io/imds.h"

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "core/credentials_wire.h"
#include "io/http_url.h"

#define ENDPOINT_IPV4 "http://169.254.169.254"
#define ENDPOINT_IPV6 "http://[fd00:ec2::254]"
#define TOKEN_PATH "/latest/api/token"
#define TOKEN_LIFE_S 21600
#define TOKEN_HEADER "X-aws-ec2-metadata-token: "
#define TOKEN_MAX 256
#define TOKEN_RENEW_BEFORE_S 60
#define BODY_MAX (64u << 10)
#define TIMEOUT_MS 1000 /* as the AWS SDKs have it */
#define TIMEOUT_MAX_S 60

struct imds {
	uv_loop_t *loop;
	struct http *http;
	const char *(*environment)(const char *name);
	struct requests *requests;
	char token[sizeof(TOKEN_HEADER) + TOKEN_MAX]; /* its header, or "" */
	uint64_t token_until_ms;
};

static int ask_token(struct imds_query *q);
static int ask_path(struct imds_query *q);

/* --- the environment -------------------------------------------------------------------------- */

static const char *variable(const struct imds *m, const char *name)
{
	const char *value = m->environment(name);

	return value && *value ? value : NULL;
}

static bool is_set_true(const struct imds *m, const char *name)
{
	const char *value = variable(m, name);

	return value && strcasecmp(value, "true") == 0;
}

static uint32_t timeout_ms(const struct imds *m)
{
	const char *text = variable(m, "AWS_METADATA_SERVICE_TIMEOUT");
	unsigned long seconds = text ? strtoul(text, NULL, 10) : 0;

	return seconds >= 1 && seconds <= TIMEOUT_MAX_S ? (uint32_t)seconds * 1000 : TIMEOUT_MS;
}

static const char *endpoint(const struct imds *m)
{
	const char *given = variable(m, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = variable(m, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");

	if (given)
		return given;
	return mode && strcasecmp(mode, "IPv6") == 0 ? ENDPOINT_IPV6 : ENDPOINT_IPV4;
}

static int _printf_(3, 4) fail(struct imds_query *q, int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(q->why, sizeof(q->why), format, arguments);
	va_end(arguments);
	return result;
}

static int make_url(struct imds_query *q, const char *path, char ret[static IMDS_URL_MAX])
{
	const char *base = endpoint(q->imds);
	size_t length = strlen(base);
	char host[HTTP_URL_HOST_MAX];
	bool https;
	int n;

	while (length > 0 && base[length - 1] == '/')
		length--;
	n = snprintf(ret, IMDS_URL_MAX, "%.*s%s", (int)length, base, path);
	if (n < 0 || n >= IMDS_URL_MAX || http_url_host(ret, &https, host) < 0)
		return fail(
			q, -EINVAL,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT: wanted a URL such as " ENDPOINT_IPV4);
	return 0;
}

/* --- the end of a query ----------------------------------------------------------------------- */

static void finish(struct imds_query *q, int result, const struct http_response *response)
{
	q->done(q, result, response);
}

static void count(const struct imds *m, const char *operation, const struct http_response *response)
{
	char code[32];

	(void)snprintf(code, sizeof(code), "http_%ld", response->status);
	if (m->requests)
		requests_count(m->requests, "imds", operation,
			       response->failure	 ? response->failure
			       : response->status == 200 ? "ok"
							 : code);
}

/* --- a session -------------------------------------------------------------------------------- */

static bool has_token(const struct imds *m)
{
	return m->token[0] && uv_now(m->loop) < m->token_until_ms;
}

static void drop_token(struct imds *m)
{
	explicit_bzero(m->token, sizeof(m->token));
}

static bool take_token(struct imds *m, const char *token)
{
	int n;

	if (!credentials_wire_is_word(token) || strlen(token) > TOKEN_MAX)
		return false;
	n = snprintf(m->token, sizeof(m->token), "%s%s", TOKEN_HEADER, token);
	m->token_until_ms = uv_now(m->loop) +
			    (uint64_t)(TOKEN_LIFE_S - TOKEN_RENEW_BEFORE_S) * 1000;
	return n > 0;
}

/*
 * An instance may have no sessions (404, 405), a proxy may forbid them (403), or the answer to the
 * PUT may not get here: then the question is put without one, as by the AWS SDKs, unless forbidden.
 */
static bool may_do_without(const struct http_response *response)
{
	return response->failure || response->status == 403 || response->status == 404 ||
	       response->status == 405;
}

static void do_without(struct imds_query *q, const struct http_response *response)
{
	int r;

	q->no_token = response->failure ? "got no answer" : "was refused";
	if (is_set_true(q->imds, "AWS_EC2_METADATA_V1_DISABLED"))
		r = fail(q, -EACCES,
			 "the request for a session token %s, and AWS_EC2_METADATA_V1_DISABLED "
			 "forbids to do without",
			 q->no_token);
	else
		r = ask_path(q);
	if (r < 0)
		finish(q, r, NULL);
}

static void on_token(void *user, const struct http_response *response)
{
	struct imds_query *q = user;
	int r = -EBADMSG;

	q->call = NULL;
	count(q->imds, "PutToken", response);
	if (may_do_without(response)) {
		do_without(q, response);
		return;
	}
	if (response->status != 200)
		(void)fail(q, r, "the request for a session token got HTTP status %ld",
			   response->status);
	else if (!take_token(q->imds, response->body))
		(void)fail(q, r, "the session token is none: wanted up to %d visible characters",
			   TOKEN_MAX);
	else
		r = ask_path(q);
	if (r < 0)
		finish(q, r, NULL);
}

static int start(struct imds_query *q, const char *method, const char *path, const char *header,
		 http_done_fn done)
{
	struct imds *m = q->imds;
	char url[IMDS_URL_MAX];
	int r = make_url(q, path, url);

	if (r < 0)
		return r;
	r = http_start(m->http,
		       &(struct http_request){
			       .method = method,
			       .url = url,
			       .headers = (const char *const[]){ header, NULL },
			       .timeout_ms = timeout_ms(m),
			       .body_max = BODY_MAX,
			       .no_proxy = true,
		       },
		       done, q, &q->call);
	return r < 0 ? fail(q, r, "cannot be asked: %s", strerror(-r)) : 0;
}

static int ask_token(struct imds_query *q)
{
	return start(q, "PUT", TOKEN_PATH, "X-aws-ec2-metadata-token-ttl-seconds: 21600", on_token);
}

/* --- what is asked for ------------------------------------------------------------------------ */

#define HOP_LIMIT                                                                              \
	"from a container with a network of its own the answer is lost while the instance's "  \
	"HttpPutResponseHopLimit is 1: set it to 2 (aws ec2 modify-instance-metadata-options " \
	"--http-put-response-hop-limit 2), run in the host's network, or give the task a role"

static int explain(struct imds_query *q, const struct http_response *response)
{
	if (response->failure)
		return fail(q, -ETIMEDOUT,
			    "no answer from %s (%s): this is no EC2 instance, or its metadata is "
			    "off or kept from here",
			    endpoint(q->imds), response->failure);
	if (response->status == 404)
		return fail(q, -ENOENT, "nothing at %s", q->path);
	if (response->status == 401 && q->no_token)
		return fail(q, -EACCES,
			    "wants a session, but the request for its token %s; " HOP_LIMIT,
			    q->no_token);
	return fail(q, -EBADMSG, "HTTP status %ld", response->status);
}

static void on_answer(void *user, const struct http_response *response)
{
	struct imds_query *q = user;
	int r;

	q->call = NULL;
	count(q->imds, "Get", response);
	if (!response->failure && response->status == 200) {
		finish(q, 0, response);
		return;
	}
	if (response->status == 401 && !q->no_token && !q->renewed) {
		q->renewed = true;
		drop_token(q->imds);
		r = ask_token(q);
	} else {
		r = explain(q, response);
	}
	if (r < 0)
		finish(q, r, NULL);
}

static int ask_path(struct imds_query *q)
{
	return start(q, "GET", q->path, q->no_token ? NULL : q->imds->token, on_answer);
}

int imds_get(struct imds *m, const char *path, struct imds_query *q)
{
	q->imds = m;
	q->renewed = false;
	q->no_token = NULL;
	if (is_set_true(m, "AWS_EC2_METADATA_DISABLED"))
		return fail(q, -ENOENT, "AWS_EC2_METADATA_DISABLED is set");
	if (!util_copy(q->path, sizeof(q->path), path))
		return fail(q, -EINVAL, "the path is too long");
	return has_token(m) ? ask_path(q) : ask_token(q);
}

void imds_forget(struct imds_query *q)
{
	http_cancel(TAKE_PTR(q->call));
}

/* --- life ------------------------------------------------------------------------------------- */

int imds_new(uv_loop_t *loop, struct http *http, const char *(*environment)(const char *name),
	     struct requests *requests, struct imds **ret)
{
	struct imds *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct imds){
		.loop = loop, .http = http, .environment = environment, .requests = requests
	};
	*ret = m;
	return 0;
}

void imds_free(struct imds *m)
{
	if (!m)
		return;
	drop_token(m);
	free(m);
}
