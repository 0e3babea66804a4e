/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vips.h"

#include <errno.h>
#include <search.h>

#include "core/vips_book.h"

struct vips {
	struct addr_prefix range;
	uint64_t first,
		usable; /* offsets into the range that are given out: first .. first+usable-1 */
	uint64_t used;	/* of them, held by a name or reserved */
	size_t n;	/* names */
	bool changed;
	void *by_name;	  /* trees of search.h: struct vips_entry, owned */
	void *by_address; /* the same entries */
	void *reserved;	  /* struct addr, owned */
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct vips_entry *)a)->name, ((const struct vips_entry *)b)->name);
}

static int compare_entry_addresses(const void *a, const void *b)
{
	return addr_compare(&((const struct vips_entry *)a)->address,
			    &((const struct vips_entry *)b)->address);
}

static int compare_addresses(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* Nobody expects the first and the last address of a range to be a host's. */
int vips_new(const struct addr_prefix *range, struct vips **ret)
{
	unsigned int bits = (addr_is_ipv4(&range->addr) ? 32 : 128) - range->length;
	struct vips *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->range = *range;
	v->usable = 1ull << MIN(bits, 32);
	if (bits >= 2) {
		v->first = 1;
		v->usable -= 2;
	}
	*ret = v;
	return 0;
}

static void keep(void *entry)
{
	(void)entry;
}

void vips_free(struct vips *v)
{
	if (!v)
		return;
	tdestroy(v->by_address, keep);
	tdestroy(v->by_name, free);
	tdestroy(v->reserved, free);
	free(v);
}

static struct vips_entry *find_name(const struct vips *v, const char *name)
{
	struct vips_entry wanted = { .name = name };
	struct vips_entry **found = tfind(&wanted, &v->by_name, compare_names);

	return found ? *found : NULL;
}

static bool has_holder(const struct vips *v, const struct addr *a)
{
	struct vips_entry wanted = { .address = *a };

	return tfind(&wanted, &v->by_address, compare_entry_addresses);
}

static bool is_reserved(const struct vips *v, const struct addr *a)
{
	return tfind(a, &v->reserved, compare_addresses);
}

static struct addr address_at(const struct vips *v, uint64_t offset)
{
	struct addr a = v->range.addr;

	for (int i = 15; offset > 0; i--, offset >>= 8)
		a.octets[i] |= (uint8_t)offset;
	return a;
}

/* FNV-1a, then the finaliser of MurmurHash3, which spreads short names over the low bits. */
static uint64_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3;
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
	return h ^ (h >> 33);
}

int vips_reserve(struct vips *v, const struct addr *a)
{
	struct addr *copy;

	if (!addr_prefix_contains(&v->range, a) || is_reserved(v, a))
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *a;
	if (!tsearch(copy, &v->reserved, compare_addresses)) {
		free(copy);
		return -ENOMEM;
	}
	v->used += !has_holder(v, a);
	return 0;
}

/* Neither the name nor the address is in the book. */
static int add_entry(struct vips *v, const char *name, const struct addr *a)
{
	size_t length = strlen(name) + 1;
	struct vips_entry *entry = malloc(sizeof(*entry) + length);

	if (!entry)
		return -ENOMEM;
	entry->name = memcpy(entry + 1, name, length);
	entry->address = *a;
	if (!tsearch(entry, &v->by_name, compare_names)) {
		free(entry);
		return -ENOMEM;
	}
	if (!tsearch(entry, &v->by_address, compare_entry_addresses)) {
		tdelete(entry, &v->by_name, compare_names);
		free(entry);
		return -ENOMEM;
	}
	v->n++;
	v->used += !is_reserved(v, a);
	v->changed = true;
	return 0;
}

/* Its address, which is reserved now, stays used. */
static void drop_entry(struct vips *v, struct vips_entry *entry)
{
	tdelete(entry, &v->by_address, compare_entry_addresses);
	tdelete(entry, &v->by_name, compare_names);
	free(entry);
	v->n--;
	v->changed = true;
}

int vips_assign(struct vips *v, const char *name, struct addr *ret, bool *ret_moved)
{
	uint64_t offset = hash_name(name) % v->usable;
	const struct addr wanted = address_at(v, v->first + offset);
	struct vips_entry *entry = find_name(v, name);
	struct addr a = wanted;
	int r;

	if (entry && is_reserved(v, &entry->address)) {
		drop_entry(v, entry);
		entry = NULL;
	}
	if (!entry) {
		if (v->used >= v->usable || v->n >= VIPS_MAX)
			return -ENOSPC;
		while (has_holder(v, &a) || is_reserved(v, &a)) {
			offset = (offset + 1) % v->usable;
			a = address_at(v, v->first + offset);
		}
		r = add_entry(v, name, &a);
		if (r < 0)
			return r;
	}
	*ret = entry ? entry->address : a;
	*ret_moved = !addr_equal(ret, &wanted);
	return 0;
}

bool vips_changed(const struct vips *v)
{
	return v->changed;
}

/* Whether the address is one of those that are given out. */
static bool is_usable(const struct vips *v, const struct addr *a)
{
	const struct addr low = address_at(v, v->first);
	const struct addr high = address_at(v, v->first + v->usable - 1);

	return addr_compare(a, &low) >= 0 && addr_compare(a, &high) <= 0;
}

/* Whether the name may be given the address. */
static bool is_free_for(const struct vips *v, const char *name, const struct addr *a)
{
	return is_usable(v, a) && v->n < VIPS_MAX && !find_name(v, name) && !has_holder(v, a);
}

int vips_adopt(struct vips *v, const char *name, const struct addr *a)
{
	return is_free_for(v, name, a) && !is_reserved(v, a) ? add_entry(v, name, a) : 0;
}

bool vips_is_empty(const struct vips *v)
{
	return v->n == 0;
}

static int load_entry(void *user, const struct vips_entry *entry, bool *ret_taken)
{
	struct vips *v = user;

	*ret_taken = is_free_for(v, entry->name, &entry->address);
	return *ret_taken ? add_entry(v, entry->name, &entry->address) : 0;
}

int vips_load(struct vips *v, const char *text, size_t length, struct diag *problems)
{
	bool all_taken;
	int r = vips_book_read(text, length, load_entry, v, &all_taken, problems);

	if (r == 0)
		v->changed = !all_taken;
	return r;
}

struct collected {
	const struct vips_entry **entries;
	size_t n;
};

static void collect(const void *node, VISIT visit, void *user)
{
	struct collected *c = user;

	if (visit == postorder || visit == leaf)
		c->entries[c->n++] = *(const struct vips_entry *const *)node;
}

int vips_store(struct vips *v, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ const struct vips_entry **entries = calloc(v->n + 1, sizeof(*entries));
	struct collected collected = { .entries = entries };
	int r;

	if (!entries)
		return -ENOMEM;
	twalk_r(v->by_name, collect, &collected);
	r = vips_book_write(entries, collected.n, ret_text, ret_length);
	if (r == 0)
		v->changed = false;
	return r;
}
