/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when a file may have another content: written, replaced, created, removed, or when a
 * directory or symbolic link on the way to it was. By inotify on every directory that its path goes
 * through, so that a swapped link (as Kubernetes' volumes have them) and a file that is not there
 * yet are seen too. A file just created is left until its writer closes it. It never opens the file
 * itself. (libuv's own watches know no CLOSE_WRITE: they make readers see half a file.)
 */
#pragma once

#include <uv.h>

#include "base/util.h"

struct file_watch;

/* `error` is 0, or the errno of why from now on nothing will be seen (-ENOSPC: the user's limit).
 */
typedef void (*file_watch_fn)(void *user, int error);

/* 0, -ENOMEM, or the errno of inotify. `changed` is
 * called from the loop only, and may free the watch. */
int file_watch_new(uv_loop_t *loop, const char *path, file_watch_fn changed, void *user,
		   struct file_watch **ret);
/* Closes its handles on the loop. Takes NULL. */
void file_watch_free(struct file_watch *w);
DEFINE_CLEANUP(struct file_watch *, file_watch_free);
