/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>

#include "base/log.h"

void diag_done(struct diag *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->lines[i]);
	*d = (struct diag){ 0 };
}

void diag_add(struct diag *d, const char *where, const char *format, ...)
{
	_cleanup_free_ char *what = NULL;
	_cleanup_free_ char *line = NULL;
	va_list arguments;
	int r;

	d->total++;
	if (d->n == DIAG_LINES_MAX)
		return;
	va_start(arguments, format);
	r = vasprintf(&what, format, arguments);
	va_end(arguments);
	if (r < 0) {
		what = NULL;
		return;
	}
	if (asprintf(&line, "%s: %s", where, what) < 0) {
		line = NULL;
		return;
	}
	d->lines[d->n] = log_escape(line);
	if (d->lines[d->n])
		d->n++;
}

void diag_print(const struct diag *d, const char *prefix, FILE *to)
{
	for (size_t i = 0; i < d->n; i++)
		(void)fprintf(to, "%s%s\n", prefix, d->lines[i]);
	if (d->total > d->n)
		(void)fprintf(to, "%sand %zu more\n", prefix, d->total - d->n);
}
