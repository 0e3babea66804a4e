/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the AWS command line and SDKs share, ~/.aws/config and ~/.aws/credentials, read as
 * they read them: [profile NAME] in the first, [NAME] in the second, "key = value", comments, and
 * indented lines, which belong to the key before them and which nothing here needs. It owns its
 * words and wipes them. Pure.
 */
#pragma once

#include "base/util.h"

#define PROFILES_FILE_MAX (1u << 20)
#define PROFILES_KEYS_MAX 10000
#define PROFILES_ERROR_MAX 128

struct profiles_key {
	char *profile; /* owned */
	char *name;    /* lower case, borrowed from `profile`; "": the profile itself */
	char *value;   /* likewise */
};

/* Zero-initialised: empty. */
struct profiles {
	struct profiles_key *list;
	size_t n, capacity;
};

enum profiles_form {
	PROFILES_CONFIG,
	PROFILES_CREDENTIALS,
};

void profiles_done(struct profiles *p);

/*
 * Adds what a file says; of a key that is there twice the later counts, so read the credentials
 * last. 0; -EBADMSG and the line and what is wrong with it, without its text; -ENOMEM, said there
 * too.
 */
int profiles_read(struct profiles *p, enum profiles_form form, const char *text, size_t length,
		  char error[static PROFILES_ERROR_MAX]);

bool profiles_has(const struct profiles *p, const char *profile);
/* NULL for what is not there or empty. */
const char *profiles_get(const struct profiles *p, const char *profile, const char *name);
