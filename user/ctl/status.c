/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl status: what the agent says of itself and of its sources. */
#include "ctl/client.h"

#include <errno.h>

#include "core/json.h"
#include "ctl/status_text.h"

int status_run(const struct ctl *ctl)
{
	_cleanup_(json_free_p) cJSON *reply = NULL;
	_cleanup_free_ char *text = NULL;
	int code = client_ask(ctl, "status", NULL, &reply);

	if (code != EX_OK)
		return code;
	if (ctl->form == WRITER_TEXT)
		text = status_text(reply);
	else
		text = cJSON_Print(reply);
	if (!text)
		return ctl_fail(EX_OSERR, "out of memory");
	if (fputs(text, stdout) < 0 || (ctl->form == WRITER_JSON && putchar('\n') < 0) ||
	    fflush(stdout) != 0)
		return ctl_fail(EX_OSERR, "cannot write: %s", strerror(errno));
	return EX_OK;
}
