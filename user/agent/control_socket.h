/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of the control socket: made with its directory, replaced when a dead agent left it,
 * never taken from a live one. It owns nothing; the descriptor is the caller's.
 */
#pragma once

#define CONTROL_SOCKET_MODE 0660
#define CONTROL_DIRECTORY_MODE 0755

/* A socket that listens at `path`; see control_new for the errors. */
int control_socket_open(const char *path, int *ret_fd);
