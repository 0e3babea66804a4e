/* SPDX-License-Identifier: Apache-2.0 */
/* docs/shunt.json.5 says what the rows of config_keys say, and its example is a configuration. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/config.h"
#include "core/config_keys.h"

#define MANUAL "docs/shunt.json.5" /* from the top of the checkout, where tests run */
#define MANUAL_MAX (1 << 20)

static char *read_manual(void)
{
	char *text;
	size_t length;

	assert_int_equal(util_read_file(MANUAL, MANUAL_MAX, &text, &length), 0);
	return text;
}

/* Where lines are broken does not matter. */
static void join_lines(char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			*text = ' ';
	}
}

static char *item_of(const struct config_key *key)
{
	char wanted[CONFIG_KEY_WANTED_MAX], *item;
	bool object = key->type == CONFIG_TYPE_OBJECT;

	assert_true(asprintf(&item, ".It Cm %s %c%s.%s%s%s%s%s%s%s ", key->path,
			     toupper((unsigned char)key->help[0]), key->help + 1,
			     object ? "" : " Takes ", object ? "" : config_key_wanted(key, wanted),
			     object ? "" : ".", key->required ? " Required." : "",
			     key->fallback ? " Default: " : "", key->fallback ? key->fallback : "",
			     key->fallback ? "." : "") > 0);
	return item;
}

static void every_key_is_in_the_manual_in_its_own_words(void **state)
{
	_cleanup_free_ char *manual = read_manual();
	size_t n;
	const struct config_key *keys = config_keys(&n);

	(void)state;
	join_lines(manual);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *item = NULL;

		if (keys[i].type == CONFIG_TYPE_NOT_BUILT)
			continue;
		item = item_of(&keys[i]);
		if (!strstr(manual, item))
			print_error("not in " MANUAL ": %s\n", item);
		assert_non_null(strstr(manual, item));
	}
}

static void every_item_of_the_manual_is_a_key(void **state)
{
	_cleanup_free_ char *manual = read_manual();
	size_t n, items = 0, built = 0;
	const struct config_key *keys = config_keys(&n);

	(void)state;
	for (const char *at = manual; (at = strstr(at, "\n.It Cm ")); at++)
		items++;
	for (size_t i = 0; i < n; i++)
		built += keys[i].type != CONFIG_TYPE_NOT_BUILT;
	assert_int_equal(items, built);
}

static void every_key_that_is_not_built_is_said_to_be(void **state)
{
	_cleanup_free_ char *manual = read_manual();
	const char *later = strstr(manual, ".Sh LATER VERSIONS");
	size_t n;
	const struct config_key *keys = config_keys(&n);
	char line[128];

	(void)state;
	assert_non_null(later);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(line, sizeof(line), "\n.Cm %s ", keys[i].path);
		assert_int_equal(strstr(later, line) != NULL,
				 keys[i].type == CONFIG_TYPE_NOT_BUILT);
	}
}

static void the_example_of_the_manual_is_a_configuration(void **state)
{
	const struct config_environment environment = { 0 };
	_cleanup_free_ char *manual = read_manual();
	_cleanup_(config_free_p) struct config *c = NULL;
	_cleanup_(diag_done) struct diag problems = { 0 };
	const char *start = strstr(manual, ".Bd -literal");
	const char *end = strstr(manual, ".Ed");

	(void)state;
	assert_non_null(start);
	assert_non_null(end);
	start = strchr(start, '\n');
	assert_int_equal(
		config_parse(start, (size_t)(end - start), MANUAL, &environment, &c, &problems), 0);
	assert_int_equal(c->n_services, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_in_the_manual_in_its_own_words),
		cmocka_unit_test(every_item_of_the_manual_is_a_key),
		cmocka_unit_test(every_key_that_is_not_built_is_said_to_be),
		cmocka_unit_test(the_example_of_the_manual_is_a_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
