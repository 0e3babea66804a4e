/* SPDX-License-Identifier: Apache-2.0 */
#include "core/namespace_walk.h"

#include "core/config.h"

/* A kind of question. */
struct namespace_step {
	const char *operation, *target;
	char *(*ask)(const struct namespace_walk *w);
	int (*take)(struct namespace_walk *w, const struct cloudmap_wire_reply *reply,
		    struct cloudmap_wire_error *error);
};

static const struct namespace_step find_step, get_step, list_step;

static bool is_shared(const struct namespace_walk *w)
{
	return w->wanted->owner_account != NULL;
}

/* Goes on to the page of that token, which it takes over. */
static int turn_page(struct namespace_walk *w, char *token, struct cloudmap_wire_error *error)
{
	_cleanup_free_ char *next = token;

	if (next && w->token && streq(next, w->token))
		return cloudmap_reply_fail(error, "garbled", "NextToken: got that of this page");
	if (next && w->pages + 1 >= NAMESPACE_WALK_PAGES_MAX)
		return cloudmap_reply_fail(error, "garbled", "more than %d pages",
					   NAMESPACE_WALK_PAGES_MAX);
	free(w->token);
	w->token = TAKE_PTR(next);
	w->pages++;
	return 0;
}

/* --- finding the namespace -------------------------------------------------------------------- */

static char *find_ask(const struct namespace_walk *w)
{
	return cloudmap_lists_ask_namespaces(w->wanted, w->token);
}

static void begin_list(struct namespace_walk *w)
{
	w->step = &list_step;
	w->pages = 0;
}

static int not_found(const struct namespace_walk *w, struct cloudmap_wire_error *error)
{
	if (is_shared(w))
		return cloudmap_reply_fail(error, "not_found",
					   "account %s shares no namespace with the HTTP name "
					   "'%.200s'",
					   w->wanted->owner_account, w->wanted->cloudmap);
	return cloudmap_reply_fail(error, "not_found",
				   "no namespace of this account and region has the HTTP name "
				   "'%.200s'",
				   w->wanted->cloudmap);
}

static int find_take(struct namespace_walk *w, const struct cloudmap_wire_reply *reply,
		     struct cloudmap_wire_error *error)
{
	char *token = NULL;
	int r = cloudmap_lists_read_namespaces(reply, w->wanted, &w->found, &token, error);

	if (r == 0 && !token && !w->found.id)
		r = not_found(w, error);
	if (r == 0)
		r = turn_page(w, token, error);
	if (r == 0 && !w->token)
		begin_list(w);
	return r;
}

static char *get_ask(const struct namespace_walk *w)
{
	return cloudmap_lists_ask_namespace(w->wanted);
}

static int get_take(struct namespace_walk *w, const struct cloudmap_wire_reply *reply,
		    struct cloudmap_wire_error *error)
{
	int r = cloudmap_lists_read_namespace(reply, &w->found, error);

	if (r == 0)
		begin_list(w);
	return r;
}

/* --- its services ----------------------------------------------------------------------------- */

static char *list_ask(const struct namespace_walk *w)
{
	return cloudmap_lists_ask_services(&w->found, is_shared(w), w->token);
}

/* Of the names from `first` on those that are not wanted go. Returns how many did. */
static size_t filter(struct cloudmap_names *names, size_t first,
		     const struct config_namespace *wanted)
{
	size_t n = first, all = names->n;

	for (size_t i = first; i < all; i++) {
		if (config_namespace_wants(wanted, names->list[i]))
			names->list[n++] = names->list[i];
		else
			free(names->list[i]);
	}
	names->n = n;
	return all - n;
}

static int list_take(struct namespace_walk *w, const struct cloudmap_wire_reply *reply,
		     struct cloudmap_wire_error *error)
{
	size_t known = w->names.n, unwanted;
	char *token = NULL;
	int r = cloudmap_lists_read_services(reply, &w->names, &token, error);

	unwanted = filter(&w->names, known, w->wanted);
	if (r == 0 && w->names.n > CONFIG_SERVICES_MAX)
		r = cloudmap_reply_fail(error, "too_many",
					"more than %d services, wanted filters that leave fewer",
					CONFIG_SERVICES_MAX);
	if (r == 0)
		r = turn_page(w, TAKE_PTR(token), error);
	free(token);
	if (r == 0) {
		w->unwanted += unwanted;
		return 0;
	}
	while (w->names.n > known)
		free(w->names.list[--w->names.n]);
	return r;
}

/* --- the whole way ---------------------------------------------------------------------------- */

#define STEP(name) .operation = name, .target = CLOUDMAP_WIRE_TARGET(name)

static const struct namespace_step find_step = {
	STEP("ListNamespaces"),
	.ask = find_ask,
	.take = find_take,
};

static const struct namespace_step get_step = {
	STEP("GetNamespace"),
	.ask = get_ask,
	.take = get_take,
};

static const struct namespace_step list_step = {
	STEP("ListServices"),
	.ask = list_ask,
	.take = list_take,
};

void namespace_walk_begin(struct namespace_walk *w, const struct config_namespace *wanted)
{
	bool by_name = config_namespace_kind(wanted->cloudmap) == CONFIG_NAMESPACE_NAME;

	namespace_walk_done(w);
	w->wanted = wanted;
	w->step = by_name ? &find_step : &get_step;
}

void namespace_walk_done(struct namespace_walk *w)
{
	cloudmap_namespace_done(&w->found);
	cloudmap_names_done(&w->names);
	free(w->token);
	*w = (struct namespace_walk){ 0 };
}

const char *namespace_walk_operation(const struct namespace_walk *w)
{
	return w->step->operation;
}

const char *namespace_walk_target(const struct namespace_walk *w)
{
	return w->step->target;
}

char *namespace_walk_ask(const struct namespace_walk *w)
{
	return w->step->ask(w);
}

int namespace_walk_take(struct namespace_walk *w, const struct cloudmap_wire_reply *reply,
			bool *ret_whole, struct cloudmap_wire_error *ret_error)
{
	const struct namespace_step *asked = w->step;
	int r = asked->take(w, reply, ret_error);

	if (r == 0)
		*ret_whole = asked == &list_step && !w->token;
	return r;
}
