/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of one thing measured in many rounds, compared round by round with another, and shown as
 * rows of a table. Values only; it decides nothing: a bar stands beside its figure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEASURE_ROUNDS_MAX 256

struct measure {
	const char *what;
	const struct measure *base; /* measured in the same rounds; NULL: stands alone */
	double bar;		    /* of the comparison, or of the figure alone; 0: none */
	bool bar_is_zero;
	double values[MEASURE_ROUNDS_MAX];
	size_t n;
};

enum relation {
	RELATION_NONE,
	RELATION_OVER,	/* value - base */
	RELATION_RATIO, /* value / base */
};

struct measure_table {
	const char *title, *unit;
	enum relation relation;
	const char *related; /* heads the comparison: "over empty" */
	int digits;	     /* of a figure, after the point */
};

/* How many rounds to make: `full`, or a quarter where BENCH_QUICK is set. */
int measure_rounds(int full);
uint64_t measure_now_ns(void);
/* Of this thread, on a CPU. */
uint64_t measure_cpu_ns(void);
/* Beyond MEASURE_ROUNDS_MAX it is left out. */
void measure_add(struct measure *m, double value);
double measure_median(const struct measure *m);
void measure_print_head(const struct measure_table *t);
/* Lowest, median, distance of the quartiles; median and quartile distance of the comparison. */
void measure_print(const struct measure_table *t, const struct measure *m);
/* The head and each of them. */
void measure_print_table(const struct measure_table *t, const struct measure *rows, size_t n);
