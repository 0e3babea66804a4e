/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi interface on the libuv loop: it owns the multi handle, libcurl's timer and a
 * watch for each of its sockets. It knows nothing of requests: io/http puts easy handles in and is
 * told which have ended.
 */
#pragma once

#include <curl/curl.h>
#include <uv.h>

#include "base/util.h"

struct curl_loop;

/* An easy handle has ended. Called from the loop, never from within a libcurl function. */
typedef void (*curl_loop_done_fn)(CURL *easy, CURLcode code);

int curl_loop_new(uv_loop_t *loop, curl_loop_done_fn done, struct curl_loop **ret);
/* Every easy handle must have been removed. The memory is freed by the loop, a turn later. */
void curl_loop_free(struct curl_loop *l);
DEFINE_CLEANUP(struct curl_loop *, curl_loop_free);

/* The multi handle: for curl_multi_setopt, _add_handle and _remove_handle. */
CURLM *curl_loop_multi(struct curl_loop *l);
