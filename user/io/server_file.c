/* SPDX-License-Identifier: Apache-2.0 */
#include "io/server_file.h"

#include "core/resolv_conf.h"

#define LOOK_MS 1000
#define OCTETS_MAX (64 << 10)

void server_file_done(struct server_file *f)
{
	free(f->path);
	*f = (struct server_file){ 0 };
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

size_t server_file_look(struct server_file *f, uint64_t now_ms, struct addr_port *list, size_t max)
{
	_cleanup_free_ char *text = NULL;
	struct stat now;
	size_t length;

	if (!f->path || (f->looked_ms && now_ms < f->looked_ms + LOOK_MS))
		return 0;
	f->looked_ms = now_ms;
	if (stat(f->path, &now) < 0 || !S_ISREG(now.st_mode) || is_same(&now, &f->read))
		return 0;
	f->read = now; /* before it is read: what is written meanwhile is new at the next look */
	if (util_read_file(f->path, OCTETS_MAX, &text, &length) < 0)
		return 0;
	return resolv_conf_servers(text, list, max);
}
