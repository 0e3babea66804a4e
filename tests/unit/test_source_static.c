/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "sources/source.h"
#include "loop.h"
#include "source_news.h"

struct fixture {
	uv_loop_t loop;
	char directory[64];
	char file[128]; /* the one that is watched */
	struct requests requests;
	struct source_env env;
	struct source *source;
	struct news news;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	uv_loop_init(&f->loop);
	snprintf(f->directory, sizeof(f->directory), "/tmp/test_source_static.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->file, sizeof(f->file), "%s/list", f->directory);
	f->env = (struct source_env){ .loop = &f->loop, .requests = &f->requests };
	f->news.loop = &f->loop;
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *found, int type, struct FTW *at)
{
	(void)found;
	(void)type;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->source)
		source_static.stop(f->source);
	loop_finish(&f->loop);
	assert_int_equal(nftw(f->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

/* A path in the test's directory; good until the fourth call after. */
static const char *in(const struct fixture *f, const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", f->directory, name);
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	fputs(text, to);
	assert_int_equal(fclose(to), 0);
}

static void start(struct fixture *f)
{
	struct config_service service = { .source = CONFIG_SOURCE_STATIC, .fixed.file = f->file };
	struct source_sink sink = news_sink(&f->news);

	assert_int_equal(source_static.start(&f->env, NULL, &service, &sink, &f->source), 0);
	assert_int_equal(f->news.n, 0);
}

static void expect(struct fixture *f, const char *format, ...)
{
	char wanted[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(wanted, sizeof(wanted), format, arguments);
	va_end(arguments);
	news_wait(&f->news, f->news.n + 1);
	assert_string_equal(f->news.last, wanted);
}

static void expect_no_news(struct fixture *f)
{
	size_t before = f->news.n;

	loop_run_for(&f->loop, 30);
	assert_int_equal(f->news.n, before);
}

static void a_list_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct endpoint e = { .weight = 1, .state = STATE_HEALTHY };
	struct config_service service = { .source = CONFIG_SOURCE_STATIC };
	struct source_sink sink = news_sink(&f->news);

	assert_int_equal(addr_port_parse("10.0.1.54:6379", 0, &e.at), 0);
	assert_int_equal(endpoints_add(&service.fixed.endpoints, &e), 0);
	assert_int_equal(source_static.start(&f->env, NULL, &service, &sink, &f->source), 0);
	endpoints_done(&service.fixed.endpoints); /* it has its own copy */
	assert_int_equal(f->news.n, 0);
	expect(f, "10.0.1.54:6379*1");
	assert_true(source_static.next_ms(f->source) == SOURCE_NEVER);
	expect_no_news(f);
	source_static.refresh(f->source);
	expect(f, "10.0.1.54:6379*1");
}

static void a_file_is_read_at_the_start_and_when_written_to(void **state)
{
	struct fixture *f = *state;

	write_file(f->file, "10.0.1.1:80 weight=3 zone=a\n");
	start(f);
	expect(f, "10.0.1.1:80*3@a");
	write_file(f->file, "10.0.1.2:80\n");
	expect(f, "10.0.1.2:80*1");
	expect_no_news(f);
	assert_int_equal(f->requests.n, 1);
	assert_string_equal(f->requests.rows[0].source, "static");
	assert_string_equal(f->requests.rows[0].operation, "read");
	assert_string_equal(f->requests.rows[0].code, "ok");
	assert_int_equal(f->requests.rows[0].count, 2);
}

static void a_file_that_is_replaced_is_read(void **state)
{
	struct fixture *f = *state;

	write_file(f->file, "10.0.1.1:80\n");
	start(f);
	expect(f, "10.0.1.1:80*1");
	for (int i = 2; i < 6; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.1.%d:80\n", i);
		write_file(in(f, "list.new"), text);
		assert_int_equal(rename(in(f, "list.new"), f->file), 0);
		expect(f, "10.0.1.%d:80*1", i);
	}
}

static void a_file_half_written_is_left_until_it_is_closed(void **state)
{
	struct fixture *f = *state;
	FILE *to;

	start(f);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	to = fopen(f->file, "w");
	fputs("10.0.1.1:80\n", to);
	fflush(to);
	expect_no_news(f);
	fputs("10.0.1.2:80\n", to);
	fclose(to);
	expect(f, "10.0.1.1:80*1 10.0.1.2:80*1");
}

static void a_second_link_to_a_file_is_read(void **state)
{
	struct fixture *f = *state;

	write_file(in(f, "other"), "10.0.1.1:80\n");
	start(f);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	assert_int_equal(link(in(f, "other"), f->file), 0);
	expect(f, "10.0.1.1:80*1");
}

static void a_file_that_goes_is_a_failure_until_it_is_back(void **state)
{
	struct fixture *f = *state;

	write_file(f->file, "10.0.1.1:80\n");
	start(f);
	expect(f, "10.0.1.1:80*1");
	assert_int_equal(unlink(f->file), 0);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	write_file(f->file, "10.0.1.2:80\n");
	expect(f, "10.0.1.2:80*1");
}

static void directories_may_come_and_go(void **state)
{
	struct fixture *f = *state;

	snprintf(f->file, sizeof(f->file), "%s/a/b/../b/list", f->directory);
	start(f);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	assert_int_equal(mkdir(in(f, "a"), 0755), 0);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	assert_int_equal(mkdir(in(f, "new"), 0755), 0);
	write_file(in(f, "new/list"), "10.0.1.1:80\n");
	expect_no_news(f);
	assert_int_equal(rename(in(f, "new"), in(f, "a/b")), 0);
	expect(f, "10.0.1.1:80*1");
	assert_int_equal(rename(in(f, "a"), in(f, "away")), 0);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	write_file(in(f, "away/b/list"), "10.0.1.2:80\n");
	expect_no_news(f);
	assert_int_equal(rename(in(f, "away"), in(f, "a")), 0);
	expect(f, "10.0.1.2:80*1");
}

/* list -> ..data/list, ..data -> ..1, and a new ..data is renamed over the old one. */
static void links_are_followed_when_swapped_as_kubernetes_does(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(in(f, "..1"), 0755), 0);
	assert_int_equal(mkdir(in(f, "..2"), 0755), 0);
	write_file(in(f, "..1/list"), "10.0.1.1:80\n");
	write_file(in(f, "..2/list"), "10.0.1.2:80\n");
	assert_int_equal(symlink("..1", in(f, "..data")), 0);
	assert_int_equal(symlink("..data/list", f->file), 0);
	start(f);
	expect(f, "10.0.1.1:80*1");
	assert_int_equal(symlink("..2", in(f, "..data_tmp")), 0);
	assert_int_equal(rename(in(f, "..data_tmp"), in(f, "..data")), 0);
	expect(f, "10.0.1.2:80*1");
	write_file(in(f, "..1/list"), "10.0.1.3:80\n"); /* no longer on the way */
	expect_no_news(f);
	write_file(in(f, "..2/list"), "10.0.1.4:80\n");
	expect(f, "10.0.1.4:80*1");
}

static void a_loop_of_links_is_a_failure(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("list", f->file), 0);
	start(f);
	expect(f, "failed ELOOP: %s: Too many levels of symbolic links", f->file);
	assert_in_range(source_static.next_ms(f->source) - uv_now(&f->loop), 4900, 5000);
}

static void a_loop_that_is_undone_is_seen_by_the_next_look(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("list", f->file), 0);
	start(f);
	expect(f, "failed ELOOP: %s: Too many levels of symbolic links", f->file);
	assert_int_equal(unlink(f->file), 0);
	write_file(f->file, "10.0.1.1:80\n");
	expect(f, "10.0.1.1:80*1");
	write_file(f->file, "10.0.1.2:80\n"); /* watched again by now */
	expect(f, "10.0.1.2:80*1");
	assert_true(source_static.next_ms(f->source) == SOURCE_NEVER);
}

static void other_files_in_the_directory_are_no_news(void **state)
{
	struct fixture *f = *state;

	write_file(f->file, "10.0.1.1:80\n");
	start(f);
	expect(f, "10.0.1.1:80*1");
	write_file(in(f, "list~"), "x");
	write_file(in(f, "lis"), "x");
	assert_int_equal(unlink(in(f, "lis")), 0);
	expect_no_news(f);
}

static void a_bad_line_is_a_failure_that_names_it(void **state)
{
	struct fixture *f = *state;

	write_file(f->file, "10.0.1.1:80\n10.0.1.2\n");
	start(f);
	expect(f, "failed garbled: %s:2: got '10.0.1.2', wanted ip:port or [v6]:port", f->file);
	write_file(f->file, "a\nb\nc\n");
	expect(f, "failed garbled: %s:1: got 'a', wanted ip:port or [v6]:port (and 2 more)",
	       f->file);
	assert_string_equal(f->requests.rows[0].code, "garbled");
}

static void what_is_no_file_or_too_big_is_a_failure(void **state)
{
	struct fixture *f = *state;
	FILE *to;

	assert_int_equal(mkfifo(f->file, 0600), 0);
	start(f);
	expect(f, "failed EINVAL: %s: not a regular file", f->file);
	assert_int_equal(unlink(f->file), 0);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	to = fopen(in(f, "big"), "w");
	assert_int_equal(ftruncate(fileno(to), (1 << 20) + 1), 0);
	fclose(to);
	assert_int_equal(rename(in(f, "big"), f->file), 0);
	expect(f, "failed EFBIG: %s: File too large", f->file);
}

static void a_source_may_be_stopped_from_within_its_sink(void **state)
{
	struct fixture *f = *state;

	f->news.stop = &f->source;
	start(f);
	expect(f, "failed ENOENT: %s: No such file or directory", f->file);
	assert_null(f->source);
	write_file(f->file, "10.0.1.1:80\n");
	expect_no_news(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_is_told_once),
		TEST(a_file_is_read_at_the_start_and_when_written_to),
		TEST(a_file_that_is_replaced_is_read),
		TEST(a_file_half_written_is_left_until_it_is_closed),
		TEST(a_second_link_to_a_file_is_read),
		TEST(a_file_that_goes_is_a_failure_until_it_is_back),
		TEST(directories_may_come_and_go),
		TEST(links_are_followed_when_swapped_as_kubernetes_does),
		TEST(a_loop_of_links_is_a_failure),
		TEST(a_loop_that_is_undone_is_seen_by_the_next_look),
		TEST(other_files_in_the_directory_are_no_news),
		TEST(a_bad_line_is_a_failure_that_names_it),
		TEST(what_is_no_file_or_too_big_is_a_failure),
		TEST(a_source_may_be_stopped_from_within_its_sink),
	};

	return cmocka_run_group_tests_name("source_static", tests, NULL, NULL);
}
