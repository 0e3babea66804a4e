/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl refresh [NAME]: the agent asks the source of one service, or of all, now. */
#include "ctl/client.h"

int refresh_run(const struct ctl *ctl)
{
	const struct config_service *service =
		ctl->argument ? config_find_service(ctl->config, ctl->argument) : NULL;
	const char *name = service ? service->name : ctl->argument; /* an alias is ours to know */

	return client_tell(ctl, "refresh", name, "the sources are being asked");
}
