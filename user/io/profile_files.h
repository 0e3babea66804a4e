/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the shared files of the AWS SDKs are, and which profile of them counts:
 * AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_PROFILE; else ~/.aws and "default". Read anew
 * each time. It owns what it read.
 */
#pragma once

#include <limits.h>

#include "core/profiles.h"

#define PROFILE_FILES_ERROR_MAX 512

struct profile_files {
	struct profiles profiles;
	char config[PATH_MAX];
	char credentials[PATH_MAX];
	const char *profile; /* the environment's, or a literal */
};

void profile_files_done(struct profile_files *f);

/*
 * 0: the profile is there. -ENOENT: no profile was asked for and there is no default one, or no
 * place for files is known; why is in `error`. Else what is wrong, there too. A file that does not
 * exist is empty.
 */
int profile_files_read(const char *(*environment)(const char *name), struct profile_files *ret,
		       char error[static PROFILE_FILES_ERROR_MAX]);
/* Of the profile in force; NULL for what is not there. */
const char *profile_files_get(const struct profile_files *f, const char *name);
