/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdarg.h>

int ctl_fail(int code, const char *format, ...)
{
	va_list arguments;

	(void)fputs("shuntctl: ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	return code;
}

static int exit_code_of(int error)
{
	static const struct {
		int error, code;
	} codes[] = {
		{ -ENOENT, EX_UNAVAILABLE }, /* nothing is pinned */
		{ -EPROTO, EX_UNAVAILABLE }, /* another layout is */
		{ -EBUSY, EX_UNAVAILABLE },  { -EPERM, EX_NOPERM }, { -EACCES, EX_NOPERM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i].error == error)
			return codes[i].code;
	}
	return EX_OSERR;
}

int ctl_fail_errno(int error, const struct diag *problems)
{
	if (problems->n == 0)
		return ctl_fail(exit_code_of(error), "%s", strerror(-error));
	diag_print(problems, "shuntctl: ", stderr);
	return exit_code_of(error);
}

int ctl_print(struct writer *w)
{
	_cleanup_free_ char *text = NULL;
	size_t length;

	if (writer_take(w, &text, &length) < 0)
		return ctl_fail(EX_OSERR, "out of memory");
	if (fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0)
		return ctl_fail(EX_OSERR, "cannot write: %s", strerror(errno));
	return EX_OK;
}

int ctl_open(const struct ctl *ctl, struct dataplane **ret, struct table *ret_table)
{
	_cleanup_(dataplane_close_p) struct dataplane *d = NULL;
	_cleanup_(diag_done) struct diag problems = { 0 };
	int r = dataplane_open_reader(ctl->config->bpffs, &d, &problems);

	if (r < 0)
		return ctl_fail_errno(r, &problems);
	r = dataplane_read(d, ret_table);
	if (r < 0)
		return ctl_fail_errno(r, &problems);
	table_sort(ret_table);
	*ret = TAKE_PTR(d);
	return EX_OK;
}
