/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a URL leads to, read by the parser that the request will be made by. Owns nothing, asks
 * nobody.
 */
#pragma once

#include "base/util.h"

#define HTTP_URL_HOST_MAX 256

/*
 * The host that a request to `url` would go to (IPv6 without brackets; numbers as libcurl reads
 * them: "127.1" is 127.0.0.1) and whether by https. -EINVAL: not http(s)://host..., or it names a
 * user; or -ENOMEM.
 */
int http_url_host(const char *url, bool *ret_https, char ret_host[static HTTP_URL_HOST_MAX]);

/* What the Host header of a request to `url` is: the host, and the port unless it is the scheme's
 * own. As http_url_host. */
int http_url_authority(const char *url, char ret[static HTTP_URL_HOST_MAX]);
