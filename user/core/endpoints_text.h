/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints as people write them in a file: `ip:port [weight=N] [zone=Z]` a line, `#` begins a
 * comment. Pure; any bad line refuses the whole text.
 */
#pragma once

#include "base/diag.h"
#include "core/endpoints.h"

#define ENDPOINTS_TEXT_MAX (1 << 20)
#define ENDPOINTS_TEXT_LINE_MAX 256

/*
 * 0 and *ret (the caller's, normalised; may be empty). -EINVAL: *problems has every bad line as
 * "origin:line: got ..., wanted ...". -E2BIG: more than ENDPOINTS_MAX; -ENOMEM.
 */
int endpoints_text_read(const char *text, size_t length, const char *origin, struct endpoints *ret,
			struct diag *problems);
