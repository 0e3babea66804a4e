/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/victims.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>

void victims_done(struct victims *v)
{
	free(v->list);
	*v = (struct victims){ 0 };
}

static int append(struct victims *v, const struct shunt_victim *victim)
{
	if (util_grow(&v->list, &v->capacity, v->n + 1, sizeof(*v->list)) < 0)
		return -ENOMEM;
	v->list[v->n++] = *victim;
	return 0;
}

/* --- tracks ----------------------------------------------------------------------------------- */

struct row {
	struct shunt_reset_key key;
	struct shunt_reset reset;
};

struct search {
	struct victims *victims;
	struct row *rows; /* owned; those that are due, sorted by key */
	size_t n_rows, capacity;
	uint64_t now_ns;
};

static void search_done(struct search *s)
{
	free(s->rows);
}

static int compare_rows(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct shunt_reset_key));
}

static int take_row(void *user, const void *key, const void *value)
{
	struct search *s = user;
	struct row row;

	memcpy(&row.key, key, sizeof(row.key));
	memcpy(&row.reset, value, sizeof(row.reset));
	if (row.reset.due_ns > s->now_ns)
		return 0;
	if (util_grow(&s->rows, &s->capacity, s->n_rows + 1, sizeof(row)) < 0)
		return -ENOMEM;
	s->rows[s->n_rows++] = row;
	return 0;
}

static const struct row *find_row(const struct search *s, const struct shunt_track *track,
				  uint16_t port)
{
	const struct shunt_reset_key key = {
		.service_id = track->service_id,
		.backend = track->note.backend,
		.port = port,
	};
	const struct row *row = bsearch(&key, s->rows, s->n_rows, sizeof(*row), compare_rows);

	if (!row || row->reset.generation != track->generation)
		return NULL;
	return (int32_t)(row->reset.born - track->born) < 0 ? NULL : row;
}

static int take_track(void *user, const void *key, const void *value)
{
	struct search *s = user;
	struct shunt_track track;
	const struct row *row;

	(void)key;
	memcpy(&track, value, sizeof(track));
	if (track.cookie == 0 || track.cookie == SHUNT_TRACK_BUSY)
		return 0;
	row = find_row(s, &track, track.note.backend_port);
	if (!row)
		row = find_row(s, &track, 0);
	if (!row)
		return 0;
	return append(s->victims, &(struct shunt_victim){
					  .cookie = track.cookie,
					  .service_id = track.service_id,
					  .reason = row->reset.reason,
					  .backend = track.note.backend,
					  .port = track.note.backend_port,
				  });
}

static int find_tracks(struct victims *v, const struct dataplane *d)
{
	_cleanup_(search_done) struct search search = { .victims = v };
	struct timespec now;
	int r;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return -errno;
	search.now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	r = map_walk(&d->maps[MAP_RESETS], take_row, &search);
	if (r < 0 || search.n_rows == 0)
		return r;
	qsort(search.rows, search.n_rows, sizeof(*search.rows), compare_rows);
	r = map_walk(&d->maps[MAP_TRACKS], take_track, &search);
	return r < 0 ? r : map_walk(&d->maps[MAP_SPILLS], take_track, &search);
}

/* --- socket storage --------------------------------------------------------------------------- */

/* The kernel hands out whole records, as many as fit. */
static int find_noted(struct victims *v, int iterator_link)
{
	_cleanup_close_ int fd = bpf_iter_create(iterator_link);
	struct shunt_victim found[64];

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, found, sizeof(found));

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		if (got % (ssize_t)sizeof(*found) != 0)
			return -EPROTO;
		for (size_t i = 0; i < (size_t)got / sizeof(*found); i++) {
			int r = append(v, &found[i]);

			if (r < 0)
				return r;
		}
	}
}

/* --- all -------------------------------------------------------------------------------------- */

static int compare_victims(const void *a, const void *b)
{
	const struct shunt_victim *left = a, *right = b;

	if (left->cookie != right->cookie)
		return left->cookie < right->cookie ? -1 : 1;
	return 0;
}

int victims_find(struct victims *v, const struct dataplane *d, int iterator_link)
{
	int r = d->tracks ? find_tracks(v, d) : 0;

	if (r == 0 && iterator_link >= 0)
		r = find_noted(v, iterator_link);
	if (r == 0 && v->n > 0)
		qsort(v->list, v->n, sizeof(*v->list), compare_victims);
	return r;
}

const struct shunt_victim *victims_match(const struct victims *v, uint64_t cookie,
					 struct addr_port peer)
{
	const struct shunt_victim wanted = { .cookie = cookie };
	const struct shunt_victim *found;

	if (v->n == 0)
		return NULL;
	found = bsearch(&wanted, v->list, v->n, sizeof(*v->list), compare_victims);
	if (!found || found->port != peer.port ||
	    memcmp(&found->backend, &peer.addr, sizeof(found->backend)) != 0)
		return NULL;
	return found;
}
