/* SPDX-License-Identifier: Apache-2.0 */
#include "core/balance.h"

#include "core/config_keys.h"

const char *balance_name(enum shunt_balance balance)
{
	bool maglev = balance_affinity(balance);

	return config_word_of(config_words_balance, maglev ? BALANCE_MAGLEV_TASK : (int)balance);
}

const char *balance_affinity(enum shunt_balance balance)
{
	if (balance != BALANCE_MAGLEV_TASK && balance != BALANCE_MAGLEV_SOCKET)
		return NULL;
	return config_word_of(config_words_affinity, (int)balance);
}
