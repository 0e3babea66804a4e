/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of one thing measured many times, and how they are shown. Values only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEASURE_ROUNDS_MAX 64

struct measure {
	const char *what;
	double values[MEASURE_ROUNDS_MAX];
	size_t n;
};

uint64_t measure_now_ns(void);
/* Beyond MEASURE_ROUNDS_MAX it is left out. */
void measure_add(struct measure *m, double value);
void measure_print_head(const char *title, const char *unit, bool with_base);
/* Lowest, median, and the distance of the quartiles; and the median without that of `base`. */
void measure_print(struct measure *m, struct measure *base);
