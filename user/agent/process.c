/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/process.h"

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>

#include "base/util.h"

#define PROC_BYTES_MAX \
	(1u << 20) /* /proc/stat has a line for every CPU and a number for every IRQ */

/* Numbers of the fields in proc_pid_stat(5). */
enum stat_field {
	FIELD_AFTER_STATE = 4,
	FIELD_UTIME = 14,
	FIELD_STIME = 15,
	FIELD_START_TIME = 22,
	FIELD_VSIZE = 23,
	FIELD_RSS = 24,
	FIELD_END,
};

static int read_fields(uint64_t fields[static FIELD_END])
{
	_cleanup_free_ char *text = NULL;
	char *next;
	size_t length;
	int r = util_read_file("/proc/self/stat", PROC_BYTES_MAX, &text, &length);

	if (r < 0)
		return r;
	next = strrchr(text, ')'); /* the name may hold anything, this too */
	if (!next || strlen(next) < strlen(") S "))
		return -EBADMSG;
	next += strlen(") S");
	for (unsigned int i = FIELD_AFTER_STATE; i < FIELD_END; i++)
		fields[i] = strtoull(next, &next, 10);
	return 0;
}

static int read_boot_time(uint64_t *ret)
{
	static const char key[] = "\nbtime ";
	_cleanup_free_ char *text = NULL;
	const char *found;
	size_t length;
	int r = util_read_file("/proc/stat", PROC_BYTES_MAX, &text, &length);

	if (r < 0)
		return r;
	found = strstr(text, key);
	if (!found)
		return -EBADMSG;
	*ret = strtoull(found + strlen(key), NULL, 10);
	return 0;
}

static int count_fds(uint64_t *ret)
{
	DIR *directory = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!directory)
		return -errno;
	for (const struct dirent *e = readdir(directory); e; e = readdir(directory))
		n += e->d_name[0] != '.';
	closedir(directory);
	*ret = n - 1; /* without the one that reads the directory */
	return 0;
}

int process_read(struct process_stats *ret)
{
	double ticks_a_second = (double)sysconf(_SC_CLK_TCK);
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t fields[FIELD_END] = { 0 };
	uint64_t boot_time_s = 0, fds = 0;
	struct rlimit limit;
	int r = read_fields(fields);

	if (r == 0)
		r = read_boot_time(&boot_time_s);
	if (r == 0)
		r = count_fds(&fds);
	if (r < 0)
		return r;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	*ret = (struct process_stats){
		.cpu_s = (double)(fields[FIELD_UTIME] + fields[FIELD_STIME]) / ticks_a_second,
		.resident_bytes = fields[FIELD_RSS] * page_bytes,
		.virtual_bytes = fields[FIELD_VSIZE],
		.open_fds = fds,
		.max_fds = limit.rlim_cur,
		.start_time_s = (double)boot_time_s +
				(double)fields[FIELD_START_TIME] / ticks_a_second,
	};
	return 0;
}
