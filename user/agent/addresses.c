/* SPDX-License-Identifier: Apache-2.0 */
/* VIPs for the services that name none: by the book in state_dir, which only grows. */
#include "agent/internal.h"

#include <errno.h>

#include "core/vips.h"

#define BOOK_BYTES_MAX (8 << 20)

static char *book_path(const struct agent *agent)
{
	char *path = NULL;

	return asprintf(&path, "%s/vips.json", agent->config->state_dir) < 0 ? NULL : path;
}

static void book_load(const struct agent *agent, struct vips *book)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *path = book_path(agent);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = path ? util_read_file(path, BOOK_BYTES_MAX, &text, &length) : -ENOMEM;

	if (r == -ENOENT)
		return;
	if (r == 0)
		r = vips_load(book, text, length, &problems);
	if (r == 0)
		return;
	log_warn("The book of VIPs cannot be read, choosing VIPs anew by name",
		 "file=%s error='%s'", path ? path : "?",
		 problems.n > 0 ? problems.lines[0] : strerror(-r));
}

static void book_store(const struct agent *agent, struct vips *book)
{
	_cleanup_free_ char *path = book_path(agent);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = path ? 0 : -ENOMEM;

	if (!vips_changed(book))
		return;
	if (r == 0)
		r = util_make_directories(agent->config->state_dir, 0755);
	if (r == 0)
		r = vips_store(book, &text, &length);
	if (r == 0)
		r = util_write_file_atomically(path, text, length, 0644);
	if (r < 0)
		log_warn("The book of VIPs cannot be written, VIPs may change at the next start",
			 "file=%s error='%s'", path ? path : "?", strerror(-r));
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

int addresses_assign(struct agent *agent)
{
	_cleanup_(vips_free_p) struct vips *book = NULL;
	int r = vips_new(&agent->config->vips, &book);

	if (r < 0)
		return r;
	book_load(agent, book);
	for (size_t i = 0; i < agent->n_watches && r == 0; i++) {
		if (agent->watches[i]->config->has_vip)
			r = vips_reserve(book, &agent->watches[i]->config->vip);
	}
	for (size_t i = 0; i < agent->n_watches && r == 0; i++)
		r = assign_one(book, agent->watches[i]);
	if (r == 0)
		book_store(agent, book);
	return r;
}
