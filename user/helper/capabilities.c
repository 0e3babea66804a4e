/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/capabilities.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By the system call: a library for two numbers would be one more thing that is privileged. */
int capabilities_drop(uint64_t dropped)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t kept = ~(uint32_t)(dropped >> (32 * i));

		data[i].effective &= kept;
		data[i].permitted &= kept;
		data[i].inheritable &= kept;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int capabilities_check(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if ((uint32_t)(wanted >> (32 * i)) & ~data[i].effective)
			return -EPERM;
	}
	return 0;
}
