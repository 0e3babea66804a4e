/* SPDX-License-Identifier: Apache-2.0 */
/* VIPs for the services that name none: by the book in state_dir, which only grows. */
#include "agent/internal.h"

#include <errno.h>

#include "agent/state_file.h"
#include "core/vips.h"

static int take(void *user, const char *text, size_t length, struct diag *problems)
{
	return vips_load(user, text, length, problems);
}

static void book_store(const struct agent *agent, struct vips *book)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;

	if (vips_changed(book) && vips_store(book, &text, &length) == 0)
		(void)state_file_store(agent, STATE_FILE_VIPS, text, length); /* logs */
}

static int assign_one(struct vips *book, struct watch *w)
{
	int r;

	w->vip.port = w->config->port;
	w->vip_moved = false;
	w->has_vip = true;
	if (w->config->has_vip) {
		w->vip.addr = w->config->vip;
		return 0;
	}
	r = vips_assign(book, w->config->name, &w->vip.addr, &w->vip_moved);
	if (r == -ENOSPC) {
		w->has_vip = false;
		log_error("No VIP is left in vips.cidr, the service is not reachable", "service=%s",
			  w->config->name);
		return 0;
	}
	return r;
}

/* There is no book, or it is damaged: what was in force knows some of it. */
static int adopt_all(const struct agent *agent, struct vips *book)
{
	int r = 0;

	for (size_t i = 0; i < agent->n_watches && r == 0; i++) {
		const struct watch *w = agent->watches[i];

		if (w->has_vip && !w->config->has_vip)
			r = vips_adopt(book, w->config->name, &w->vip.addr);
	}
	return r;
}

int addresses_assign(struct agent *agent)
{
	_cleanup_(vips_free_p) struct vips *book = NULL;
	int r = vips_new(&agent->config->vips, &book);

	if (r < 0)
		return r;
	state_file_load(agent, STATE_FILE_VIPS, take, book);
	for (size_t i = 0; i < agent->n_watches && r == 0; i++) {
		if (agent->watches[i]->config->has_vip)
			r = vips_reserve(book, &agent->watches[i]->config->vip);
	}
	if (r == 0 && vips_is_empty(book))
		r = adopt_all(agent, book);
	for (size_t i = 0; i < agent->n_watches && r == 0; i++)
		r = assign_one(book, agent->watches[i]);
	if (r == 0)
		book_store(agent, book);
	return r;
}
