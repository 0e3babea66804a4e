/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the configuration, a row each: what reads it, what the manual page says of it and
 * what its faults are called all come from here. Constant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
	CONFIG_TYPE_NOT_BUILT, /* of the contract, but of a later version */
	CONFIG_TYPE_OBJECT,
	CONFIG_TYPE_SWITCH, /* an object, or false for none */
	CONFIG_TYPE_SERVICES,
	CONFIG_TYPE_PARTS,
	CONFIG_TYPE_NAMESPACES,
	CONFIG_TYPE_DEFAULTS, /* an object with the keys of services[] that several can share */
	CONFIG_TYPE_PATH,
	CONFIG_TYPE_NAME,
	CONFIG_TYPE_TEXT,
	CONFIG_TYPE_REGION,
	CONFIG_TYPE_ACCOUNT,
	CONFIG_TYPE_URL,
	CONFIG_TYPE_LISTEN,
	CONFIG_TYPE_PREFIX,
	CONFIG_TYPE_ADDRESS,
	CONFIG_TYPE_NUMBER, /* into 16 bits */
	CONFIG_TYPE_COUNT,  /* into 32 */
	CONFIG_TYPE_DURATION,
	CONFIG_TYPE_WORD,
	CONFIG_TYPE_WORD_OR_OBJECT, /* the keys below it are the object's */
	CONFIG_TYPE_FLAG,
	CONFIG_TYPE_NAMES,
	CONFIG_TYPE_SERVERS,
	CONFIG_TYPE_ENDPOINTS,
	CONFIG_TYPE_CGROUPS,
	CONFIG_TYPE_PATTERNS,
};

struct config_word {
	const char *word; /* NULL ends a list */
	int value;
};

struct config_key {
	const char *path; /* "services[].cloudmap.poll" */
	enum config_type type;
	bool required;	      /* wherever its object is */
	bool own;	      /* each service has its own: not among defaults */
	uint32_t min, max;    /* ports; milliseconds of durations; octets of text; items of lists */
	const char *fallback; /* the default as it would be written, or NULL */
	const char *help;     /* half a sentence */
	const struct config_word *words;
	size_t offset; /* of its field: in struct config_part below services[].split[], in struct
			  config_service below services[], in struct config_namespace below
			  namespaces[], else in struct config */
};

#define CONFIG_KEYS_MAX 128 /* rows */
#define CONFIG_KEY_WANTED_MAX 160

/* All of them, in the order of the manual page. */
const struct config_key *config_keys(size_t *ret_n);

/* Its place in that order. */
size_t config_key_index(const struct config_key *key);

/* The key `name` of the object with the path `object` ("": the outermost); NULL: none. */
const struct config_key *config_keys_find(const char *object, const char *name);
/* The key of that object that `name` was probably meant to be; NULL: nothing is near. */
const struct config_key *config_keys_nearest(const char *object, const char *name);

/* Whether the key is one of that object itself (not of one within). */
bool config_key_is_of(const struct config_key *key, const char *object);
/* Whether it belongs to `element` of a list ("": to the whole), and not to that of a list within.
 */
bool config_key_is_in(const struct config_key *key, const char *element);
/* The last part of its path. */
const char *config_key_name(const struct config_key *key);

/* What a key takes, in words: "a duration from 100ms to 1h, such as \"5s\"". Returns `text`. */
const char *config_key_wanted(const struct config_key *key,
			      char text[static CONFIG_KEY_WANTED_MAX]);

/* The word for a value, of the list that parsing uses; "?" for a value that is none of them. */
const char *config_word_of(const struct config_word *words, int value);
extern const struct config_word config_words_protocol[];
extern const struct config_word config_words_dns_type[];
extern const struct config_word config_words_source[];
extern const struct config_word config_words_balance[];
extern const struct config_word config_words_affinity[];
