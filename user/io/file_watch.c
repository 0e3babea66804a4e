/* SPDX-License-Identifier: Apache-2.0 */
#include "io/file_watch.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define LINKS_MAX 40 /* as the kernel's own limit */
#define STEPS_MAX 128
#define READS_MAX 16 /* a turn of the loop */
#define EVENTS                                                                               \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | \
	 IN_EXCL_UNLINK)

/* One name on the way, in the directory that is watched for it. */
struct step {
	int wd;
	char *path; /* owned; of the name itself */
	bool last;  /* the file, or a link that stands for it */
};

struct steps {
	struct step list[STEPS_MAX];
	size_t n;
};

struct file_watch {
	uv_poll_t poll;
	int fd;
	char *path; /* absolute */
	struct steps steps;
	file_watch_fn changed;
	void *user;
};

/* The way from the root: `at` is where we are (no links in it), `rest` what is still to go. */
struct walk {
	char at[PATH_MAX];
	char rest[PATH_MAX];
	unsigned int links;
};

static void steps_done(struct steps *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].path);
	s->n = 0;
}

static bool steps_have(const struct steps *s, int wd)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].wd == wd)
			return true;
	return false;
}

static int steps_add(struct steps *s, int fd, const char *directory, const char *path, bool last)
{
	_cleanup_free_ char *copy = strdup(path);
	int wd;

	if (!copy)
		return -ENOMEM;
	if (s->n == STEPS_MAX)
		return -E2BIG;
	wd = inotify_add_watch(fd, directory, EVENTS);
	if (wd < 0)
		return -errno;
	s->list[s->n++] = (struct step){ .wd = wd, .path = TAKE_PTR(copy), .last = last };
	return 0;
}

/* Cuts the next name off the rest; false when there is none left. */
static bool walk_next(struct walk *w, char name[static NAME_MAX + 1])
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t length = strcspn(from, "/");
	const char *after = from + length + strspn(from + length, "/");

	if (length == 0 || length > NAME_MAX)
		return false;
	memcpy(name, from, length);
	name[length] = '\0';
	memmove(w->rest, after, strlen(after) + 1);
	return true;
}

static void walk_up(struct walk *w)
{
	char *slash = strrchr(w->at, '/');

	if (slash)
		*slash = '\0';
}

/* A link stands in the way: what it names takes its place. */
static int walk_follow(struct walk *w, const char *link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (snprintf(rest, sizeof(rest), "%s/%s", target, w->rest) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, sizeof(rest));
	if (target[0] == '/')
		w->at[0] = '\0';
	return 0;
}

/*
 * One step on. The directory is watched before the name in it is looked at: a change between the
 * two is an event. 1: go on; 0: the name is not there (yet); or a negative errno.
 */
static int walk_step(struct walk *w, struct steps *steps, int fd, const char *name)
{
	char path[PATH_MAX];
	struct stat found;
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", w->at, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	r = steps_add(steps, fd, w->at[0] ? w->at : "/", path, w->rest[0] == '\0');
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	if (lstat(path, &found) < 0)
		return 0;
	if (S_ISLNK(found.st_mode))
		r = walk_follow(w, path);
	else
		memcpy(w->at, path, sizeof(path));
	return r < 0 ? r : 1;
}

static int steps_walk(struct steps *steps, int fd, const char *path)
{
	struct walk walk = { 0 };
	char name[NAME_MAX + 1];
	int r = 1;

	if (!util_copy(walk.rest, sizeof(walk.rest), path))
		return -ENAMETOOLONG;
	while (r > 0 && walk_next(&walk, name)) {
		if (streq(name, ".."))
			walk_up(&walk);
		else if (!streq(name, "."))
			r = walk_step(&walk, steps, fd, name);
	}
	return r < 0 ? r : 0;
}

/* Walks anew: new directories are watched first,
 * then those that are no longer on the way forgotten. */
static int watch_walk(struct file_watch *w)
{
	struct steps before = w->steps;
	int r;

	w->steps.n = 0;
	r = steps_walk(&w->steps, w->fd, w->path);
	for (size_t i = 0; i < before.n; i++)
		if (!steps_have(&w->steps, before.list[i].wd))
			(void)inotify_rm_watch(w->fd, before.list[i].wd);
	steps_done(&before);
	return r;
}

/* A plain file that was just created: its CLOSE_WRITE is still to come, a second link's is not. */
static bool is_being_written(const struct step *s, const struct inotify_event *event)
{
	struct stat found;

	return event->mask & IN_CREATE && s->last && lstat(s->path, &found) == 0 &&
	       S_ISREG(found.st_mode) && found.st_nlink == 1;
}

static bool event_matters(const struct file_watch *w, const struct inotify_event *event)
{
	if (event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT))
		return true;
	for (size_t i = 0; i < w->steps.n && event->len > 0; i++) {
		const struct step *s = &w->steps.list[i];

		if (s->wd == event->wd && streq(strrchr(s->path, '/') + 1, event->name) &&
		    !is_being_written(s, event))
			return true;
	}
	return false;
}

/* Reads one buffer of events; 0 when there are none left. */
static ssize_t read_events(const struct file_watch *w, bool *matters)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(w->fd, buffer, sizeof(buffer));
	const struct inotify_event *event;

	for (const char *p = buffer; n > 0 && p < buffer + n; p += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)p;
		*matters |= event_matters(w, event);
	}
	return n < 0 ? 0 : n;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct file_watch *w = poll->data;
	bool matters = false;
	int r;

	(void)status;
	(void)events;
	for (int i = 0; i < READS_MAX && read_events(w, &matters) > 0; i++)
		;
	if (!matters)
		return;
	r = watch_walk(w);
	w->changed(w->user, r);
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void watch_release(struct file_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	steps_done(&w->steps);
	free(w->path);
}

static int watch_open(struct file_watch *w, const char *path)
{
	char directory[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(directory, sizeof(directory)))
		return -errno;
	if (asprintf(&w->path, "%s/%s", directory, path) < 0) {
		w->path = NULL;
		return -ENOMEM;
	}
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return w->fd < 0 ? -errno : watch_walk(w);
}

int file_watch_new(uv_loop_t *loop, const char *path, file_watch_fn changed, void *user,
		   struct file_watch **ret)
{
	_cleanup_free_ struct file_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->changed = changed;
	w->user = user;
	r = watch_open(w, path);
	if (r == 0)
		r = uv_poll_init(loop, &w->poll, w->fd);
	if (r < 0) {
		watch_release(w);
		return r;
	}
	w->poll.data = w;
	uv_poll_start(&w->poll, UV_READABLE, on_poll);
	*ret = TAKE_PTR(w);
	return 0;
}

void file_watch_free(struct file_watch *w)
{
	if (!w)
		return;
	uv_close((uv_handle_t *)&w->poll, on_poll_closed); /* stops it: the descriptor may go */
	watch_release(w);
	w->fd = -1;
}
