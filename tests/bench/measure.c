/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t measure_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void measure_add(struct measure *m, double value)
{
	if (m->n < MEASURE_ROUNDS_MAX)
		m->values[m->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* `part` of 100; 0 is the lowest. */
static double percentile(struct measure *m, size_t part)
{
	if (m->n == 0)
		return 0;
	qsort(m->values, m->n, sizeof(m->values[0]), compare);
	return m->values[(m->n - 1) * part / 100];
}

void measure_print_head(const char *title, const char *unit, bool with_base)
{
	char head[128];

	(void)snprintf(head, sizeof(head), "%s, %s", title, unit);
	printf("\n%-52s %8s %8s %8s%s\n", head, "min", "median", "q3-q1",
	       with_base ? "    over empty" : "");
}

void measure_print(struct measure *m, struct measure *base)
{
	printf("  %-50s %8.1f %8.1f %8.1f", m->what, percentile(m, 0), percentile(m, 50),
	       percentile(m, 75) - percentile(m, 25));
	if (base && base != m)
		printf(" %13.1f", percentile(m, 50) - percentile(base, 50));
	printf("\n");
}
