/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this text JSON, by the letter of RFC 8259, and within the limits of core/json.h? Builds
 * nothing and allocates nothing.
 */
#pragma once

#include "core/json.h"

/* 0, or -EINVAL and *ret_fault. Strings with a NUL or half a surrogate pair are refused, too. */
int json_scan(const char *text, size_t length, unsigned int depth_max,
	      struct json_fault *ret_fault);
