/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/state_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/internal.h"
#include "base/replacement.h"
#include "core/known.h"

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
	[STATE_FILE_KNOWN] = {
		.name = "known.jsonl",
		.bytes_max = KNOWN_BYTES_MAX,
		.unread = "The last known good cannot be read, services that are not in the kernel "
			  "wait for answers",
		.lost = "services that were not in the kernel waited for answers",
	},
	[STATE_FILE_NAMESPACES] = {
		.name = "namespaces.json",
		.bytes_max = 8 << 20,
		.unread = "The book of namespaces cannot be read, their services are as the kernel "
			  "has them until they are listed",
		.unwritten = "The book of namespaces cannot be written, the next start will not "
			     "know of the last change",
		.lost = "services of namespaces were as the kernel had them",
	},
};

char *state_file_path(const struct agent *agent, enum state_file file)
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

/* What is there is opened only if that cannot wait for somebody: a pipe would. */
static int read_file(const char *path, size_t max, char **ret_text, size_t *ret_length,
		     struct diag *problems)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		diag_add(problems, "kind", "got no regular file, wanted one");
		return -EBADMSG;
	}
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	return util_read_file(path, max, ret_text, ret_length);
}

void state_file_load(struct agent *agent, enum state_file file, state_file_fn take, void *user)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *path = state_file_path(agent, file);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = -ENOMEM;

	if (path)
		r = read_file(path, kinds[file].bytes_max, &text, &length, &problems);
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
	_cleanup_free_ char *path = state_file_path(agent, file);
	int r = path ? util_make_directories(agent->config->state_dir, 0755) : -ENOMEM;

	if (r == 0)
		r = replacement_file(path, text, length, 0644);
	if (r < 0)
		log_error(kinds[file].unwritten, "file=%s error='%s'", path ? path : "?",
			  strerror(-r));
	return r;
}
