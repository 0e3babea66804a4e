/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/profiles.h"
#include "core/sts_wire.h"
#include "core/task_metadata.h"
#include "fuzz/fuzz.h"

static void set_is_usable(const struct credentials_set *set)
{
	fuzz_demand(set->access_key_id && credentials_wire_is_word(set->access_key_id),
		    "an id of a key can stand in a header");
	fuzz_demand(set->secret_access_key && *set->secret_access_key, "there is a secret");
	fuzz_demand(!set->session_token || credentials_wire_is_word(set->session_token),
		    "a token can stand in a header");
	fuzz_demand(credentials_set_same(set, set), "a set is the same as itself");
}

static void read_container(const char *text, size_t length)
{
	_cleanup_(credentials_set_done) struct credentials_set set = { 0 };
	char error[CREDENTIALS_WIRE_ERROR_MAX] = "";
	int r = credentials_wire_parse(text, length, &set, error);

	fuzz_demand(r == 0 || (r == -EBADMSG && *error), "what is wrong is told");
	if (r == 0)
		set_is_usable(&set);
}

static void read_role(long status, const char *text, size_t length)
{
	_cleanup_(credentials_set_done) struct credentials_set set = { 0 };
	char error[STS_WIRE_ERROR_MAX] = "";
	int r = sts_wire_parse(status, text, length, &set, error);

	fuzz_demand(r == 0 || (r == -EBADMSG && *error), "what is wrong is told");
	if (r == 0)
		set_is_usable(&set);
}

/* What is said of a role comes from the configuration of others, too. */
static void ask_role(const char *text, size_t length)
{
	const struct sts_wire_role role = { .arn = "arn:aws:iam::111122223333:role/r",
					    .session_name = text,
					    .token = length % 2 ? text : NULL,
					    .duration_s = "900" };
	_cleanup_free_ char *form = sts_wire_request(&role);

	fuzz_demand(form && strspn(form, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_.~%&=") == strlen(form),
		    "a form is encoded");
}

static void read_good_role(const char *text, size_t length)
{
	read_role(200, text, length);
}

static void read_refused_role(const char *text, size_t length)
{
	read_role(403, text, length);
}

static void read_profiles(enum profiles_form form, const char *text, size_t length)
{
	_cleanup_(profiles_done) struct profiles p = { 0 };
	char error[PROFILES_ERROR_MAX] = "";
	int r = profiles_read(&p, form, text, length, error);

	fuzz_demand(r == 0 || (r == -EBADMSG && *error), "what is wrong is told");
	for (size_t i = 0; r == 0 && i < p.n; i++)
		fuzz_demand(profiles_has(&p, p.list[i].profile), "a profile is found by its name");
	(void)profiles_get(&p, "default", "aws_access_key_id");
}

static void read_config(const char *text, size_t length)
{
	read_profiles(PROFILES_CONFIG, text, length);
}

static void read_credentials(const char *text, size_t length)
{
	read_profiles(PROFILES_CREDENTIALS, text, length);
}

static void read_region(const char *text, size_t length)
{
	char region[TASK_METADATA_REGION_MAX] = "";
	int r = task_metadata_region(text, length, region);

	fuzz_demand((r == 0) == (*region != '\0'), "a region is one");
}

static const struct {
	char letter;
	void (*read)(const char *text, size_t length);
} texts[] = {
	{ 'j', read_container }, { 'x', read_good_role }, { 'e', read_refused_role },
	{ 'a', ask_role },	 { 'p', read_config },	  { 'c', read_credentials },
	{ 'm', read_region },
};

void fuzz_credentials(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;

	if (size == 0)
		return;
	text = malloc(size); /* NUL-terminated beyond its length, as io/http hands it over */
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].letter == (char)data[0])
			texts[i].read(text, size - 1);
}
