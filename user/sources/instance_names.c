/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/instance_names.h"

#include <errno.h>

/* So long a name that never led anywhere may be one that an earlier run knew. */
#define PATIENCE_MS 60000
/* As long as the model keeps them: an instance, its name and a code. */
#define WHY_MAX (CLOUDMAP_WIRE_ID_MAX + SHUNT_NAME_MAX + 96)

struct instance_name {
	struct instance_names *all;
	char name[SHUNT_NAME_MAX];
	struct source *source;
	struct endpoints addresses; /* ports are not theirs */
	uint64_t asked_ms;	    /* the first time */
	bool wanted;		    /* the last answer has it */
	bool settled, answered;	    /* DNS has said anything; has answered */
	char code[64];		    /* of its failure, or "" */
};

struct instance_names {
	const struct source_env *env;
	const struct source_sink *sink;
	struct config config; /* no more of it than the DNS source reads: values */
	bool ipv6_first;
	bool told;
	struct instance_name **list;
	size_t n, capacity;
	/* the last answer */
	struct endpoints endpoints;
	struct cloudmap_wire_name *instances;
	size_t n_instances;
	struct source_snapshot snapshot;
	char rejected_why[CLOUDMAP_WIRE_WHY_MAX], misweighted_why[CLOUDMAP_WIRE_WHY_MAX];
};

static void name_free(struct instance_name *name)
{
	source_stop(name->source);
	endpoints_done(&name->addresses);
	free(name);
}

void instance_names_free(struct instance_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++)
		name_free(n->list[i]);
	free(n->list);
	free(n->instances);
	endpoints_done(&n->endpoints);
	free(n);
}

static struct instance_names *names_new(const struct instance_names_owner *owner)
{
	struct instance_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->env = owner->env;
	n->sink = owner->sink;
	n->config.dns_ttl = owner->ttl;
	n->ipv6_first = owner->ipv6_first;
	return n;
}

static struct instance_name *find(const struct instance_names *n, const char *name)
{
	for (size_t i = 0; i < n->n; i++) {
		if (streq(n->list[i]->name, name))
			return n->list[i];
	}
	return NULL;
}

/* --- what the sink is told -------------------------------------------------------------------- */

static void reject(struct source_snapshot *s, char why[static WHY_MAX], const char *id,
		   const char *name, const char *words)
{
	if (s->rejected++ == 0)
		(void)snprintf(why, WHY_MAX, "instance %s: %s %s", id, name, words);
	s->rejected_why = why;
}

static int add_addresses(const struct cloudmap_wire_name *instance, const struct endpoints *from,
			 struct endpoints *to)
{
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++) {
		struct endpoint e = instance->endpoint;

		e.at.addr = from->list[i].at.addr;
		r = endpoints_add(to, &e);
	}
	return r;
}

/* One instance's part of the snapshot. */
static int add_instance(const struct instance_names *n, const struct cloudmap_wire_name *instance,
			struct source_snapshot *s, char why[static WHY_MAX], struct endpoints *to)
{
	const struct instance_name *name = find(n, instance->name);

	if (!name)
		reject(s, why, instance->id, instance->name, "is one name too many");
	else if (name->answered && name->addresses.n == 0)
		reject(s, why, instance->id, instance->name, "has no address");
	else if (name->settled && !name->answered)
		reject(s, why, instance->id, instance->name, name->code);
	s->adds_only |= name && !name->answered &&
			uv_now(n->env->loop) - name->asked_ms < PATIENCE_MS;
	return name ? add_addresses(instance, &name->addresses, to) : 0;
}

static bool is_settled(const struct instance_names *n)
{
	for (size_t i = 0; i < n->n; i++) {
		if (!n->list[i]->settled)
			return false;
	}
	return true;
}

/* Last: the sink may stop the source. */
static void tell(struct instance_names *n, bool again)
{
	_cleanup_(endpoints_done) struct endpoints endpoints = { 0 };
	struct source_snapshot snapshot = n->snapshot;
	char why[WHY_MAX];
	int r;

	if (!n->told && !is_settled(n))
		return;
	(void)util_copy(why, sizeof(why), n->rejected_why);
	r = endpoints_copy(&endpoints, &n->endpoints);
	for (size_t i = 0; i < n->n_instances && r == 0; i++)
		r = add_instance(n, &n->instances[i], &snapshot, why, &endpoints);
	if (r < 0) {
		n->sink->failure(n->sink->user,
				 &(struct source_failure){
					 r == -E2BIG ? "too_many" : "out_of_memory", "" });
		return;
	}
	endpoints_normalise(&endpoints);
	snapshot.endpoints = &endpoints;
	snapshot.again = again && n->told;
	n->told = true;
	n->sink->snapshot(n->sink->user, &snapshot);
}

/* --- the names -------------------------------------------------------------------------------- */

static void on_snapshot(void *user, const struct source_snapshot *snapshot)
{
	struct instance_name *name = user;
	bool changed = !name->answered || name->code[0] ||
		       !endpoints_equal(&name->addresses, snapshot->endpoints);

	if (endpoints_copy(&name->addresses, snapshot->endpoints) < 0)
		return; /* it keeps what it has */
	name->settled = name->answered = true;
	name->code[0] = '\0';
	if (changed)
		tell(name->all, true);
}

static void on_failure(void *user, const struct source_failure *failure)
{
	struct instance_name *name = user;
	const struct source_sink *sink = name->all->sink;
	bool was_settled = name->settled;
	char note[WHY_MAX];

	name->settled = true;
	(void)util_copy(name->code, sizeof(name->code), failure->code);
	if (!was_settled) {
		tell(name->all, true);
	} else if (name->answered && sink->note) {
		(void)snprintf(note, sizeof(note), "%s stays as it was: %s", name->name,
			       failure->code);
		sink->note(sink->user, note);
	}
}

static enum pace_rank on_use(void *user)
{
	const struct source_sink *sink = ((struct instance_name *)user)->all->sink;

	return sink->use ? sink->use(sink->user) : PACE_IN_USE;
}

static int name_start(struct instance_name *name)
{
	const struct source_sink sink = {
		.snapshot = on_snapshot,
		.failure = on_failure,
		.use = on_use,
		.user = name,
	};
	const struct config_service service = {
		.source = CONFIG_SOURCE_DNS,
		.dns = { .name = name->name,
			 .type = name->all->ipv6_first ? CONFIG_DNS_AAAA : CONFIG_DNS_A,
			 .either = true },
	};

	name->asked_ms = uv_now(name->all->env->loop);
	return source_dns.start(name->all->env, &name->all->config, &service, &sink, &name->source);
}

static int want(struct instance_names *n, const char *text)
{
	struct instance_name *name = find(n, text);
	int r;

	if (name) {
		name->wanted = true;
		return 0;
	}
	if (n->n == INSTANCE_NAMES_MAX)
		return 0; /* told as left out */
	r = util_grow(&n->list, &n->capacity, n->n + 1, sizeof(struct instance_name *));
	if (r < 0)
		return r;
	name = calloc(1, sizeof(*name));
	if (!name)
		return -ENOMEM;
	name->all = n;
	name->wanted = true;
	(void)util_copy(name->name, sizeof(name->name), text);
	r = name_start(name);
	if (r < 0) {
		name_free(name);
		return r;
	}
	n->list[n->n++] = name;
	return 0;
}

static void forget_unwanted(struct instance_names *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n; i++) {
		if (n->list[i]->wanted)
			n->list[kept++] = n->list[i];
		else
			name_free(n->list[i]);
	}
	n->n = kept;
}

static int keep(struct instance_names *n, const struct source_snapshot *snapshot,
		const struct cloudmap_wire_answer *answer)
{
	size_t room = MAX(answer->n_names, 1U) * sizeof(*answer->names);
	struct cloudmap_wire_name *instances = malloc(room);

	if (!instances || endpoints_copy(&n->endpoints, snapshot->endpoints) < 0) {
		free(instances);
		return -ENOMEM;
	}
	if (answer->n_names > 0)
		memcpy(instances, answer->names, answer->n_names * sizeof(*instances));
	free(n->instances);
	n->instances = instances;
	n->n_instances = answer->n_names;
	(void)util_copy(n->rejected_why, sizeof(n->rejected_why), answer->rejected_why);
	(void)util_copy(n->misweighted_why, sizeof(n->misweighted_why), answer->misweighted_why);
	n->snapshot = *snapshot;
	n->snapshot.rejected_why = snapshot->rejected ? n->rejected_why : NULL;
	n->snapshot.misweighted_why = snapshot->misweighted ? n->misweighted_why : NULL;
	return 0;
}

static int take(struct instance_names *n, const struct source_snapshot *snapshot,
		const struct cloudmap_wire_answer *answer)
{
	int r = keep(n, snapshot, answer);

	for (size_t i = 0; i < n->n && r == 0; i++)
		n->list[i]->wanted = false;
	for (size_t i = 0; i < n->n_instances && r == 0; i++)
		r = want(n, n->instances[i].name);
	if (r == 0)
		forget_unwanted(n);
	return r;
}

void instance_names_tell(struct instance_names **at, const struct instance_names_owner *owner,
			 const struct cloudmap_wire_answer *answer)
{
	const struct source_sink *sink = owner->sink;
	const struct source_snapshot snapshot = {
		.endpoints = &answer->endpoints,
		.rejected = answer->rejected,
		.rejected_why = answer->rejected ? answer->rejected_why : NULL,
		.misweighted = answer->misweighted,
		.misweighted_why = answer->misweighted ? answer->misweighted_why : NULL,
	};

	if (answer->n_names > 0 && !*at)
		*at = names_new(owner);
	if (*at && take(*at, &snapshot, answer) == 0)
		tell(*at, false);
	else if (*at || answer->n_names > 0)
		sink->failure(sink->user, &(struct source_failure){ "out_of_memory", "" });
	else
		sink->snapshot(sink->user, &snapshot);
}

void instance_names_each(struct instance_names *n, void (*what)(struct source *))
{
	for (size_t i = 0; n && i < n->n; i++)
		what(n->list[i]->source);
}
