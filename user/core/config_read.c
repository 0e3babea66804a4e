/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_read.h"

#include <errno.h>
#include <stdarg.h>

#include "base/utf8.h"
#include "core/config.h"
#include "core/config_check.h"
#include "core/config_types.h"
#include "core/json.h"

static void read_object(struct config_reader *r, const struct config_place *at, const char *path,
			const cJSON *json, void *base);

/* "services[2].cloudmap.poll"; *ret_service is the service that it is in. */
static void print_place(FILE *to, const struct config_place *at, const char **ret_service)
{
	if (!at)
		return;
	print_place(to, at->parent, ret_service);
	if (at->key)
		(void)fprintf(to, "%s%.*s", at->parent ? "." : "",
			      (int)utf8_clip(at->key, CONFIG_SHOWN_MAX), at->key);
	else
		(void)fprintf(to, "[%zu]", at->index);
	if (at->service)
		*ret_service = at->service;
}

static char *place_text(const char *origin, const struct config_place *at)
{
	const char *service = NULL;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	(void)fprintf(to, "%s%s", origin, at ? ": " : "");
	print_place(to, at, &service);
	if (service)
		(void)fprintf(to, " (%.*s)", (int)utf8_clip(service, CONFIG_SHOWN_MAX), service);
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void config_problem(struct config_reader *r, const struct config_place *at, const char *format, ...)
{
	bool room = r->problems->n < DIAG_LINES_MAX;
	_cleanup_free_ char *where = room ? place_text(r->origin, at) : NULL;
	_cleanup_free_ char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (room && vasprintf(&what, format, arguments) < 0)
		what = NULL;
	va_end(arguments);
	diag_add(r->problems, where ? where : r->origin, "%s", what ? what : "");
}

static void unwanted(struct config_reader *r, const struct config_place *at, const cJSON *json,
		     const char *wanted)
{
	char got[JSON_DESCRIPTION_MAX];

	config_problem(r, at, "got %s, wanted %s", json_describe(json, got), wanted);
}

static void unwanted_by_key(struct config_reader *r, const struct config_place *at,
			    const cJSON *json, const struct config_key *key)
{
	char wanted[CONFIG_KEY_WANTED_MAX];

	unwanted(r, at, json, config_key_wanted(key, wanted));
}

/* Reads a text by the key's type; false: it is not what is wanted. */
static bool parse_text(struct config_reader *r, const char *text, const struct config_key *key,
		       void *base)
{
	int e = config_type(key->type)->parse(text, key, base);

	r->out_of_memory |= e == -ENOMEM;
	return e == 0 || e == -ENOMEM;
}

static void read_text(struct config_reader *r, const struct config_place *at,
		      const struct config_key *key, const cJSON *json, void *base)
{
	if (!parse_text(r, json->valuestring, key, base))
		unwanted_by_key(r, at, json, key);
}

static void read_number(struct config_reader *r, const struct config_place *at,
			const struct config_key *key, const cJSON *json, void *base)
{
	double value = json->valuedouble;

	if (value < key->min || value > key->max || (uint32_t)value != value) {
		unwanted_by_key(r, at, json, key);
		return;
	}
	if (key->type == CONFIG_TYPE_COUNT)
		*(uint32_t *)((char *)base + key->offset) = (uint32_t)value;
	else
		*(uint16_t *)((char *)base + key->offset) = (uint16_t)value;
}

static void read_list(struct config_reader *r, const struct config_place *at,
		      const struct config_key *key, const cJSON *json, void *base)
{
	struct config_place item = { .parent = at };
	const cJSON *child;

	cJSON_ArrayForEach(child, json)
	{
		if (!cJSON_IsString(child) || !parse_text(r, child->valuestring, key, base))
			unwanted(r, &item, child, config_type(key->type)->wanted);
		item.index++;
	}
}

/* Of what belongs to `element`, such as "services[]", as fields of base. */
static void read_defaults(struct config_reader *r, const char *element, void *base)
{
	size_t n;
	const struct config_key *keys = config_keys(&n);

	for (size_t i = 0; i < n; i++) {
		if (keys[i].fallback && config_key_is_in(&keys[i], element))
			(void)parse_text(r, keys[i].fallback, &keys[i], base);
	}
}

static void read_services(struct config_reader *r, const struct config_place *at,
			  const struct config_key *key, const cJSON *json, struct config *c)
{
	struct config_place item = { .parent = at };
	const cJSON *child;

	c->services = calloc((size_t)cJSON_GetArraySize(json) + 1, sizeof(*c->services));
	if (!c->services) {
		r->out_of_memory = true;
		return;
	}
	cJSON_ArrayForEach(child, json)
	{
		struct config_service *service = &c->services[c->n_services++];

		item.service =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(child, "name"));
		read_defaults(r, "services[]", service);
		if (cJSON_IsObject(child)) {
			read_object(r, &item, "services[]", child, service);
			config_check_service(r, &item, child, service);
		} else {
			unwanted(r, &item, child, config_type(key->type)->wanted);
		}
		item.index++;
	}
}

static void read_parts(struct config_reader *r, const struct config_place *at,
		       const struct config_key *key, const cJSON *json,
		       struct config_service *service)
{
	struct config_place item = { .parent = at };
	const cJSON *child;

	service->split = calloc((size_t)cJSON_GetArraySize(json) + 1, sizeof(*service->split));
	if (!service->split) {
		r->out_of_memory = true;
		return;
	}
	cJSON_ArrayForEach(child, json)
	{
		struct config_part *part = &service->split[service->n_split++];

		read_defaults(r, "services[].split[]", part);
		if (cJSON_IsObject(child))
			read_object(r, &item, "services[].split[]", child, part);
		else
			unwanted(r, &item, child, config_type(key->type)->wanted);
		item.index++;
	}
}

static void read_namespaces(struct config_reader *r, const struct config_place *at,
			    const struct config_key *key, const cJSON *json, struct config *c)
{
	struct config_place item = { .parent = at };
	const cJSON *child;

	c->namespaces = calloc((size_t)cJSON_GetArraySize(json) + 1, sizeof(*c->namespaces));
	if (!c->namespaces) {
		r->out_of_memory = true;
		return;
	}
	cJSON_ArrayForEach(child, json)
	{
		struct config_namespace *n = &c->namespaces[c->n_namespaces++];

		read_defaults(r, "namespaces[]", n);
		read_defaults(r, "services[]", &n->defaults);
		if (cJSON_IsObject(child)) {
			read_object(r, &item, "namespaces[]", child, n);
			config_check_namespace(r, &item, child, n);
		} else {
			unwanted(r, &item, child, config_type(key->type)->wanted);
		}
		item.index++;
	}
}

static void read_array(struct config_reader *r, const struct config_place *at,
		       const struct config_key *key, const cJSON *json, void *base)
{
	int n = cJSON_GetArraySize(json);
	char wanted[CONFIG_KEY_WANTED_MAX];

	if (n < 0 || (uint32_t)n > key->max)
		config_problem(r, at, "got a list of %d, wanted %s", n,
			       config_key_wanted(key, wanted));
	else if (key->type == CONFIG_TYPE_SERVICES)
		read_services(r, at, key, json, base);
	else if (key->type == CONFIG_TYPE_PARTS)
		read_parts(r, at, key, json, base);
	else if (key->type == CONFIG_TYPE_NAMESPACES)
		read_namespaces(r, at, key, json, base);
	else
		read_list(r, at, key, json, base);
}

/* What several services have in common. */
static void read_shared(struct config_reader *r, const struct config_place *at, const cJSON *json,
			void *service)
{
	r->in_defaults = true;
	read_object(r, at, "services[]", json, service);
	r->in_defaults = false;
}

static void read_value(struct config_reader *r, const struct config_place *at,
		       const struct config_key *key, const cJSON *json, void *base)
{
	int kind = config_type(key->type)->json;

	if (key->type == CONFIG_TYPE_NOT_BUILT)
		config_problem(r, at, "not built in this version, leave it out");
	else if (key->own && r->in_defaults)
		config_problem(r, at, "got this key, wanted none: each service has its own");
	else if (key->type == CONFIG_TYPE_SWITCH && cJSON_IsFalse(json))
		return;
	else if (key->type == CONFIG_TYPE_WORD_OR_OBJECT && cJSON_IsObject(json))
		read_object(r, at, key->path, json, base);
	else if (!(json->type & 0xff & kind))
		unwanted_by_key(r, at, json, key);
	else if (key->type == CONFIG_TYPE_DEFAULTS)
		read_shared(r, at, json, (char *)base + key->offset);
	else if (kind == cJSON_Object)
		read_object(r, at, key->path, json, base);
	else if (kind == cJSON_Array)
		read_array(r, at, key, json, base);
	else if (kind == cJSON_Number)
		read_number(r, at, key, json, base);
	else if (key->type == CONFIG_TYPE_FLAG)
		*(bool *)((char *)base + key->offset) = cJSON_IsTrue(json);
	else
		read_text(r, at, key, json, base);
}

static void unknown_key(struct config_reader *r, const struct config_place *at, const char *path)
{
	const struct config_key *nearest = NULL;

	if (r->problems->n < DIAG_LINES_MAX)
		nearest = config_keys_nearest(path, at->key);
	if (nearest)
		config_problem(r, at, "unknown key, did you mean \"%s\"?",
			       config_key_name(nearest));
	else
		config_problem(r, at, "unknown key");
}

static void find_missing_keys(struct config_reader *r, const struct config_place *at,
			      const char *path, const cJSON *json)
{
	struct config_place place = { .parent = at };
	char wanted[CONFIG_KEY_WANTED_MAX];
	size_t n;
	const struct config_key *keys = config_keys(&n);

	for (size_t i = 0; i < n; i++) {
		place.key = config_key_name(&keys[i]);
		if (keys[i].required && !(keys[i].own && r->in_defaults) &&
		    config_key_is_of(&keys[i], path) &&
		    !cJSON_GetObjectItemCaseSensitive(json, place.key))
			config_problem(r, &place, "got nothing, wanted %s",
				       config_key_wanted(&keys[i], wanted));
	}
}

/*
 * Each known key is read once: its field or its list has room for one. Unknown keys are faults
 * already, however often they come.
 */
static void read_object(struct config_reader *r, const struct config_place *at, const char *path,
			const cJSON *json, void *base)
{
	unsigned char seen[CONFIG_KEYS_MAX] = { 0 };
	const cJSON *child;

	find_missing_keys(r, at, path, json);
	cJSON_ArrayForEach(child, json)
	{
		struct config_place place = { .parent = at, .key = child->string };
		const struct config_key *key = config_keys_find(path, child->string);
		unsigned char *times = key ? &seen[config_key_index(key)] : NULL;

		if (!key)
			unknown_key(r, &place, path);
		else if (*times == 0)
			read_value(r, &place, key, child, base);
		else if (*times == 1)
			config_problem(r, &place, "got this key more than once, wanted it once");
		if (key && *times < 2)
			(*times)++;
	}
}

void config_read(struct config_reader *r, const cJSON *json, struct config *c)
{
	read_defaults(r, "", c);
	if (!cJSON_IsObject(json)) {
		unwanted(r, NULL, json, "an object");
		return;
	}
	read_object(r, NULL, "", json, c);
	if (!cJSON_GetObjectItemCaseSensitive(json, "services") &&
	    !cJSON_GetObjectItemCaseSensitive(json, "namespaces"))
		config_problem(r, NULL, "got neither services nor namespaces, wanted one of them");
}
