/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_url.h"

#include <curl/curl.h>
#include <errno.h>

static void url_cleanup_p(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_free_p(char **text)
{
	curl_free(*text);
}

int http_url_host(const char *url, bool *ret_https, char ret_host[static HTTP_URL_HOST_MAX])
{
	_cleanup_(url_cleanup_p) CURLU *parts = curl_url();
	_cleanup_(curl_free_p) char *scheme = NULL;
	_cleanup_(curl_free_p) char *host = NULL;
	char bare[HTTP_URL_HOST_MAX];
	size_t length;

	if (!parts)
		return -ENOMEM;
	if (curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return -EINVAL;
	if ((!streq(scheme, "https") && !streq(scheme, "http")) || *host == '\0')
		return -EINVAL;
	if (!util_copy(bare, sizeof(bare), *host == '[' ? host + 1 : host))
		return -EINVAL;
	length = strlen(bare);
	if (*host == '[' && length > 0 && bare[length - 1] == ']')
		bare[length - 1] = '\0';
	*ret_https = streq(scheme, "https");
	(void)util_copy(ret_host, HTTP_URL_HOST_MAX, bare);
	return 0;
}

int http_url_authority(const char *url, char ret[static HTTP_URL_HOST_MAX])
{
	_cleanup_(url_cleanup_p) CURLU *parts = curl_url();
	_cleanup_(curl_free_p) char *host = NULL;
	_cleanup_(curl_free_p) char *port = NULL;
	int length;

	if (!parts)
		return -ENOMEM;
	if (curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return -EINVAL;
	(void)curl_url_get(parts, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
	length = snprintf(ret, HTTP_URL_HOST_MAX, "%s%s%s", host, port ? ":" : "",
			  port ? port : "");
	return length > 0 && length < HTTP_URL_HOST_MAX ? 0 : -EINVAL;
}
