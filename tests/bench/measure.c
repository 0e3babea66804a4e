/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUICK_PART 4
#define QUICK_LEAST 5

int measure_rounds(int full)
{
	int quick = full / QUICK_PART > QUICK_LEAST ? full / QUICK_PART : QUICK_LEAST;

	return getenv("BENCH_QUICK") && quick < full ? quick : full;
}

static uint64_t now_of(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t measure_now_ns(void)
{
	return now_of(CLOCK_MONOTONIC);
}

uint64_t measure_cpu_ns(void)
{
	return now_of(CLOCK_THREAD_CPUTIME_ID);
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

/* Sorted figures: the values, which keep their order, for the rounds must stay comparable. */
struct spread {
	double least, q1, median, q3;
};

static struct spread spread_of(const double *values, size_t n)
{
	double sorted[MEASURE_ROUNDS_MAX];

	if (n == 0)
		return (struct spread){ 0 };
	memcpy(sorted, values, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	return (struct spread){
		.least = sorted[0],
		.q1 = sorted[(n - 1) / 4],
		.median = sorted[(n - 1) / 2],
		.q3 = sorted[(n - 1) * 3 / 4],
	};
}

static struct spread comparison_of(const struct measure *m, enum relation relation)
{
	double values[MEASURE_ROUNDS_MAX];
	size_t n = m->n < m->base->n ? m->n : m->base->n;

	for (size_t i = 0; i < n; i++) {
		double base = m->base->values[i];

		values[i] = relation == RELATION_OVER ? m->values[i] - base : m->values[i] / base;
	}
	return spread_of(values, n);
}

double measure_median(const struct measure *m)
{
	return spread_of(m->values, m->n).median;
}

void measure_print_head(const struct measure_table *t)
{
	char head[128];

	(void)snprintf(head, sizeof(head), "%s, %s", t->title, t->unit);
	printf("\n%-64s %9s %9s %9s", head, "min", "median", "q3-q1");
	if (t->relation != RELATION_NONE)
		printf(" %11s %9s", t->related, "q3-q1");
	printf(" %6s\n", "bar");
}

void measure_print(const struct measure_table *t, const struct measure *m)
{
	struct spread alone = spread_of(m->values, m->n);
	int digits = t->relation == RELATION_RATIO ? 3 : t->digits;

	printf("  %-62s %9.*f %9.*f %9.*f", m->what, t->digits, alone.least, t->digits,
	       alone.median, t->digits, alone.q3 - alone.q1);
	if (t->relation != RELATION_NONE && m->base) {
		struct spread compared = comparison_of(m, t->relation);

		printf(" %11.*f %9.*f", digits, compared.median, digits, compared.q3 - compared.q1);
	} else if (t->relation != RELATION_NONE && (m->bar > 0 || m->bar_is_zero)) {
		printf(" %21s", "");
	}
	if (m->bar > 0 || m->bar_is_zero)
		printf(" %6.*f", t->relation == RELATION_RATIO ? 2 : 0, m->bar);
	printf("\n");
}

void measure_print_table(const struct measure_table *t, const struct measure *rows, size_t n)
{
	measure_print_head(t);
	for (size_t i = 0; i < n; i++)
		measure_print(t, &rows[i]);
}
