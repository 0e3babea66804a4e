/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sts_wire.h"

#include <ctype.h>
#include <errno.h>
#include <expat.h>
#include <malloc.h>

#define PATH_MAX_OCTETS 256
#define TEXT_MAX 16384 /* a session token may have some thousand */

/* --- the form --------------------------------------------------------------------------------- */

static void put_encoded(FILE *to, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("-_.~", *c))
			(void)fputc(*c, to);
		else
			(void)fprintf(to, "%%%02X", (unsigned char)*c);
	}
}

char *sts_wire_request(const struct sts_wire_role *role)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "Version", "2011-06-15" },
		{ "RoleArn", role->arn },
		{ "RoleSessionName", role->session_name },
		{ "WebIdentityToken", role->token },
		{ "ExternalId", role->external_id },
		{ "DurationSeconds", role->duration_s },
	};
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	(void)fprintf(to, "Action=AssumeRole%s", role->token ? "WithWebIdentity" : "");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].value)
			continue;
		(void)fprintf(to, "&%s=", rows[i].name);
		put_encoded(to, rows[i].value);
	}
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- reading XML ------------------------------------------------------------------------------ */

enum field {
	FIELD_ID,
	FIELD_KEY,
	FIELD_TOKEN,
	FIELD_EXPIRATION,
	FIELD_CODE,
	FIELD_MESSAGE,
	N_FIELDS,
};

/* Where they stand; whatever is around them. */
static const char *const ends[N_FIELDS] = {
	[FIELD_ID] = "/Credentials/AccessKeyId",
	[FIELD_KEY] = "/Credentials/SecretAccessKey",
	[FIELD_TOKEN] = "/Credentials/SessionToken",
	[FIELD_EXPIRATION] = "/Credentials/Expiration",
	[FIELD_CODE] = "/Error/Code",
	[FIELD_MESSAGE] = "/Error/Message",
};

struct reader {
	XML_Parser parser;
	bool stopped; /* expat may yet tell of the end of the element it is in */
	char path[PATH_MAX_OCTETS];
	char text[TEXT_MAX]; /* of the innermost element */
	size_t length;
	char *fields[N_FIELDS];
};

/* What expat held may be secret. */
static void wipe_and_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void *copy_and_wipe(void *memory, size_t size)
{
	void *larger = malloc(size);

	if (!larger)
		return NULL;
	if (memory)
		memcpy(larger, memory, MIN(size, malloc_usable_size(memory)));
	wipe_and_free(memory);
	return larger;
}

static void reader_free(struct reader *r)
{
	if (r->parser)
		XML_ParserFree(r->parser);
	for (size_t i = 0; i < N_FIELDS; i++)
		wipe_and_free(r->fields[i]);
	wipe_and_free(r);
}
DEFINE_CLEANUP(struct reader *, reader_free);

static void stop(struct reader *r)
{
	r->stopped = true;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void on_doctype(void *user, const char *name, const char *system, const char *public,
		       int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(user);
}

static void on_start(void *user, const char *name, const char **attributes)
{
	struct reader *r = user;
	size_t length = strlen(r->path);
	int n = snprintf(r->path + length, sizeof(r->path) - length, "/%s", name);

	(void)attributes;
	r->length = 0;
	if (n < 0 || (size_t)n >= sizeof(r->path) - length)
		stop(r);
}

static void on_text(void *user, const char *text, int length)
{
	struct reader *r = user;

	if ((size_t)length >= TEXT_MAX - r->length) {
		stop(r);
		return;
	}
	memcpy(r->text + r->length, text, (size_t)length);
	r->length += (size_t)length;
}

static bool ends_in(const char *path, const char *end)
{
	size_t length = strlen(path), wanted = strlen(end);

	return length >= wanted && streq(path + length - wanted, end);
}

static void on_end(void *user, const char *name)
{
	struct reader *r = user;

	if (r->stopped) /* the path is not one then */
		return;
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (!ends_in(r->path, ends[i]))
			continue;
		if (!r->fields[i])
			r->fields[i] = strndup(r->text, r->length);
		else
			stop(r); /* there twice: which one counts? */
	}
	r->length = 0;
	r->path[strlen(r->path) - strlen(name) - 1] = '\0';
}

static int reader_new(struct reader **ret)
{
	static const XML_Memory_Handling_Suite memory = { malloc, copy_and_wipe, wipe_and_free };
	_cleanup_(reader_free_p) struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
	if (!r->parser)
		return -ENOMEM;
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	*ret = TAKE_PTR(r);
	return 0;
}

/* --- the answer ------------------------------------------------------------------------------- */

static int take_error(const struct reader *r, long status, char error[static STS_WIRE_ERROR_MAX])
{
	if (r->fields[FIELD_CODE])
		(void)snprintf(error, STS_WIRE_ERROR_MAX, "%.64s: %.200s", r->fields[FIELD_CODE],
			       r->fields[FIELD_MESSAGE] ? r->fields[FIELD_MESSAGE] : "");
	else
		(void)snprintf(error, STS_WIRE_ERROR_MAX, "HTTP status %ld", status);
	return -EBADMSG;
}

static int check_fields(const struct reader *r, char error[static STS_WIRE_ERROR_MAX])
{
	for (size_t i = FIELD_ID; i <= FIELD_EXPIRATION; i++) {
		const char *name = strrchr(ends[i], '/') + 1;

		if (!r->fields[i])
			(void)snprintf(error, STS_WIRE_ERROR_MAX, "%s is missing", name);
		else if (!credentials_wire_is_word(r->fields[i]))
			(void)snprintf(error, STS_WIRE_ERROR_MAX,
				       "%s: wanted visible characters only", name);
		else
			continue;
		return -EBADMSG;
	}
	return 0;
}

static int take_set(struct reader *r, struct credentials_set *ret,
		    char error[static STS_WIRE_ERROR_MAX])
{
	int result = check_fields(r, error);
	int64_t expires_s;

	if (result < 0)
		return result;
	if (!credentials_wire_parse_time(r->fields[FIELD_EXPIRATION], &expires_s)) {
		(void)snprintf(error, STS_WIRE_ERROR_MAX,
			       "Expiration: wanted a time like 2026-11-20T22:16:37Z");
		return -EBADMSG;
	}
	*ret = (struct credentials_set){ .expires_s = expires_s };
	ret->access_key_id = TAKE_PTR(r->fields[FIELD_ID]);
	ret->secret_access_key = TAKE_PTR(r->fields[FIELD_KEY]);
	ret->session_token = TAKE_PTR(r->fields[FIELD_TOKEN]);
	return 0;
}

int sts_wire_parse(long status, const char *body, size_t length, struct credentials_set *ret,
		   char error[static STS_WIRE_ERROR_MAX])
{
	_cleanup_(reader_free_p) struct reader *r = NULL;
	bool is_xml;

	if (length > INT32_MAX || reader_new(&r) < 0) {
		(void)snprintf(error, STS_WIRE_ERROR_MAX, "no memory");
		return -ENOMEM;
	}
	is_xml = XML_Parse(r->parser, body, (int)length, XML_TRUE) == XML_STATUS_OK;
	if (status != 200)
		return take_error(r, status, error);
	if (is_xml)
		return take_set(r, ret, error);
	(void)snprintf(error, STS_WIRE_ERROR_MAX,
		       "the answer is not XML of the form it should have");
	return -EBADMSG;
}
