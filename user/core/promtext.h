/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a page in the Prometheus text format 0.0.4: HELP and TYPE once a family and only when it
 * has a sample, labels escaped. The page owns its text. It does not know which metrics there are.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#pragma once

#include "base/util.h"

#define PROMTEXT_LABELS_MAX 3

enum promtext_type {
	PROMTEXT_COUNTER,
	PROMTEXT_GAUGE,
	PROMTEXT_HISTOGRAM,
};

struct promtext_family {
	const char *name;
	enum promtext_type type;
	const char *help;
	const char *labels[PROMTEXT_LABELS_MAX]; /* NULL ends them */
};

/* What a histogram has to say. */
struct promtext_buckets {
	const double *bounds;	/* n, upwards */
	const uint64_t *counts; /* n + 1, each bucket's own; the last one is of what is above all */
	size_t n;
	double sum;
};

/* All members are promtext's own; zero-initialised is right. */
struct promtext {
	char *text;
	size_t length, capacity;
	const struct promtext_family *family;
	bool announced; /* HELP and TYPE of the family are written */
	int error;	/* the first failure: what follows it is dropped */
};

void promtext_done(struct promtext *p);

/* The samples that follow belong to this family, which must outlive them. Once a family. */
void promtext_begin(struct promtext *p, const struct promtext_family *family);

/* A sample: a value for each of the family's labels, in their order (NULL when it has none). */
void promtext_count(struct promtext *p, const char *const *values, uint64_t value);
void promtext_number(struct promtext *p, const char *const *values, double value);
void promtext_histogram(struct promtext *p, const char *const *values,
			const struct promtext_buckets *buckets);

/* The page is the caller's, NUL-terminated beyond its length, and *p is empty again. 0 or -ENOMEM.
 */
int promtext_take(struct promtext *p, char **ret_text, size_t *ret_length);
