/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/drains.h"
#include "core/vips_book.h"
#include "fuzz/fuzz.h"

#define ENTRIES_MAX 4096

/* What a book of VIPs gave, copied: its words go with it. */
struct entries {
	struct vips_entry list[ENTRIES_MAX];
	size_t n;
};

static int take(void *user, const struct vips_entry *entry, bool *ret_taken)
{
	struct entries *entries = user;
	char *name = strdup(entry->name);

	if (!name)
		abort();
	if (entries->n == ENTRIES_MAX) {
		free(name);
		return -ENOSPC;
	}
	entries->list[entries->n++] = (struct vips_entry){ name, entry->address };
	*ret_taken = true;
	return 0;
}

static void entries_done(struct entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free((char *)e->list[i].name);
	e->n = 0;
}

static char *vips_write(const struct entries *e, size_t *ret_length)
{
	_cleanup_free_ const struct vips_entry **list = calloc(e->n + 1, sizeof(*list));
	char *text;

	if (!list)
		abort();
	for (size_t i = 0; i < e->n; i++)
		list[i] = &e->list[i];
	fuzz_demand(vips_book_write(list, e->n, &text, ret_length) == 0, "a book is written");
	return text;
}

static int vips_read(const char *text, size_t length, struct entries *ret)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	bool all;
	int r = vips_book_read(text, length, take, ret, &all, &problems);

	fuzz_demand(r == 0 || r == -EBADMSG || r == -ENOSPC, "a text is a book of VIPs or none");
	fuzz_demand((r == -EBADMSG) == (problems.total > 0), "what is wrong is told");
	fuzz_demand(r != -EBADMSG || ret->n == 0, "of what is no book nothing is taken");
	return r;
}

static int drains_read_told(const char *text, size_t length, struct drains *ret)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	int r = drains_read(ret, text, length, &problems);

	fuzz_demand(r == 0 || r == -EBADMSG || r == -ENOSPC, "a text is a book of drains or none");
	fuzz_demand((r == -EBADMSG) == (problems.total > 0), "what is wrong is told");
	fuzz_demand(r == 0 || ret->n == 0, "of what is no book nothing is taken");
	return r;
}

/* One octet of it is another one. */
static void damage(char *text, size_t length, size_t where)
{
	text[where % length] = (char)(text[where % length] ^ (where % 2 ? 1 : 4));
}

static void vips_come_back(const char *text, size_t length)
{
	_cleanup_(entries_done) struct entries first = { 0 }, second = { 0 }, none = { 0 };
	_cleanup_free_ char *written = NULL;
	size_t n;

	if (vips_read(text, length, &first) < 0)
		return;
	written = vips_write(&first, &n);
	fuzz_demand(vips_read(written, n, &second) == 0 && second.n == first.n,
		    "what was written is read");
	for (size_t i = 0; i < first.n; i++)
		fuzz_demand(streq(first.list[i].name, second.list[i].name) &&
				    addr_equal(&first.list[i].address, &second.list[i].address),
			    "and is the same");
	damage(written, n, length);
	fuzz_demand(vips_read(written, n, &none) < 0, "damage is noticed");
}

static void drains_come_back(const char *text, size_t length)
{
	_cleanup_(drains_done) struct drains first = { 0 }, second = { 0 }, none = { 0 };
	_cleanup_free_ char *written = NULL;
	size_t n;

	if (drains_read_told(text, length, &first) < 0)
		return;
	fuzz_demand(drains_write(&first, &written, &n) == 0, "a book is written");
	fuzz_demand(drains_read_told(written, n, &second) == 0 && second.n == first.n,
		    "what was written is read");
	for (size_t i = 0; i < first.n; i++)
		fuzz_demand(addr_port_compare(&first.list[i].at, &second.list[i].at) == 0 &&
				    drains_find(&first, &second.list[i].at) == &first.list[i],
			    "and is the same");
	damage(written, n, length);
	fuzz_demand(drains_read_told(written, n, &none) < 0, "damage is noticed");
}

void fuzz_state(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;

	if (size == 0)
		return;
	text = fuzz_copy(data + 1, size - 1);
	if (data[0] == 'v')
		vips_come_back(text, size - 1);
	else
		drains_come_back(text, size - 1);
}
