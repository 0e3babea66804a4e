/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/book.h"
#include "core/drains.h"
#include "core/known.h"
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

static int known_read_told(const char *text, size_t length, struct known *ret)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	int r = known_read(ret, text, length, &problems);

	fuzz_demand(r == 0 || r == -EBADMSG, "a text is what is known or not");
	fuzz_demand(r == 0 || problems.total > 0, "what is wrong is told");
	fuzz_demand(r == 0 || ret->n == 0, "of what is no such file nothing is taken");
	for (size_t i = 0; i < ret->n; i++)
		fuzz_demand(ret->list[i].endpoints.n <= ENDPOINTS_MAX &&
				    known_find(ret, ret->list[i].service, ret->list[i].source),
			    "a row is found again");
	return r;
}

static char *known_write(const struct known *k, size_t *ret_length)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, ret_length);

	if (!to)
		abort();
	known_write_start(to, k->written_s);
	for (size_t i = 0; i < k->n; i++)
		known_write_row(to, &k->list[i]);
	(void)fflush(to);
	known_write_end(to, k->n, book_checksum(0, text, *ret_length));
	fuzz_demand(fclose(to) == 0, "a file is written");
	return text;
}

static void known_comes_back(const char *text, size_t length)
{
	_cleanup_(known_done) struct known first = { 0 }, second = { 0 }, none = { 0 };
	_cleanup_free_ char *written = NULL;
	size_t n;

	if (known_read_told(text, length, &first) < 0)
		return;
	written = known_write(&first, &n);
	fuzz_demand(known_read_told(written, n, &second) == 0 && second.n == first.n,
		    "what was written is read");
	for (size_t i = 0; i < first.n; i++)
		fuzz_demand(endpoints_equal(&first.list[i].endpoints, &second.list[i].endpoints),
			    "and is the same");
	damage(written, n, length);
	fuzz_demand(known_read_told(written, n, &none) < 0, "damage is noticed");
}

/* Lines of any kind with the end that makes them a whole file: no fuzzer guesses a checksum. */
static void sealed_known_comes_back(const char *text, size_t length)
{
	_cleanup_free_ char *whole = NULL;
	size_t n, rows = 0;
	FILE *to = open_memstream(&whole, &n);

	if (!to)
		abort();
	for (size_t i = 0; i < length; i++)
		rows += text[i] == '\n';
	(void)fwrite(text, 1, length, to);
	if (length > 0 && text[length - 1] != '\n')
		(void)fputc('\n', to);
	else
		rows -= rows > 0;
	(void)fflush(to);
	known_write_end(to, rows, book_checksum(0, whole, n));
	if (fclose(to) != 0)
		abort();
	known_comes_back(whole, n);
}

static const struct {
	char letter;
	void (*read)(const char *text, size_t length);
} files[] = {
	{ 'v', vips_come_back },
	{ 'd', drains_come_back },
	{ 'k', known_comes_back },
	{ 's', sealed_known_comes_back },
};

void fuzz_state(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;

	if (size == 0)
		return;
	text = fuzz_copy(data + 1, size - 1);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i].letter == (char)data[0])
			files[i].read(text, size - 1);
}
