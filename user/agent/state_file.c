/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/state_file.h"

#include <errno.h>
#include <time.h>

#include "agent/internal.h"

static const struct kind {
	const char *name;
	size_t bytes_max;
	const char *unread, *unwritten; /* for the log */
	const char *lost;		/* for people who ask later */
} kinds[STATE_FILES] = {
	[STATE_FILE_VIPS] = {
		.name = "vips.json",
		.bytes_max = 8 << 20,
		.unread = "The book of VIPs cannot be read, choosing VIPs anew by name",
		.unwritten = "The book of VIPs cannot be written, VIPs may change at the next start",
		.lost = "VIPs were chosen anew by name",
	},
	[STATE_FILE_DRAINED] = {
		.name = "drained.json",
		.bytes_max = 4 << 20,
		.unread = "The book of drained backends cannot be read, those in it get "
			  "connections again",
		.unwritten = "The book of drained backends cannot be written, the next start will "
			     "not know of the last change",
		.lost = "what it drained gets connections again",
	},
};

static char *path_of(const struct agent *agent, enum state_file file)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", agent->config->state_dir, kinds[file].name) < 0 ? NULL
											: path;
}

/* Out of the way of the next one, under a name that nothing has. */
static void set_aside(struct agent *agent, enum state_file file, const char *path, const char *what)
{
	_cleanup_free_ char *aside = NULL;
	char *fault = NULL;
	int r = 0;

	if (asprintf(&aside, "%s.damaged-%lld", path, (long long)time(NULL)) < 0)
		aside = NULL;
	if (!aside || rename(path, aside) < 0)
		r = aside ? -errno : -ENOMEM;
	log_error(kinds[file].unread, "file=%s error='%s' set_aside=%s", path, what,
		  r == 0 ? aside : strerror(-r));
	if (asprintf(&fault, "%s: %s; %s; the file is %s%s", path, what, kinds[file].lost,
		     r == 0 ? "now " : "still there: ", r == 0 ? aside : strerror(-r)) < 0)
		fault = NULL;
	free(agent->state_faults[file]);
	agent->state_faults[file] = fault;
}

void state_file_load(struct agent *agent, enum state_file file, state_file_fn take, void *user)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *path = path_of(agent, file);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = path ? util_read_file(path, kinds[file].bytes_max, &text, &length) : -ENOMEM;

	if (r == -ENOENT)
		return;
	if (r == 0)
		r = take(user, text, length, &problems);
	if (r < 0 && path)
		set_aside(agent, file, path, problems.n > 0 ? problems.lines[0] : strerror(-r));
}

int state_file_store(const struct agent *agent, enum state_file file, const char *text,
		     size_t length)
{
	_cleanup_free_ char *path = path_of(agent, file);
	int r = path ? util_make_directories(agent->config->state_dir, 0755) : -ENOMEM;

	if (r == 0)
		r = util_write_file_atomically(path, text, length, 0644);
	if (r < 0)
		log_error(kinds[file].unwritten, "file=%s error='%s'", path ? path : "?",
			  strerror(-r));
	return r;
}
