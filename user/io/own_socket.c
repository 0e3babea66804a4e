/* SPDX-License-Identifier: Apache-2.0 */
#include "io/own_socket.h"

#include <sys/socket.h>

#include "shunt/layout.h"

void own_socket_set(int fd)
{
	const int priority = SHUNT_OWN_PRIORITY;

	(void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
}
