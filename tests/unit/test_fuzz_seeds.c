/* SPDX-License-Identifier: Apache-2.0 */
/* The seeds of the fuzzers, and what broke a promise once: each is fed to its target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>

#include "fuzz/fuzz.h"

#define SEED_MAX (1 << 16)

static void feed(void (*target)(const uint8_t *data, size_t size), const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ uint8_t *data = malloc(SEED_MAX);
	size_t size;

	assert_non_null(file);
	assert_non_null(data);
	size = fread(data, 1, SEED_MAX, file);
	assert_in_range(size, 1, SEED_MAX - 1);
	target(data, size);
}

static void feed_all(void (*target)(const uint8_t *data, size_t size), const char *name)
{
	char directory[64], path[512];
	const struct dirent *entry;
	size_t fed = 0;
	DIR *seeds;

	(void)snprintf(directory, sizeof(directory), "tests/fuzz/seeds/%s", name);
	seeds = opendir(directory);
	assert_non_null(seeds);
	while ((entry = readdir(seeds))) {
		if (*entry->d_name == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		feed(target, path);
		fed++;
	}
	(void)closedir(seeds);
	assert_true(fed > 0);
}

static void configurations_keep_their_promises(void **state)
{
	(void)state;
	feed_all(fuzz_config, "config");
}

static void replies_of_cloud_map_keep_their_promises(void **state)
{
	(void)state;
	feed_all(fuzz_cloudmap, "cloudmap");
}

static void credentials_keep_their_promises(void **state)
{
	(void)state;
	feed_all(fuzz_credentials, "credentials");
}

static void packets_of_dns_keep_their_promises(void **state)
{
	(void)state;
	feed_all(fuzz_dns, "dns");
}

static void books_of_state_dir_keep_their_promises(void **state)
{
	(void)state;
	feed_all(fuzz_state, "state");
}

static void requests_on_the_control_socket_keep_their_promises(void **state)
{
	(void)state;
	feed_all(fuzz_control, "control");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_keep_their_promises),
		cmocka_unit_test(replies_of_cloud_map_keep_their_promises),
		cmocka_unit_test(credentials_keep_their_promises),
		cmocka_unit_test(packets_of_dns_keep_their_promises),
		cmocka_unit_test(books_of_state_dir_keep_their_promises),
		cmocka_unit_test(requests_on_the_control_socket_keep_their_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
