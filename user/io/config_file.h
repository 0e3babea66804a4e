/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the configuration of both programs comes from: the file that was named, else the JSON text
 * in the environment variable SHUNT_CONFIG (ECS tasks have no files), else CONFIG_FILE_DEFAULT.
 */
#pragma once

#include "base/diag.h"
#include "core/config.h"

#define CONFIG_FILE_DEFAULT "/etc/shunt/shunt.json"
#define CONFIG_FILE_VARIABLE "SHUNT_CONFIG"

/*
 * The text as it is, and what to call it in messages; both the caller's. `path` is the file that
 * was named, or NULL. Errors: as below.
 */
int config_file_read(const char *path, char **ret_origin, char **ret_text, size_t *ret_length,
		     struct diag *problems);

/*
 * `path` is the file that was named, or NULL. 0, *ret and *ret_origin (for messages) are the
 * caller's; -EINVAL: not valid, -ENOENT: no such file, or the errno of reading it; the words are in
 * *problems.
 */
int config_file_load(const char *path, char **ret_origin, struct config **ret,
		     struct diag *problems);
