/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock_skew.h"

#include <time.h>

/* What services say of a date that is too far from theirs: the list of the AWS SDKs. */
static bool blames_clock(const char *code)
{
	static const char *const codes[] = {
		"AuthFailure",	      "InvalidSignatureException", "RequestExpired",
		"RequestInTheFuture", "RequestTimeTooSkewed",	   "SignatureDoesNotMatch",
		"InvalidSignature",
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (streq(codes[i], code))
			return true;
	return false;
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

bool clock_skew_learn(struct clock_skew *c, const char *code, int64_t signed_offset_s,
		      int64_t remote_s, int64_t now_s, uint64_t now_ms)
{
	int64_t offset_s = remote_s - now_s;

	if (!blames_clock(code) || remote_s <= 0)
		return false;
	if (c->learnt_ms && now_ms < c->learnt_ms + CLOCK_SKEW_LEARN_APART_MS)
		return signed_offset_s != c->offset_s;
	if (distance(offset_s, c->offset_s) >= CLOCK_SKEW_LEAST_S) {
		c->offset_s = distance(offset_s, 0) < CLOCK_SKEW_LEAST_S ? 0 : offset_s;
		c->learnt_ms = MAX(now_ms, 1U);
	}
	return signed_offset_s != c->offset_s;
}

void clock_skew_stamp(const struct clock_skew *c, int64_t now_s,
		      char ret[static CLOCK_SKEW_STAMP_MAX])
{
	time_t when = (time_t)(now_s + c->offset_s);
	struct tm utc = { 0 };

	(void)gmtime_r(&when, &utc);
	(void)strftime(ret, CLOCK_SKEW_STAMP_MAX, "%Y%m%dT%H%M%SZ", &utc);
}
