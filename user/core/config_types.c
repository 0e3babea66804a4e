/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_types.h"

#include <ctype.h>
#include <errno.h>

#include "core/cgroup_path.h"
#include "core/config.h"
#include "core/config_names.h"

#define PATTERN_MAX 255

static void *field(const struct config_key *key, void *base)
{
	return (char *)base + key->offset;
}

/* Puts an allocated text into a field that may hold one; consumes it. NULL is -ENOMEM. */
static int put_text(const struct config_key *key, void *base, char *text)
{
	char **at = field(key, base);

	if (!text)
		return -ENOMEM;
	free(*at);
	*at = text;
	return 0;
}

static int parse_path(const char *text, const struct config_key *key, void *base)
{
	if (text[0] != '/' || strlen(text) > key->max)
		return -EINVAL;
	return put_text(key, base, strdup(text));
}

static int parse_name(const char *text, const struct config_key *key, void *base)
{
	char *name;
	int r = config_name_make(text, &name);

	return r < 0 ? r : put_text(key, base, name);
}

static int parse_text(const char *text, const struct config_key *key, void *base)
{
	if (!*text || strlen(text) > key->max)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if (*c < '!' || *c > '~')
			return -EINVAL;
	}
	return put_text(key, base, strdup(text));
}

static int parse_region(const char *text, const struct config_key *key, void *base)
{
	if (strlen(text) > key->max || !config_region_is_good(text, strlen(text)))
		return -EINVAL;
	return put_text(key, base, strdup(text));
}

static int parse_url(const char *text, const struct config_key *key, void *base)
{
	char *url;
	int r = strlen(text) > key->max ? -EINVAL : config_url_make(text, &url);

	return r < 0 ? r : put_text(key, base, url);
}

static int parse_listen(const char *text, const struct config_key *key, void *base)
{
	return addr_port_parse(text, 0, field(key, base));
}

/* A range that could be as large as the loopback's own, away from where instances find AWS. */
static int parse_prefix(const char *text, const struct config_key *key, void *base)
{
	static const char *const reserved[] = { "169.254.169.0/24", "169.254.170.0/24",
						"169.254.172.0/22" };
	struct addr_prefix prefix, other;

	if (addr_prefix_parse(text, &prefix) < 0)
		return -EINVAL;
	if (!addr_is_unicast(&prefix.addr) ||
	    prefix.length < (addr_is_ipv4(&prefix.addr) ? 8u : 32u))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (addr_prefix_parse(reserved[i], &other) < 0 ||
		    addr_prefix_contains(&prefix, &other.addr) ||
		    addr_prefix_contains(&other, &prefix.addr))
			return -EINVAL;
	}
	*(struct addr_prefix *)field(key, base) = prefix;
	return 0;
}

static int parse_address(const char *text, const struct config_key *key, void *base)
{
	struct addr a;

	if (addr_parse(text, &a) < 0 || !addr_is_unicast(&a))
		return -EINVAL;
	*(struct addr *)field(key, base) = a;
	return 0;
}

/* A default: in the text itself it is a number of JSON's. */
static int parse_number(const char *text, const struct config_key *key, void *base)
{
	*(uint16_t *)field(key, base) = (uint16_t)strtoul(text, NULL, 10);
	return 0;
}

static int parse_duration(const char *text, const struct config_key *key, void *base)
{
	uint32_t ms;

	if (config_parse_duration(text, &ms) < 0 || ms < key->min || ms > key->max)
		return -EINVAL;
	*(uint32_t *)field(key, base) = ms;
	return 0;
}

static int parse_word(const char *text, const struct config_key *key, void *base)
{
	for (const struct config_word *w = key->words; w->word; w++) {
		if (streq(w->word, text)) {
			*(int *)field(key, base) = w->value;
			return 0;
		}
	}
	return -EINVAL;
}

/* A default: in the text itself it is a word of JSON's. */
static int parse_flag(const char *text, const struct config_key *key, void *base)
{
	*(bool *)field(key, base) = streq(text, "true");
	return 0;
}

static int parse_alias(const char *text, const struct config_key *key, void *base)
{
	struct config_service *service = base;
	int r;

	if (!service->aliases)
		service->aliases = calloc(key->max, sizeof(*service->aliases));
	if (!service->aliases)
		return -ENOMEM;
	r = config_name_make(text, &service->aliases[service->n_aliases]);
	if (r == 0)
		service->n_aliases++;
	return r;
}

static int parse_server(const char *text, const struct config_key *key, void *base)
{
	struct config *c = base;
	struct addr_port server;

	(void)key;
	if (addr_port_parse(text, 53, &server) < 0 || !addr_is_unicast(&server.addr))
		return -EINVAL;
	c->dns_servers[c->n_dns_servers++] = server;
	return 0;
}

static int parse_endpoint(const char *text, const struct config_key *key, void *base)
{
	struct config_service *service = base;
	struct endpoint e = { .weight = 1, .state = STATE_HEALTHY };

	(void)key;
	if (addr_port_parse(text, 0, &e.at) < 0 || !addr_is_unicast(&e.at.addr))
		return -EINVAL;
	return endpoints_add(&service->fixed.endpoints, &e);
}

static int parse_cgroup(const char *text, const struct config_key *key, void *base)
{
	struct config_cgroups *cgroups = field(key, base);

	if (!cgroup_path_is_good(text))
		return -EINVAL;
	if (!cgroups->paths)
		cgroups->paths = calloc(key->max, sizeof(*cgroups->paths));
	if (!cgroups->paths)
		return -ENOMEM;
	cgroups->paths[cgroups->n] = strdup(text);
	return cgroups->paths[cgroups->n++] ? 0 : -ENOMEM;
}

static int parse_account(const char *text, const struct config_key *key, void *base)
{
	if (strlen(text) != CONFIG_ACCOUNT_LENGTH ||
	    strspn(text, "0123456789") != CONFIG_ACCOUNT_LENGTH)
		return -EINVAL;
	return put_text(key, base, strdup(text));
}

static int parse_pattern(const char *text, const struct config_key *key, void *base)
{
	struct config_patterns *patterns = field(key, base);

	if (!*text || strlen(text) > PATTERN_MAX)
		return -EINVAL;
	if (!patterns->list)
		patterns->list = calloc(key->max, sizeof(*patterns->list));
	if (!patterns->list)
		return -ENOMEM;
	patterns->list[patterns->n] = strdup(text);
	return patterns->list[patterns->n++] ? 0 : -ENOMEM;
}

static const struct config_type_row types[] = {
	[CONFIG_TYPE_OBJECT] = { "an object", cJSON_Object, NULL },
	[CONFIG_TYPE_SWITCH] = { "an object, or false", cJSON_Object, NULL },
	[CONFIG_TYPE_SERVICES] = { "an object", cJSON_Array, NULL },
	[CONFIG_TYPE_PARTS] = { "an object", cJSON_Array, NULL },
	[CONFIG_TYPE_NAMESPACES] = { "an object", cJSON_Array, NULL },
	[CONFIG_TYPE_DEFAULTS] = { "an object with keys of services[] that each service could "
				   "have",
				   cJSON_Object, NULL },
	[CONFIG_TYPE_PATH] = { "an absolute path", cJSON_String, parse_path },
	[CONFIG_TYPE_NAME] = { "a DNS name", cJSON_String, parse_name },
	[CONFIG_TYPE_TEXT] = { "text without blanks", cJSON_String, parse_text },
	[CONFIG_TYPE_REGION] = { "an AWS region such as us-east-1", cJSON_String, parse_region },
	[CONFIG_TYPE_ACCOUNT] = { "the 12 digits of an AWS account", cJSON_String, parse_account },
	[CONFIG_TYPE_URL] = { "https://HOST[:PORT], or http:// to a loopback address or "
			      "localhost, and nothing after it",
			      cJSON_String, parse_url },
	[CONFIG_TYPE_LISTEN] = { "ip:port or [v6]:port", cJSON_String, parse_listen },
	[CONFIG_TYPE_PREFIX] = { "a unicast range without host bits and clear of "
				 "169.254.169.0 to 169.254.175.255, such as "
				 "\"127.254.0.0/16\"",
				 cJSON_String, parse_prefix },
	[CONFIG_TYPE_ADDRESS] = { "a unicast IP address", cJSON_String, parse_address },
	[CONFIG_TYPE_NUMBER] = { "a whole number", cJSON_Number, parse_number },
	[CONFIG_TYPE_COUNT] = { "a whole number", cJSON_Number, NULL },
	[CONFIG_TYPE_DURATION] = { "a duration", cJSON_String, parse_duration },
	[CONFIG_TYPE_WORD] = { "one of", cJSON_String, parse_word },
	[CONFIG_TYPE_WORD_OR_OBJECT] = { "an object, or one of", cJSON_String, parse_word },
	[CONFIG_TYPE_FLAG] = { "true or false", cJSON_True | cJSON_False, parse_flag },
	[CONFIG_TYPE_NAMES] = { "a DNS name", cJSON_Array, parse_alias },
	[CONFIG_TYPE_SERVERS] = { "ip[:port] of a unicast address", cJSON_Array, parse_server },
	[CONFIG_TYPE_ENDPOINTS] = { "ip:port or [v6]:port of a unicast address", cJSON_Array,
				    parse_endpoint },
	[CONFIG_TYPE_CGROUPS] = { "a path below the cgroup that is attached to, without empty "
				  "parts, . and .., wildcards in its last part only",
				  cJSON_Array, parse_cgroup },
	[CONFIG_TYPE_PATTERNS] = { "a name, perhaps with wildcards", cJSON_Array, parse_pattern },
};

const struct config_type_row *config_type(enum config_type type)
{
	return &types[type];
}

static const struct {
	const char *text;
	uint32_t ms;
} units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

int config_parse_duration(const char *text, uint32_t *ret_ms)
{
	uint64_t count = 0;
	const char *unit = text;

	for (; isdigit((unsigned char)*unit); unit++) {
		count = count * 10 + (uint64_t)(*unit - '0');
		if (count > UINT32_MAX)
			return -EINVAL;
	}
	for (size_t i = 0; unit > text && i < ARRAY_SIZE(units); i++) {
		if (!streq(unit, units[i].text))
			continue;
		if (count * units[i].ms > UINT32_MAX)
			return -EINVAL;
		*ret_ms = (uint32_t)(count * units[i].ms);
		return 0;
	}
	return -EINVAL;
}

const char *config_format_duration(uint32_t ms, char text[static CONFIG_DURATION_TEXT_MAX])
{
	size_t i = 0;

	while (ms == 0 ? units[i].ms != 1000 : ms % units[i].ms != 0)
		i++;
	(void)snprintf(text, CONFIG_DURATION_TEXT_MAX, "%u%s", ms / units[i].ms, units[i].text);
	return text;
}

static const char *list_words(const struct config_word *words, char text[static 64])
{
	size_t used = 0;

	for (; words->word && used < 64; words++)
		used += (size_t)snprintf(text + used, 64 - used, "%s\"%s\"", used ? ", " : "",
					 words->word);
	return text;
}

const char *config_key_wanted(const struct config_key *key, char text[static CONFIG_KEY_WANTED_MAX])
{
	const struct config_type_row *type = config_type(key->type);
	char low[CONFIG_DURATION_TEXT_MAX], high[CONFIG_DURATION_TEXT_MAX], words[96];
	size_t size = CONFIG_KEY_WANTED_MAX;

	if (key->type == CONFIG_TYPE_NUMBER || key->type == CONFIG_TYPE_COUNT)
		(void)snprintf(text, size, "%s from %u to %u", type->wanted, key->min, key->max);
	else if (key->type == CONFIG_TYPE_DURATION)
		(void)snprintf(text, size, "%s from %s to %s, such as \"5s\"", type->wanted,
			       config_format_duration(key->min, low),
			       config_format_duration(key->max, high));
	else if (key->words)
		(void)snprintf(text, size, "%s %s", type->wanted, list_words(key->words, words));
	else if (type->json == cJSON_Array)
		(void)snprintf(text, size, "a list of at most %u, each %s", key->max, type->wanted);
	else if (type->json == cJSON_String && key->max > 0)
		(void)snprintf(text, size, "%s, at most %u octets", type->wanted, key->max);
	else
		(void)util_copy(text, size, type->wanted);
	return text;
}
