/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readiness protocol of systemd (sd_notify(3)): one datagram to the socket that NOTIFY_SOCKET
 * names. Without the variable it does nothing.
 */
#pragma once

/* "READY=1", "RELOADING=1\nMONOTONIC_USEC=...", "STOPPING=1", "STATUS=...". 0 or a negative errno.
 */
int notify_send(const char *state);
