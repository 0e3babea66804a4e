/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

uint64_t util_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

int util_grow(void *array, size_t *capacity, size_t wanted, size_t size)
{
	void **pointer = array;
	size_t larger = MAX(*capacity * 2, 8);
	void *grown;

	if (wanted <= *capacity)
		return 0;
	larger = MAX(larger, wanted);
	grown = reallocarray(*pointer, larger, size);
	if (!grown)
		return -ENOMEM;
	*pointer = grown;
	*capacity = larger;
	return 0;
}

bool util_copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size);
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
	return fits;
}

int util_read_file(const char *path, size_t max, char **ret_text, size_t *ret_length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length = 0, capacity = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;
		int r = util_grow(&text, &capacity, length + 4096, 1);

		if (r < 0)
			return r;
		n = read(fd, text + length, capacity - length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > max)
			return -EFBIG;
	}
	text[length] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int util_make_directories(const char *path, unsigned mode)
{
	char part[PATH_MAX];

	if (!*path)
		return -ENOENT;
	if (!util_copy(part, sizeof(part), path))
		return -ENAMETOOLONG;
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}
