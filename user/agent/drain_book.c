/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/drain_book.h"

#include "agent/internal.h"
#include "agent/state_file.h"

static int take(void *user, const char *text, size_t length, struct diag *problems)
{
	return drains_read(user, text, length, problems);
}

void drain_book_load(struct agent *agent)
{
	state_file_load(agent, STATE_FILE_DRAINED, take, &agent->drains);
	if (agent->drains.n > 0)
		log_info("Backends are drained", "backends=%zu", agent->drains.n);
}

int drain_book_store(const struct agent *agent)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = drains_write(&agent->drains, &text, &length);

	return r < 0 ? r : state_file_store(agent, STATE_FILE_DRAINED, text, length);
}
