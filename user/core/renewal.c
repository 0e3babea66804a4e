/* SPDX-License-Identifier: Apache-2.0 */
#include "core/renewal.h"

#include "base/util.h"

int64_t renewal_due(int64_t now_s, int64_t expires_s, uint32_t random)
{
	int64_t left_s = expires_s - now_s, spread_s, start_s;

	if (expires_s == 0)
		return 0;
	if (left_s <= 0)
		return now_s + RENEWAL_EXPIRED_MIN_S +
		       random % (RENEWAL_EXPIRED_MAX_S - RENEWAL_EXPIRED_MIN_S + 1);
	start_s = MAX(expires_s - RENEWAL_BEFORE_S, now_s + MAX(left_s / 2, RENEWAL_LEAST_S));
	spread_s = MIN(left_s / 6, RENEWAL_SPREAD_S);
	return start_s + random % (spread_s + 1);
}
