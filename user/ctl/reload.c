/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl reload: the agent reads its configuration anew,
 * as on SIGHUP, and says what is wrong with it. */
#include "ctl/client.h"

int reload_run(const struct ctl *ctl)
{
	return client_tell(ctl, "reload", NULL, "the configuration was read and is in force");
}
