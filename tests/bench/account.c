/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "playground.h"

#define PINS PLAYGROUND_BPFFS "/shunt"

struct account account_of(int program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	require(bpf_obj_get_info_by_fd(program, &info, &length) == 0);
	return (struct account){ info.run_cnt, info.run_time_ns };
}

struct account account_of_pins(void)
{
	struct account sum = { 0 };
	DIR *directory = opendir(PINS);
	const struct dirent *entry;

	require(directory);
	while ((entry = readdir(directory))) {
		_cleanup_close_ int program = -1;
		struct account one;
		char path[sizeof(PINS) + sizeof(entry->d_name) + 1];

		if (strncmp(entry->d_name, "prog_", 5) != 0)
			continue;
		(void)snprintf(path, sizeof(path), PINS "/%s", entry->d_name);
		program = bpf_obj_get(path);
		require(program >= 0);
		one = account_of(program);
		sum.runs += one.runs;
		sum.ns += one.ns;
	}
	(void)closedir(directory);
	return sum;
}
