/* SPDX-License-Identifier: Apache-2.0 */
#include "io/resolver.h"

#include <errno.h>
#include <sys/queue.h>

#include "io/dns_servers.h"
#include "io/server_file.h"

/* Response codes that say "not I" rather than anything of the name; octet 3 of a header holds them.
 */
#define RCODE_SERVFAIL 2
#define RCODE_NOTIMP 4
#define RCODE_REFUSED 5
#define HEADER_SIZE 12

TAILQ_HEAD(query_list, resolver_query);

/* What c-ares holds of a question: it cannot forget a single one,
 * so this forgets the query instead. */
struct attempt {
	struct resolver_query *query; /* NULL: nobody waits any more */
};

struct resolver_query {
	TAILQ_ENTRY(resolver_query) entry;
	struct query_list *list; /* the one it is in */
	struct resolver *resolver;
	struct attempt *attempt; /* under way, or NULL; c-ares' */
	size_t attempts;
	uint64_t deadline_ms;
	char *name;
	int type;
	resolver_done_fn done;
	void *user;
	const char *failure;
	uint8_t *packet;
	size_t length;
};

struct resolver {
	uv_loop_t *loop;
	struct server_file file; /* that tells the servers, unless they are configured */
	struct dns_servers servers;
	uv_timer_t timer;
	struct query_list waiting, asked, finished;
	size_t n_asked;
};

static void query_move(struct resolver_query *q, struct query_list *to)
{
	struct resolver *r = q->resolver;

	if (q->list == &r->asked)
		r->n_asked--;
	if (q->list)
		TAILQ_REMOVE(q->list, q, entry);
	q->list = to;
	if (to)
		TAILQ_INSERT_TAIL(to, q, entry);
	if (to == &r->asked)
		r->n_asked++;
}

static void query_free(struct resolver_query *q)
{
	if (!q)
		return;
	if (q->attempt)
		q->attempt->query = NULL;
	if (q->list)
		query_move(q, NULL);
	free(q->packet);
	free(q->name);
	free(q);
}
DEFINE_CLEANUP(struct resolver_query *, query_free);

static void query_finish(struct resolver_query *q)
{
	if (q->attempt)
		q->attempt->query = NULL;
	q->attempt = NULL;
	query_move(q, &q->resolver->finished);
}

/* Keeps a copy of the packet, rather than the one of a server before. */
static void query_keep(struct resolver_query *q, int status, const uint8_t *packet, size_t length)
{
	_cleanup_free_ uint8_t *copy = packet && length >= HEADER_SIZE ? malloc(length) : NULL;

	if (!copy) {
		q->failure = dns_channel_failure(packet ? ARES_ENOMEM : status);
		return;
	}
	memcpy(copy, packet, length);
	free(q->packet);
	q->packet = TAKE_PTR(copy);
	q->length = length;
}

static bool query_wants_another(const struct resolver_query *q)
{
	size_t servers = q->resolver->servers.n;
	int rcode = q->packet ? q->packet[3] & 15 : 0;

	if (!q->packet)
		return q->attempts < MAX(servers, 2);
	if (rcode != RCODE_SERVFAIL && rcode != RCODE_NOTIMP && rcode != RCODE_REFUSED)
		return false;
	return q->attempts < servers;
}

static void on_attempt(void *user, int status, int timeouts, unsigned char *packet, int length);

/* Asks the next server. It may have failed by the return; then the query is finished. */
static void query_try(struct resolver_query *q)
{
	struct resolver *r = q->resolver;
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	if (!attempt) {
		q->failure = dns_channel_failure(ARES_ENOMEM);
		query_finish(q);
		return;
	}
	attempt->query = q;
	q->attempt = attempt;
	dns_channel_ask(r->servers.channels[q->attempts++ % r->servers.n], q->name, q->type,
			on_attempt, attempt);
}

static void on_attempt(void *user, int status, int timeouts, unsigned char *packet, int length)
{
	struct attempt *attempt = user;
	struct resolver_query *q = attempt->query;

	(void)timeouts;
	free(attempt);
	if (!q)
		return;
	q->attempt = NULL;
	query_keep(q, status, packet, (size_t)MAX(length, 0));
	if (query_wants_another(q))
		query_try(q);
	else
		query_finish(q);
}

static void resolver_expire(struct resolver *r)
{
	struct resolver_query *q;

	for (size_t i = 0; i < r->servers.n; i++)
		dns_channel_expire(r->servers.channels[i]);
	/* all have the same time, so the first asked is the first to run out of it */
	while ((q = TAILQ_FIRST(&r->asked)) && q->deadline_ms <= uv_now(r->loop)) {
		q->failure = dns_channel_failure(ARES_ETIMEOUT);
		query_finish(q);
	}
}

static void resolver_start_waiting(struct resolver *r)
{
	struct resolver_query *q;

	while (r->n_asked < RESOLVER_ASKED_MAX && (q = TAILQ_FIRST(&r->waiting))) {
		q->deadline_ms = uv_now(r->loop) + RESOLVER_TIMEOUT_MS;
		query_move(q, &r->asked);
		query_try(q);
	}
}

static void resolver_deliver(struct resolver *r)
{
	struct resolver_query *q;
	size_t n = 0;

	TAILQ_FOREACH(q, &r->finished, entry)
	n++;
	/* no more than were there: a call back may ask anew, and that may fail at once */
	while (n-- > 0 && (q = TAILQ_FIRST(&r->finished))) {
		_cleanup_(query_free_p) struct resolver_query *owned = q;
		struct resolver_answer answer = { .failure = q->packet ? NULL : q->failure,
						  .packet = q->packet,
						  .length = q->length };

		query_move(q, NULL);
		q->done(q->user, &answer);
	}
}

static int64_t resolver_next_ms(struct resolver *r)
{
	struct resolver_query *first = TAILQ_FIRST(&r->asked);
	int64_t next = -1;

	if (!TAILQ_EMPTY(&r->finished))
		return 0;
	if (first)
		next = (int64_t)(first->deadline_ms - MIN(uv_now(r->loop), first->deadline_ms));
	for (size_t i = 0; i < r->servers.n; i++) {
		int64_t timeout = dns_channel_timeout_ms(r->servers.channels[i]);

		if (timeout >= 0 && (next < 0 || timeout < next))
			next = timeout;
	}
	return next;
}

static void on_timer(uv_timer_t *timer);

static void resolver_arm(struct resolver *r)
{
	int64_t next = resolver_next_ms(r);

	if (next < 0)
		uv_timer_stop(&r->timer);
	else
		uv_timer_start(&r->timer, on_timer, (uint64_t)next, 0);
}

/* After anything has happened: hand over what is finished, start what waited for a place. */
static void resolver_settle(void *user)
{
	struct resolver *r = user;

	resolver_deliver(r);
	resolver_start_waiting(r);
	resolver_arm(r);
}

static void on_timer(uv_timer_t *timer)
{
	resolver_expire(timer->data);
	resolver_settle(timer->data);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* --- its servers ------------------------------------------------------------------------------ */

/* Questions under way are asked of the new servers from the start, with the time they have left. */
static void ask_again(struct resolver *r)
{
	struct resolver_query *q, *next;

	for (q = TAILQ_FIRST(&r->asked); q; q = next) {
		next = TAILQ_NEXT(q, entry);
		q->attempts = 0;
		query_try(q);
	}
}

static void forget_attempts(struct resolver *r)
{
	for (struct resolver_query *q = TAILQ_FIRST(&r->asked); q; q = TAILQ_NEXT(q, entry)) {
		if (q->attempt)
			q->attempt->query = NULL;
		q->attempt = NULL;
	}
}

static int resolver_set_servers(struct resolver *r, const struct addr_port *list, size_t n)
{
	_cleanup_(dns_servers_done) struct dns_servers old = { 0 };
	struct dns_servers opened;
	int result = dns_servers_open(r->loop, list, n, resolver_settle, r, &opened);

	if (result < 0)
		return result;
	forget_attempts(r);
	old = r->servers;
	r->servers = opened;
	ask_again(r);
	return 0;
}

static void look_at_file(struct resolver *r)
{
	struct addr_port servers[DNS_SERVERS_MAX];
	size_t n = server_file_look(&r->file, uv_now(r->loop), servers, ARRAY_SIZE(servers));

	if (n > 0 && !dns_servers_are(&r->servers, servers, n))
		(void)resolver_set_servers(r, servers, n); /* or it keeps what it has */
}

int resolver_configure(struct resolver *r, const struct addr_port *list, size_t n, const char *path)
{
	const struct addr_port loopback = { addr_from_ipv4((const uint8_t[]){ 127, 0, 0, 1 }), 53 };
	_cleanup_(server_file_done) struct server_file file = { 0 };
	struct addr_port found[DNS_SERVERS_MAX];
	int result = 0;

	if (n == 0 && path) {
		file.path = strdup(path);
		if (!file.path)
			return -ENOMEM;
		n = server_file_look(&file, uv_now(r->loop), found, ARRAY_SIZE(found));
		list = n ? found : &loopback; /* as resolv.conf(5) has it */
		n = MAX(n, 1U);
	}
	if (n == 0 || !dns_servers_are(&r->servers, list, n))
		result = resolver_set_servers(r, list, n);
	if (result < 0)
		return result;
	server_file_done(&r->file);
	r->file = file;
	file = (struct server_file){ 0 };
	resolver_arm(r);
	return 0;
}

/* --- its life --------------------------------------------------------------------------------- */

int resolver_new(uv_loop_t *loop, const struct addr_port *list, size_t n, const char *path,
		 struct resolver **ret)
{
	_cleanup_(resolver_free_p) struct resolver *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	TAILQ_INIT(&r->waiting);
	TAILQ_INIT(&r->asked);
	TAILQ_INIT(&r->finished);
	uv_timer_init(loop, &r->timer); /* cannot fail; from here on the loop holds r */
	r->timer.data = r;
	result = resolver_configure(r, list, n, path);
	if (result < 0)
		return result;
	*ret = TAKE_PTR(r);
	return 0;
}

static void query_list_free(struct query_list *list)
{
	struct resolver_query *q;

	while ((q = TAILQ_FIRST(list)))
		query_free(q);
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	query_list_free(&r->waiting);
	query_list_free(&r->asked);
	query_list_free(&r->finished);
	dns_servers_done(&r->servers);
	server_file_done(&r->file);
	uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

int resolver_ask(struct resolver *r, const char *name, int type, resolver_done_fn done, void *user,
		 struct resolver_query **ret)
{
	_cleanup_(query_free_p) struct resolver_query *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	*q = (struct resolver_query){ .resolver = r, .type = type, .done = done, .user = user };
	q->name = strdup(name);
	if (!q->name)
		return -ENOMEM;
	query_move(q, &r->waiting);
	uv_update_time(r->loop); /* whoever asks before the loop runs must not lose time by that */
	look_at_file(r);
	resolver_start_waiting(r);
	resolver_arm(r);
	*ret = TAKE_PTR(q);
	return 0;
}

void resolver_cancel(struct resolver_query *q)
{
	query_free(q);
}
