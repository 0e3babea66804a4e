/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few macros that every file wants: cleanup attributes, moving ownership, array sizes.
 * It owns nothing and knows nothing of shunt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h> /* MIN, MAX: libuv's header brings them too */
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(util_free_p)
#define _cleanup_close_ _cleanup_(util_close_p)
#define _cleanup_fclose_ _cleanup_(util_fclose_p)
#define _printf_(at, first) __attribute__((__format__(__printf__, at, first)))

/* Hands a pointer (a descriptor) over: the variable no longer owns it. */
#define TAKE_PTR(p)                     \
	({                              \
		typeof(p) _taken = (p); \
		(p) = NULL;             \
		_taken;                 \
	})
#define TAKE_FD(fd)                \
	({                         \
		int _taken = (fd); \
		(fd) = -1;         \
		_taken;            \
	})

/* Defines the function that _cleanup_ wants, from a destructor that takes NULL. */
#define DEFINE_CLEANUP(type, destroy)           \
	static inline void destroy##_p(type *p) \
	{                                       \
		if (*p)                         \
			destroy(*p);            \
	}                                       \
	struct cleanup_swallows_the_semicolon

static inline void util_free_p(void *p)
{
	free(*(void **)p);
}

static inline void util_close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void util_fclose_p(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The greatest common divisor; that of 0 and a number is the number. */
uint64_t util_gcd(uint64_t a, uint64_t b);

/*
 * Grows *array (of elements of the given size) so that at least `wanted` fit, at least doubling.
 * Returns 0 or -ENOMEM; on failure nothing has changed.
 */
int util_grow(void *array, size_t *capacity, size_t wanted, size_t size);

/* Copies with truncation and always a NUL; returns whether it fitted. */
bool util_copy(char *to, size_t size, const char *from);

/*
 * Reads a whole file (or stream) of at most `max` bytes; *ret_text is NUL-terminated and the
 * caller's. Errors: -EFBIG over the limit, else the errno of open or read.
 */
int util_read_file(const char *path, size_t max, char **ret_text, size_t *ret_length);

/* mkdir -p. */
int util_make_directories(const char *path, unsigned mode);
