/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>
#include <unistd.h>

#include "agent/exporter.h"
#include "core/plan_look.h"
#include "imitation.h"
#include "wanted.h"

#define MANY_SERVICES 10000

static const struct exporter_service services[] = {
	{ .name = "backend",
	  .counters = { .redirected = 12,
			.no_backend = 3,
			.active = 4,
			.bytes_sent = 5000000000,
			.bytes_received = 6,
			.retransmits = 7 },
	  .failures = { { [FAILURE_REFUSED] = 8, [FAILURE_RESET] = 9 } },
	  .policy = { .limited = 12, .ejections = 13 },
	  .resets = { [RESET_REMOVED] = 10, [RESET_UNHEALTHY] = 11 },
	  .is_timed = true,
	  .timing = { .count = { [0] = 1, [18] = 2, [19] = 5000000000 }, .sum_ns = 2500000000 },
	  .backends = { [STATE_HEALTHY] = 2, [STATE_UNHEALTHY] = 1 },
	  .last_success_s = 1700000000 },
	{ .name = "never \"seen\"", .backends = { [STATE_UNSET] = 7 } },
};

static const struct exporter_backend backends[] = {
	{ "backend",
	  "10.0.1.54:3000",
	  { .active = 1,
	    .redirected = 20,
	    .failures = 2,
	    .bytes_sent = 5000000000,
	    .bytes_received = 6,
	    .retransmits = 7 } },
};

static const struct requests requests = {
	.rows = { { "cloudmap", "DiscoverInstances", "ok", 41 },
		  { "cloudmap", "DiscoverInstances", "RequestLimitExceeded", 2 } },
	.n = 2,
};

static const struct dataplane_map_use maps[] = {
	{ "shunt_services", 2, 16384 },
	{ "shunt_backends", 3, 131072 },
};

static const struct process_stats process = {
	.cpu_s = 0.25,
	.resident_bytes = 4096,
	.virtual_bytes = 8192,
	.open_fds = 9,
	.max_fds = 1024,
	.start_time_s = 1700000000.25,
};

static const struct budget budget = {
	.calls_per_second = 100,
	.begun = 7,
	.queues = { { .n = 2 }, { .n = 1 } },
	.quotas = { { .rate = 12.5, .max = 100 }, { .rate = 100 }, { .rate = 100 } },
};

static const struct exporter_input everything = {
	.version = "0.1.0",
	.layout = 1,
	.has_tracks = true,
	.services = services,
	.n_services = ARRAY_SIZE(services),
	.backends = backends,
	.n_backends = ARRAY_SIZE(backends),
	.requests = &requests,
	.budget = &budget,
	.maps = maps,
	.n_maps = ARRAY_SIZE(maps),
	.process = &process,
};

static char *render(const struct exporter_input *in, size_t *ret_length)
{
	char *text = NULL;

	assert_int_equal(exporter_render(in, &text, ret_length), 0);
	return text;
}

static void every_sample_is_where_it_belongs(void **state)
{
	static const char *const lines[] = {
		"# TYPE shunt_build_info gauge\nshunt_build_info{version=\"0.1.0\",layout=\"1\"} "
		"1\n",
		"# TYPE shunt_backends gauge\n"
		"shunt_backends{service=\"backend\",state=\"healthy\"} 2\n"
		"shunt_backends{service=\"backend\",state=\"unhealthy\"} 1\n"
		"shunt_backends{service=\"backend\",state=\"draining\"} 0\n"
		"shunt_backends{service=\"backend\",state=\"ejected\"} 0\n"
		"shunt_backends{service=\"never \\\"seen\\\"\",state=\"healthy\"} 0\n",
		"# TYPE shunt_connects_total counter\n"
		"shunt_connects_total{service=\"backend\",result=\"redirected\"} 12\n"
		"shunt_connects_total{service=\"backend\",result=\"no_backend\"} 3\n"
		"shunt_connects_total{service=\"backend\",result=\"limited\"} 12\n"
		"shunt_connects_total{service=\"never \\\"seen\\\"\",result=\"redirected\"} 0\n",
		"# TYPE shunt_connections_active gauge\n"
		"shunt_connections_active{service=\"backend\"} 4\n",
		"# TYPE shunt_connect_failures_total counter\n"
		"shunt_connect_failures_total{service=\"backend\",reason=\"refused\"} 8\n"
		"shunt_connect_failures_total{service=\"backend\",reason=\"timeout\"} 0\n"
		"shunt_connect_failures_total{service=\"backend\",reason=\"unreachable\"} 0\n"
		"shunt_connect_failures_total{service=\"backend\",reason=\"reset\"} 9\n"
		"shunt_connect_failures_total{service=\"backend\",reason=\"other\"} 0\n",
		"# TYPE shunt_connections_reset_total counter\n"
		"shunt_connections_reset_total{service=\"backend\",reason=\"removed\"} 10\n"
		"shunt_connections_reset_total{service=\"backend\",reason=\"unhealthy\"} 11\n",
		"# TYPE shunt_ejections_total counter\n"
		"shunt_ejections_total{service=\"backend\"} 13\n",
		"# TYPE shunt_connect_duration_seconds histogram\n"
		"shunt_connect_duration_seconds_bucket{service=\"backend\",le=\"0.0001\"} 1\n"
		"shunt_connect_duration_seconds_bucket{service=\"backend\",le=\"0.0002\"} 1\n",
		"shunt_connect_duration_seconds_bucket{service=\"backend\",le=\"0.00075\"} 1\n",
		"shunt_connect_duration_seconds_bucket{service=\"backend\",le=\"2.5\"} 1\n"
		"shunt_connect_duration_seconds_bucket{service=\"backend\",le=\"10\"} 3\n"
		"shunt_connect_duration_seconds_bucket{service=\"backend\",le=\"+Inf\"} "
		"5000000003\n"
		"shunt_connect_duration_seconds_sum{service=\"backend\"} 2.5\n"
		"shunt_connect_duration_seconds_count{service=\"backend\"} 5000000003\n#",
		"# TYPE shunt_bytes_total counter\n"
		"shunt_bytes_total{service=\"backend\",direction=\"sent\"} 5000000000\n"
		"shunt_bytes_total{service=\"backend\",direction=\"received\"} 6\n",
		"# TYPE shunt_retransmits_total counter\n"
		"shunt_retransmits_total{service=\"backend\"} 7\n",
		"# TYPE shunt_source_requests_total counter\n"
		"shunt_source_requests_total{source=\"cloudmap\",operation=\"DiscoverInstances\","
		"code=\"ok\"} 41\n"
		"shunt_source_requests_total{source=\"cloudmap\",operation=\"DiscoverInstances\","
		"code=\"RequestLimitExceeded\"} 2\n",
		"# TYPE shunt_source_last_success_timestamp_seconds gauge\n"
		"shunt_source_last_success_timestamp_seconds{service=\"backend\"} 1700000000\n#",
		"shunt_map_entries{map=\"shunt_services\"} 2\n"
		"shunt_map_entries{map=\"shunt_backends\"} 3\n",
		"shunt_map_capacity{map=\"shunt_services\"} 16384\n",
		"# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 0.25\n",
		"\nprocess_resident_memory_bytes 4096\n",
		"\nprocess_virtual_memory_bytes 8192\n",
		"\nprocess_open_fds 9\n",
		"\nprocess_max_fds 1024\n",
		"\nprocess_start_time_seconds 1700000000.25\n",
	};
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	text = render(&everything, &length);
	assert_int_equal(length, strlen(text));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!strstr(text, lines[i]))
			fail_msg("missing:\n%s\nin:\n%s", lines[i], text);
	}
}

static void the_budget_of_calls_is_told(void **state)
{
	static const char *const lines[] = {
		"# TYPE shunt_budget_calls_per_second gauge\nshunt_budget_calls_per_second 100\n",
		"# TYPE shunt_budget_calls_total counter\nshunt_budget_calls_total 7\n",
		"# TYPE shunt_budget_waiting gauge\nshunt_budget_waiting 3\n",
		"shunt_budget_pace_calls_per_second{operation=\"DiscoverInstances\"} 12.5\n"
		"shunt_budget_pace_calls_per_second{operation=\"DiscoverInstancesRevision\"} 100\n"
		"shunt_budget_pace_calls_per_second{operation=\"List\"} 100\n",
	};
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	text = render(&everything, &length);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_non_null(strstr(text, lines[i]));
}

static void single_backends_have_series_of_their_own(void **state)
{
	static const char *const lines[] = {
		"# TYPE shunt_backend_connections_active gauge\n"
		"shunt_backend_connections_active{service=\"backend\",backend=\"10.0.1.54:3000\"} "
		"1\n",
		"shunt_backend_connects_total{service=\"backend\",backend=\"10.0.1.54:3000\"} 20\n",
		"shunt_backend_connect_failures_total{service=\"backend\",backend=\"10.0.1.54:"
		"3000\"} "
		"2\n",
		"shunt_backend_bytes_total{service=\"backend\",backend=\"10.0.1.54:3000\","
		"direction=\"sent\"} 5000000000\n"
		"shunt_backend_bytes_total{service=\"backend\",backend=\"10.0.1.54:3000\","
		"direction=\"received\"} 6\n",
		"shunt_backend_retransmits_total{service=\"backend\",backend=\"10.0.1.54:3000\"} "
		"7\n",
	};
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	text = render(&everything, &length);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!strstr(text, lines[i]))
			fail_msg("missing:\n%s\nin:\n%s", lines[i], text);
	}
}

static void what_is_unknown_is_left_out(void **state)
{
	const struct exporter_input bare = { .version = "0.1.0", .layout = 1 };
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	text = render(&bare, &length);
	assert_string_equal(text,
			    "# HELP shunt_build_info Always 1; the labels tell the version of "
			    "the agent and of its map layout.\n"
			    "# TYPE shunt_build_info gauge\n"
			    "shunt_build_info{version=\"0.1.0\",layout=\"1\"} 1\n");
}

static void promtool_has_nothing_to_say(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *promtool;

	(void)state;
	if (system("command -v promtool >/dev/null") != 0) {
		print_message("promtool is not installed\n");
		skip();
	}
	text = render(&everything, &length);
	/* it writes what it dislikes and exits 3 for a style, 1 for a fault */
	promtool = popen("promtool check metrics >&2", "w");
	assert_non_null(promtool);
	assert_int_equal(fwrite(text, 1, length, promtool), length);
	assert_int_equal(pclose(promtool), 0);
}

static size_t render_many(size_t n, double *ret_seconds)
{
	_cleanup_free_ struct exporter_service *many = calloc(n, sizeof(*many));
	_cleanup_free_ char *text = NULL;
	struct exporter_input in = everything;
	size_t length;
	clock_t began;

	assert_non_null(many);
	for (size_t i = 0; i < n; i++)
		many[i] = services[0];
	in.services = many;
	in.n_services = n;
	began = clock();
	text = render(&in, &length);
	*ret_seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	return length;
}

/* 10 times the services may take 10 times as long, with room for noise: not 100 times. */
static void ten_thousand_services_take_linear_time(void **state)
{
	double few_s, many_s;
	size_t few, many;

	(void)state;
	few = render_many(MANY_SERVICES / 10, &few_s);
	many = render_many(MANY_SERVICES, &many_s);
	assert_true(many > 9 * few && many < 10 * few);
	assert_true(many_s < 40 * few_s + 0.1);
}

static void the_process_knows_itself(void **state)
{
	struct process_stats before, after;
	int fd;

	(void)state;
	assert_int_equal(process_read(&before), 0);
	fd = dup(0);
	assert_true(fd >= 0);
	assert_int_equal(process_read(&after), 0);
	close(fd);
	assert_int_equal(after.open_fds, before.open_fds + 1);
	assert_true(after.max_fds >= after.open_fds);
	assert_true(after.resident_bytes > 0);
	assert_true(after.virtual_bytes > after.resident_bytes);
	assert_true(after.cpu_s >= before.cpu_s);
	assert_true(after.start_time_s == before.start_time_s);
	assert_true((double)time(NULL) - after.start_time_s < 600);
	assert_true((double)time(NULL) - after.start_time_s > -5);
}

static bool load_of_id(const struct dataplane *d, uint32_t backend_id, uint32_t born,
		       struct shunt_load *ret)
{
	(void)d;
	(void)born;
	*ret = (struct shunt_load){ .redirected = backend_id };
	return true;
}

static void apply_all(struct imitation *kernel, struct table want)
{
	_cleanup_(planner_free_p) struct planner *planner = imitation_planner(kernel);
	_cleanup_(plan_done) struct plan plan = { 0 };

	assert_int_equal(planner_make(planner, &want, &plan), 0);
	for (size_t i = 0; i < plan.ops.n; i++)
		imitation_apply(kernel, &plan.ops.list[i]);
	table_done(&want);
}

static struct exporter_rows rows_of(const struct planner *planner)
{
	struct exporter_rows rows = { .max = planner_use(planner).backends };

	rows.list = calloc(rows.max, sizeof(*rows.list));
	assert_non_null(rows.list);
	exporter_add_backends(&rows, "a", planner_service_id(planner, "a"), planner, NULL,
			      load_of_id);
	exporter_add_backends(&rows, "b", planner_service_id(planner, "b"), planner, NULL,
			      load_of_id);
	return rows;
}

#define TWO                                                                            \
	WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000 10.0.0.2:3000" }, \
	       { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.3:3000" })

static void each_backend_has_a_row_with_its_service(void **state)
{
	static const char *const places[] = { "10.0.0.1:3000", "10.0.0.2:3000", "10.0.0.3:3000" };
	_cleanup_(planner_free_p) struct planner *planner = NULL;
	struct imitation kernel;
	struct exporter_rows rows;

	(void)state;
	imitation_init(&kernel);
	apply_all(&kernel, TWO);
	planner = imitation_planner(&kernel);
	rows = rows_of(planner);
	assert_int_equal(rows.n, ARRAY_SIZE(places));
	for (size_t i = 0; i < rows.n; i++) {
		assert_string_equal(rows.list[i].service, i < 2 ? "a" : "b");
		assert_string_equal(rows.list[i].backend, places[i]);
		assert_true(rows.list[i].load.redirected > 0);
	}
	free(rows.list);
}

/* What an agent leaves that dies between the rows of two services that swap their places. */
static void two_names_with_one_id_have_no_more_rows_than_there_are(void **state)
{
	_cleanup_(planner_free_p) struct planner *planner = NULL;
	const struct addr_port vip = wanted_address("127.254.0.1:80");
	struct imitation kernel;
	struct exporter_rows rows;

	(void)state;
	imitation_init(&kernel);
	apply_all(&kernel, TWO);
	for (size_t i = 0; i < kernel.n_services; i++)
		kernel.services[i].info.id = imitation_find(&kernel, &vip, PROTOCOL_TCP);
	planner = imitation_planner(&kernel);
	assert_int_equal(planner_service_id(planner, "a"), planner_service_id(planner, "b"));
	rows = rows_of(planner);
	assert_int_equal(rows.n, rows.max);
	assert_int_equal(rows.n, 3);
	assert_string_equal(rows.list[2].service, "b");
	free(rows.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_is_where_it_belongs),
		cmocka_unit_test(the_budget_of_calls_is_told),
		cmocka_unit_test(single_backends_have_series_of_their_own),
		cmocka_unit_test(each_backend_has_a_row_with_its_service),
		cmocka_unit_test(two_names_with_one_id_have_no_more_rows_than_there_are),
		cmocka_unit_test(what_is_unknown_is_left_out),
		cmocka_unit_test(promtool_has_nothing_to_say),
		cmocka_unit_test(ten_thousand_services_take_linear_time),
		cmocka_unit_test(the_process_knows_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
