/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <strings.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DATE_LENGTH 8 /* of a stamp */
#define STAMP_LENGTH 16
#define HASH_OCTETS 32
#define BLOCK_OCTETS 64
#define HEX_MAX (2 * HASH_OCTETS + 1)

/* A header in two pieces of its text. */
struct header {
	const char *name;
	size_t name_length;
	const char *value;
};

/* One for all of a signature: OpenSSL looks SHA-256 up by its name each time it is begun anew. */
struct hashing {
	EVP_MD_CTX *sha256;
	bool failed; /* by one of the calls so far */
};

static void hashing_done(struct hashing *h)
{
	EVP_MD_CTX_free(h->sha256); /* wipes it */
}

static bool hashing_init(struct hashing *h)
{
	h->sha256 = EVP_MD_CTX_new();
	return h->sha256 && EVP_DigestInit_ex(h->sha256, EVP_sha256(), NULL) == 1;
}

static void to_hex(const unsigned char hash[static HASH_OCTETS], char ret[static HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < HASH_OCTETS; i++) {
		ret[2 * i] = digits[hash[i] >> 4];
		ret[2 * i + 1] = digits[hash[i] & 15];
	}
	ret[2 * HASH_OCTETS] = '\0';
}

static void put(struct hashing *to, const void *text, size_t length)
{
	to->failed |= EVP_DigestUpdate(to->sha256, text, length) != 1;
}

static void put_text(struct hashing *to, const char *text)
{
	put(to, text, strlen(text));
}

/* Of all that was put; the next digest begins. */
static void finish(struct hashing *h, unsigned char ret[static HASH_OCTETS])
{
	h->failed |= EVP_DigestFinal_ex(h->sha256, ret, NULL) != 1 ||
		     EVP_DigestInit_ex(h->sha256, NULL, NULL) != 1;
}

static void finish_hex(struct hashing *h, char ret[static HEX_MAX])
{
	unsigned char hash[HASH_OCTETS] = { 0 };

	finish(h, hash);
	to_hex(hash, ret);
}

static void put_padded(struct hashing *to, const unsigned char key[static BLOCK_OCTETS],
		       unsigned char pad)
{
	unsigned char block[BLOCK_OCTETS];

	for (size_t i = 0; i < BLOCK_OCTETS; i++)
		block[i] = key[i] ^ pad;
	put(to, block, sizeof(block));
	explicit_bzero(block, sizeof(block));
}

/*
 * HMAC (RFC 2104) by the digest at hand: OpenSSL's own looks up two algorithms each time, and there
 * are five to a signature. The key may be what is returned.
 */
static void authenticate(struct hashing *h, const void *key, size_t key_length, const char *text,
			 size_t length, unsigned char ret[static HASH_OCTETS])
{
	unsigned char block[BLOCK_OCTETS] = { 0 };

	if (key_length > BLOCK_OCTETS) {
		put(h, key, key_length);
		finish(h, block);
	} else {
		memcpy(block, key, key_length);
	}
	put_padded(h, block, 0x36);
	put(h, text, length);
	finish(h, ret);
	put_padded(h, block, 0x5c);
	put(h, ret, HASH_OCTETS);
	finish(h, ret);
	explicit_bzero(block, sizeof(block));
}

/* --- the canonical request -------------------------------------------------------------------- */

static int compare_headers(const void *a, const void *b)
{
	const struct header *left = a, *right = b;
	int order = strncasecmp(left->name, right->name,
				MIN(left->name_length, right->name_length));

	if (order != 0)
		return order;
	return (left->name_length > right->name_length) - (left->name_length < right->name_length);
}

/* Sorted; 0 or -EINVAL. */
static int read_headers(const char *const *headers, struct header ret[static SIGV4_HEADERS_MAX],
			size_t *ret_n)
{
	size_t n = 0;

	for (; headers[n]; n++) {
		const char *colon = strstr(headers[n], ": ");

		if (n == SIGV4_HEADERS_MAX || !colon || colon == headers[n])
			return -EINVAL;
		ret[n] = (struct header){ .name = headers[n],
					  .name_length = (size_t)(colon - headers[n]),
					  .value = colon + 2 };
	}
	qsort(ret, n, sizeof(*ret), compare_headers);
	*ret_n = n;
	return 0;
}

/* Without spaces around it, and one where there are several. */
static void put_value(struct hashing *to, const char *value)
{
	const char *end = value + strlen(value);
	const char *c = value, *begin;

	while (end > value && end[-1] == ' ')
		end--;
	while (c < end && *c == ' ')
		c++;
	for (begin = c; c < end; c++) {
		if (*c != ' ' || c[1] != ' ')
			continue;
		put(to, begin, (size_t)(c - begin));
		begin = c + 1;
	}
	put(to, begin, (size_t)(end - begin));
}

/* "host;x-amz-date" */
static char *signed_names(const struct header *headers, size_t n)
{
	size_t length = 0, at = 0;
	char *text;

	for (size_t i = 0; i < n; i++)
		length += headers[i].name_length + 1;
	text = malloc(length + 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			text[at++] = ';';
		for (size_t j = 0; j < headers[i].name_length; j++)
			text[at++] = (char)tolower((unsigned char)headers[i].name[j]);
	}
	text[at] = '\0';
	return text;
}

/* It has the session token, and is nowhere as a whole. */
static void digest_canonical(struct hashing *h, const struct sigv4_request *request,
			     const struct header *headers, size_t n, const char *names,
			     char ret[static HEX_MAX])
{
	const char *name = names;
	char payload[HEX_MAX];

	put_text(h, request->body);
	finish_hex(h, payload);
	put_text(h, request->method);
	put_text(h, "\n/\n\n");
	for (size_t i = 0; i < n; i++) {
		put(h, name, headers[i].name_length);
		name += headers[i].name_length + 1;
		put_text(h, ":");
		put_value(h, headers[i].value);
		put_text(h, "\n");
	}
	put_text(h, "\n");
	put_text(h, names);
	put_text(h, "\n");
	put_text(h, payload);
	finish_hex(h, ret);
}

/* --- the signature ---------------------------------------------------------------------------- */

static void wipe_and_free_p(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

/* The key of a day, a region and a service, and with it the text's signature. */
static bool sign_text(struct hashing *h, const struct sigv4_key *key, const char *stamp,
		      const char *text, char ret[static HEX_MAX])
{
	const char *const parts[] = { key->region, key->service, "aws4_request", text };
	_cleanup_(wipe_and_free_p) char *secret = NULL;
	unsigned char hash[HASH_OCTETS] = { 0 };

	if (asprintf(&secret, "AWS4%s", key->secret_access_key) < 0) {
		secret = NULL;
		return false;
	}
	authenticate(h, secret, strlen(secret), stamp, DATE_LENGTH, hash);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		authenticate(h, hash, sizeof(hash), parts[i], strlen(parts[i]), hash);
	to_hex(hash, ret);
	explicit_bzero(hash, sizeof(hash));
	return !h->failed;
}

static bool stamp_is_good(const char *stamp)
{
	static const char form[] = "ddddddddTddddddZ";

	for (size_t i = 0; i < STAMP_LENGTH; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)stamp[i]) : stamp[i] != form[i])
			return false;
	return stamp[STAMP_LENGTH] == '\0';
}

static char *authorization(struct hashing *h, const struct sigv4_key *key, const char *stamp,
			   const char *hash, const char *names)
{
	_cleanup_free_ char *scope = NULL;
	_cleanup_free_ char *text = NULL;
	char *header, signature[HEX_MAX];

	if (asprintf(&scope, "%.*s/%s/%s/aws4_request", DATE_LENGTH, stamp, key->region,
		     key->service) < 0) {
		scope = NULL;
		return NULL;
	}
	if (asprintf(&text, ALGORITHM "\n%s\n%s\n%s", stamp, scope, hash) < 0) {
		text = NULL;
		return NULL;
	}
	if (!sign_text(h, key, stamp, text, signature))
		return NULL;
	if (asprintf(&header,
		     "Authorization: " ALGORITHM " Credential=%s/%s, SignedHeaders=%s, "
		     "Signature=%s",
		     key->access_key_id, scope, names, signature) < 0)
		return NULL;
	return header;
}

int sigv4_sign(const struct sigv4_key *key, const struct sigv4_request *request, char **ret)
{
	_cleanup_(hashing_done) struct hashing h = { 0 };
	_cleanup_free_ char *names = NULL;
	struct header headers[SIGV4_HEADERS_MAX];
	char *header, hash[HEX_MAX];
	size_t n;
	int r;

	if (!stamp_is_good(request->stamp))
		return -EINVAL;
	r = read_headers(request->headers, headers, &n);
	if (r < 0)
		return r;
	names = signed_names(headers, n);
	if (!names || !hashing_init(&h))
		return -ENOMEM;
	digest_canonical(&h, request, headers, n, names, hash);
	header = authorization(&h, key, request->stamp, hash, names);
	if (!header)
		return -ENOMEM;
	*ret = header;
	return 0;
}
