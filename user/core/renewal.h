/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When credentials are renewed. As the AWS SDKs do it: from 15 minutes before their end, spread
 * over five, so that a fleet which got them together does not renew them together; short-lived ones
 * after half of their life. Ones that were handed out expired are used on, for it is AWS who could
 * not renew them, and asked for again in 2 to 10 minutes. Pure.
 */
#pragma once

#include <stdint.h>

#define RENEWAL_BEFORE_S 900
#define RENEWAL_SPREAD_S 300
#define RENEWAL_LEAST_S 2 /* of a set that lives for seconds */
#define RENEWAL_EXPIRED_MIN_S 120
#define RENEWAL_EXPIRED_MAX_S 600

/* Of a set got now; 0: never, which is what `expires_s` 0 says. `random` is any number. */
int64_t renewal_due(int64_t now_s, int64_t expires_s, uint32_t random);
