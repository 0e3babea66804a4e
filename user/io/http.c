/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <strings.h>

#include "io/curl_loop.h"
#include "io/http_url.h"
#include "io/own_socket.h"

/* A kept connection may be reused for so long;
 * then the name is resolved anew, for its addresses move. */
#define CONNECTION_LIFETIME_S 300L
/* Open at all, or a busy host has no reuse. */
#define CONNECTIONS_KEPT (2L * HTTP_CONNECTIONS_MAX)
#define ERROR_TYPE_MAX 128
#define DATE_MAX 64

struct http {
	struct curl_loop *loop;
	char *ca_bundle; /* AWS_CA_BUNDLE, or NULL */
	struct http_call *calls;
};

struct http_call {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	char *body; /* what was received */
	size_t length, capacity, body_max;
	size_t headers_length;
	bool too_large;
	char error_type[ERROR_TYPE_MAX];
	char date[DATE_MAX];
	char detail[CURL_ERROR_SIZE];
	http_done_fn done;
	void *user;
	struct http_call *next, **link;
};

/* What is not listed is "failed". */
static const struct {
	CURLcode code;
	const char *word;
} failures[] = {
	{ CURLE_OPERATION_TIMEDOUT, "timeout" },
	{ CURLE_COULDNT_RESOLVE_HOST, "resolve" },
	{ CURLE_COULDNT_RESOLVE_PROXY, "resolve" },
	{ CURLE_COULDNT_CONNECT, "connect" },
	{ CURLE_PROXY, "connect" },
	{ CURLE_SSL_CONNECT_ERROR, "tls" },
	{ CURLE_PEER_FAILED_VERIFICATION, "tls" },
	{ CURLE_SSL_CACERT_BADFILE, "tls" },
	{ CURLE_SSL_CERTPROBLEM, "tls" },
	{ CURLE_SSL_CIPHER, "tls" },
	{ CURLE_SSL_ISSUER_ERROR, "tls" },
	{ CURLE_SEND_ERROR, "reset" },
	{ CURLE_RECV_ERROR, "reset" },
	{ CURLE_GOT_NOTHING, "reset" },
	{ CURLE_PARTIAL_FILE, "truncated" },
	{ CURLE_WEIRD_SERVER_REPLY, "garbled" },
	{ CURLE_UNSUPPORTED_PROTOCOL,
	  "garbled" }, /* an answer that is not HTTP/1: the URL was checked */
	{ CURLE_FILESIZE_EXCEEDED, "too_large" },
	{ CURLE_OUT_OF_MEMORY, "memory" },
};

static void wipe_and_free(char *text, size_t length)
{
	if (text)
		explicit_bzero(text, length);
	free(text);
}

/* Takes the call out of everything; its memory is left. */
static void call_detach(struct http_call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	(void)curl_multi_remove_handle(curl_loop_multi(call->http->loop), call->easy);
}

static void call_free(struct http_call *call)
{
	for (struct curl_slist *h = call->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	wipe_and_free(call->body, call->capacity);
	free(call);
}
DEFINE_CLEANUP(struct http_call *, call_free);

void http_cancel(struct http_call *call)
{
	if (!call)
		return;
	call_detach(call);
	call_free(call);
}

/* Grows by copying, so that what is left behind is wiped too. */
static int call_reserve(struct http_call *call, size_t wanted)
{
	size_t capacity = MAX(MAX(call->capacity * 2, wanted), (size_t)4096);
	char *body;

	if (wanted <= call->capacity)
		return 0;
	body = malloc(capacity);
	if (!body)
		return -ENOMEM;
	if (call->body)
		memcpy(body, call->body, call->length);
	wipe_and_free(call->body, call->capacity);
	call->body = body;
	call->capacity = capacity;
	return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct http_call *call = user;
	size_t length = size * n;

	if (length > call->body_max - call->length) {
		call->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (call_reserve(call, call->length + length + 1) < 0)
		return CURL_WRITEFUNC_ERROR;
	memcpy(call->body + call->length, data, length);
	call->length += length;
	call->body[call->length] = '\0';
	return length;
}

/* Copies the value, up to a line's end and what fits, if the header has that name. */
static void take_header(const char *data, size_t length, const char *name, char *to, size_t size)
{
	size_t value = strlen(name), i = 0;

	if (length < value || strncasecmp(data, name, value) != 0)
		return;
	while (value < length && data[value] == ' ')
		value++;
	while (value < length && data[value] >= ' ' && i < size - 1)
		to[i++] = data[value++];
	to[i] = '\0';
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct http_call *call = user;
	size_t length = size * n;

	call->headers_length += length;
	if (call->headers_length > HTTP_HEADERS_MAX) {
		call->too_large = true;
		return 0;
	}
	take_header(data, length, "x-amzn-errortype:", call->error_type, ERROR_TYPE_MAX);
	call->error_type[strcspn(call->error_type, " ")] = '\0';
	take_header(data, length, "date:", call->date, DATE_MAX);
	return length;
}

static const char *failure_word(const struct http_call *call, CURLcode code)
{
	if (call->too_large)
		return "too_large";
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == code)
			return failures[i].word;
	return "failed";
}

static void call_fill(const struct http_call *call, CURLcode code, struct http_response *ret)
{
	*ret = (struct http_response){ .body = "" };
	if (code != CURLE_OK) {
		ret->failure = failure_word(call, code);
		(void)util_copy(ret->detail, sizeof(ret->detail),
				call->detail[0] ? call->detail : curl_easy_strerror(code));
		return;
	}
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	ret->length = call->length;
	if (call->body)
		ret->body = call->body;
	if (call->error_type[0])
		ret->error_type = call->error_type;
	if (call->date[0])
		ret->date_s = MAX(curl_getdate(call->date, NULL), 0);
}

static void on_ended(CURL *easy, CURLcode code)
{
	_cleanup_(call_free_p) struct http_call *call = NULL;
	struct http_response response;

	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call) != CURLE_OK || !call)
		return;
	call_fill(call, code, &response);
	call_detach(call);
	call->done(call->user, &response);
}

int http_new(uv_loop_t *loop, struct http **ret)
{
	_cleanup_(http_free_p) struct http *h = calloc(1, sizeof(*h));
	const char *ca_bundle = getenv("AWS_CA_BUNDLE");
	int r;

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	if (ca_bundle && *ca_bundle) {
		h->ca_bundle = strdup(ca_bundle);
		if (!h->ca_bundle)
			return -ENOMEM;
	}
	r = curl_loop_new(loop, on_ended, &h->loop);
	if (r < 0)
		return r;
	(void)curl_multi_setopt(curl_loop_multi(h->loop), CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	(void)curl_multi_setopt(curl_loop_multi(h->loop), CURLMOPT_MAX_HOST_CONNECTIONS,
				(long)HTTP_CONNECTIONS_MAX);
	*ret = TAKE_PTR(h);
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->calls)
		http_cancel(h->calls);
	curl_loop_free(h->loop);
	free(h->ca_bundle);
	free(h);
}

/*
 * "Name: value" on one line. A name alone would have libcurl leave out a header of its own, which
 * it then signs but does not send.
 */
static bool header_is_valid(const char *header)
{
	const char *colon = strstr(header, ": ");

	return colon && colon > header && colon[2] != '\0' && !strpbrk(header, "\r\n");
}

static int call_set_headers(struct http_call *call, const char *const *headers)
{
	for (; headers && *headers; headers++) {
		struct curl_slist *longer;

		if (!header_is_valid(*headers))
			return -EINVAL;
		longer = curl_slist_append(call->headers, *headers);
		if (!longer)
			return -ENOMEM;
		call->headers = longer;
	}
	return curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK
		       ? 0
		       : -ENOMEM;
}

static int call_set_method(struct http_call *call, const struct http_request *request)
{
	CURLcode code = CURLE_OK;

	if (streq(request->method, "GET"))
		return request->body ? -EINVAL : 0;
	code = curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS,
				request->body ? request->body : "");
	if (code == CURLE_OK)
		code = curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
	return code == CURLE_OK ? 0 : -ENOMEM;
}

static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	(void)user;
	(void)purpose;
	own_socket_set(fd);
	return CURL_SOCKOPT_OK;
}

/* The same for every request; none can fail but for memory, and the URL's check is enough. */
static void call_set_limits(struct http_call *call, const struct http_request *request)
{
	uint32_t timeout_ms = request->timeout_ms ? request->timeout_ms : HTTP_TIMEOUT_MS;
	CURL *easy = call->easy;

	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* 64 KiB unless told, for each request: a size at which free() tidies the whole heap */
	(void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
	/* Else a timeout waits, blocking, for the thread that resolves the name. */
	(void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFETIME_S);
	(void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->body_max);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "shunt/" SHUNT_VERSION);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->detail);
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
}

static int call_new(struct http *h, const struct http_request *request, struct http_call **ret)
{
	_cleanup_(call_free_p) struct http_call *call = calloc(1, sizeof(*call));
	char host[HTTP_URL_HOST_MAX];
	bool https;
	int r = http_url_host(request->url, &https, host);

	if (r < 0 || !call)
		return r < 0 ? r : -ENOMEM;
	call->http = h;
	call->body_max = request->body_max ? request->body_max : HTTP_BODY_MAX;
	call->easy = curl_easy_init();
	if (!call->easy)
		return -ENOMEM;
	call_set_limits(call, request);
	if (curl_easy_setopt(call->easy, CURLOPT_URL, request->url) != CURLE_OK ||
	    (h->ca_bundle &&
	     curl_easy_setopt(call->easy, CURLOPT_CAINFO, h->ca_bundle) != CURLE_OK) ||
	    (request->no_proxy && curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "*") != CURLE_OK))
		return -ENOMEM;
	r = call_set_method(call, request);
	if (r == 0)
		r = call_set_headers(call, request->headers);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(call);
	return 0;
}

int http_start(struct http *h, const struct http_request *request, http_done_fn done, void *user,
	       struct http_call **ret_call)
{
	_cleanup_(call_free_p) struct http_call *call = NULL;
	int r = call_new(h, request, &call);

	if (r < 0)
		return r;
	call->done = done;
	call->user = user;
	if (curl_multi_add_handle(curl_loop_multi(h->loop), call->easy) != CURLM_OK)
		return -ENOMEM;
	call->link = &h->calls;
	call->next = h->calls;
	if (call->next)
		call->next->link = &call->next;
	h->calls = call;
	*ret_call = TAKE_PTR(call);
	return 0;
}
