/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/roster.h"

#define LIST_MAX 8

static struct config *written(const char *names)
{
	const struct config_environment environment = { 0 };
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *text = NULL;
	struct config *c = NULL;

	assert_true(asprintf(&text, "{\"services\":[%s]}", names) > 0);
	assert_int_equal(config_parse(text, strlen(text), "test", &environment, &c, &problems), 0);
	return c;
}

#define WRITTEN(name, aliases) \
	"{\"name\":\"" name "\",\"aliases\":[" aliases "],\"static\":{\"endpoints\":[]}}"

/* A list of services that are imported as SERVICE.DOMAIN and SERVICE. */
static struct imported_list list_of(const char *domain, const char *const services[])
{
	const struct config_service defaults = { .port = 80 };
	struct imported_list list = { .list = calloc(LIST_MAX, sizeof(*list.list)) };

	for (; services[list.n]; list.n++) {
		const struct config_cloudmap target = {
			.namespace = (char *)domain,
			.service = (char *)services[list.n],
		};
		_cleanup_free_ char *name = NULL;

		assert_true(asprintf(&name, "%s.%s", services[list.n], domain) > 0);
		assert_int_equal(imported_new(&defaults, &target, name, services[list.n],
					      &list.list[list.n]),
				 0);
	}
	return list;
}

static void list_free(struct imported_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		imported_free(list->list[i]);
	free(list->list);
}

static void services_are(const struct roster *r, const char *wanted)
{
	char text[256] = "";

	for (size_t i = 0; i < r->n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? " " : "", r->services[i]->name);
	assert_string_equal(text, wanted);
}

static void an_imported_service_is_like_its_defaults_and_has_names_of_its_own(void **state)
{
	struct imported_list list = list_of("n", (const char *const[]){ "a", NULL });
	_cleanup_(config_free_p) struct config *none = written("");
	_cleanup_(roster_done) struct roster r = { 0 };
	const struct config_service *a;

	(void)state;
	assert_int_equal(roster_make(none, &list, 1, &r), 0);
	a = roster_find(&r, "A.N.");
	assert_ptr_equal(a, &list.list[0]->config);
	assert_ptr_equal(a, roster_find(&r, "a"));
	assert_int_equal(a->port, 80);
	assert_string_equal(a->cloudmap.namespace, "n");
	assert_string_equal(a->cloudmap.service, "a");
	assert_int_equal(a->n_aliases, 1);
	assert_string_equal(a->aliases[0], "a");
	assert_null(roster_find(&r, "b"));
	list_free(&list);
}

static void a_name_goes_to_what_is_written_then_to_the_first_namespace(void **state)
{
	_cleanup_(config_free_p) struct config *c =
		written(WRITTEN("a.n", "") "," WRITTEN("x", "\"b.n\""));
	struct imported_list lists[] = {
		list_of("n", (const char *const[]){ "a", "b", "c", NULL }),
		list_of("n", (const char *const[]){ "c", "d", NULL }),
	};
	_cleanup_(roster_done) struct roster r = { 0 };

	(void)state;
	assert_int_equal(roster_make(c, lists, 2, &r), 0);
	services_are(&r, "a.n c.n d.n x");
	assert_ptr_equal(roster_find(&r, "a.n"), &c->services[0]);
	assert_ptr_equal(roster_find(&r, "b.n"), &c->services[1]);
	assert_ptr_equal(roster_find(&r, "c.n"), &lists[0].list[2]->config);
	assert_int_equal(lists[0].list[0]->fate, IMPORTED_TAKEN);
	assert_int_equal(lists[0].list[1]->fate, IMPORTED_TAKEN);
	assert_int_equal(lists[0].list[2]->fate, IMPORTED_IN_FORCE);
	assert_int_equal(lists[1].list[0]->fate, IMPORTED_TAKEN);
	assert_int_equal(lists[1].list[1]->fate, IMPORTED_IN_FORCE);
	/* nobody is found by the short name of a service that is not there */
	assert_null(roster_find(&r, "a"));
	list_free(&lists[0]);
	list_free(&lists[1]);
}

static void a_short_name_never_takes_a_name(void **state)
{
	_cleanup_(config_free_p) struct config *c = written(WRITTEN("web", ""));
	struct imported_list lists[] = {
		list_of("n", (const char *const[]){ "api.m", "web", "x", NULL }),
		list_of("m", (const char *const[]){ "api", "x", NULL }),
	};
	_cleanup_(roster_done) struct roster r = { 0 };

	(void)state;
	assert_int_equal(roster_make(c, lists, 2, &r), 0);
	services_are(&r, "api.m api.m.n web web.n x.m x.n");
	assert_ptr_equal(roster_find(&r, "api.m"), &lists[1].list[0]->config);
	assert_ptr_equal(roster_find(&r, "web"), &c->services[0]);
	assert_ptr_equal(roster_find(&r, "x"), &lists[0].list[2]->config);
	assert_true(lists[0].list[0]->short_taken);
	assert_true(lists[0].list[1]->short_taken);
	assert_false(lists[0].list[2]->short_taken);
	assert_true(lists[1].list[1]->short_taken);
	assert_int_equal(lists[1].list[1]->config.n_aliases, 0);
	list_free(&lists[0]);
	list_free(&lists[1]);
}

static void who_loses_a_name_gets_it_when_the_other_goes(void **state)
{
	struct imported_list lists[] = {
		list_of("n", (const char *const[]){ "a", NULL }),
		list_of("n", (const char *const[]){ "a", NULL }),
	};
	_cleanup_(config_free_p) struct config *none = written("");
	_cleanup_(roster_done) struct roster r = { 0 };

	(void)state;
	assert_int_equal(roster_make(none, lists, 2, &r), 0);
	assert_int_equal(lists[1].list[0]->fate, IMPORTED_TAKEN);
	roster_done(&r);
	assert_int_equal(roster_make(none, &lists[1], 1, &r), 0);
	assert_int_equal(lists[1].list[0]->fate, IMPORTED_IN_FORCE);
	assert_false(lists[1].list[0]->short_taken);
	services_are(&r, "a.n");
	list_free(&lists[0]);
	list_free(&lists[1]);
}

static void beyond_the_most_services_imported_ones_are_left_out(void **state)
{
	const struct config_service defaults = { 0 };
	const struct config_cloudmap target = { 0 };
	struct imported_list list = { .n = CONFIG_SERVICES_MAX,
				      .list = calloc(CONFIG_SERVICES_MAX, sizeof(*list.list)) };
	_cleanup_(config_free_p) struct config *c = written(WRITTEN("w", ""));
	_cleanup_(roster_done) struct roster r = { 0 };
	char name[24];

	(void)state;
	for (size_t i = 0; i < list.n; i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		assert_int_equal(imported_new(&defaults, &target, name, NULL, &list.list[i]), 0);
	}
	assert_int_equal(roster_make(c, &list, 1, &r), 0);
	assert_int_equal(r.n, CONFIG_SERVICES_MAX);
	assert_int_equal(list.list[list.n - 1]->fate, IMPORTED_FULL);
	assert_int_equal(list.list[list.n - 2]->fate, IMPORTED_IN_FORCE);
	list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_imported_service_is_like_its_defaults_and_has_names_of_its_own),
		cmocka_unit_test(a_name_goes_to_what_is_written_then_to_the_first_namespace),
		cmocka_unit_test(a_short_name_never_takes_a_name),
		cmocka_unit_test(who_loses_a_name_gets_it_when_the_other_goes),
		cmocka_unit_test(beyond_the_most_services_imported_ones_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
