/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/drain_book.h"

#include <errno.h>
#include <time.h>

#include "agent/internal.h"

#define BOOK_BYTES_MAX (4 << 20)

void drain_book_done(struct drain_book *b)
{
	drains_done(&b->drains);
	free(b->fault);
	*b = (struct drain_book){ 0 };
}

static char *book_path(const struct agent *agent)
{
	char *path = NULL;

	return asprintf(&path, "%s/drained.json", agent->config->state_dir) < 0 ? NULL : path;
}

/* Out of the way of the next book, under a name that nothing has. */
static void set_aside(struct agent *agent, const char *path, const char *what)
{
	_cleanup_free_ char *aside = NULL;
	char *fault = NULL;
	int r = 0;

	if (asprintf(&aside, "%s.damaged-%lld", path, (long long)time(NULL)) < 0)
		aside = NULL;
	if (!aside || rename(path, aside) < 0)
		r = aside ? -errno : -ENOMEM;
	log_error("The book of drained backends cannot be read, those in it get connections again",
		  "file=%s error='%s' set_aside=%s", path, what, r == 0 ? aside : strerror(-r));
	if (asprintf(&fault, "%s: %s; what it drained gets connections again; the file is %s%s",
		     path, what,
		     r == 0 ? "now " : "still there: ", r == 0 ? aside : strerror(-r)) < 0)
		fault = NULL;
	free(agent->drain_book.fault);
	agent->drain_book.fault = fault;
}

void drain_book_load(struct agent *agent)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *path = book_path(agent);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = path ? util_read_file(path, BOOK_BYTES_MAX, &text, &length) : -ENOMEM;

	if (r == -ENOENT)
		return;
	if (r == 0)
		r = drains_read(&agent->drain_book.drains, text, length, &problems);
	if (r < 0 && path)
		set_aside(agent, path, problems.n > 0 ? problems.lines[0] : strerror(-r));
	else if (agent->drain_book.drains.n > 0)
		log_info("Backends are drained", "backends=%zu file=%s", agent->drain_book.drains.n,
			 path);
}

int drain_book_store(const struct agent *agent)
{
	_cleanup_free_ char *path = book_path(agent);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = path ? util_make_directories(agent->config->state_dir, 0755) : -ENOMEM;

	if (r == 0)
		r = drains_write(&agent->drain_book.drains, &text, &length);
	if (r == 0)
		r = util_write_file_atomically(path, text, length, 0644);
	if (r < 0)
		log_error("The book of drained backends cannot be written, the next start will not "
			  "know of the last change",
			  "file=%s error='%s'", path ? path : "?", strerror(-r));
	return r;
}
