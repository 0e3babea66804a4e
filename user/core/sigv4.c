/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <strings.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DATE_LENGTH 8 /* of a stamp */
#define STAMP_LENGTH 16
#define HASH_OCTETS 32
#define HEX_MAX (2 * HASH_OCTETS + 1)

/* A header in two pieces of its text. */
struct header {
	const char *name;
	size_t name_length;
	const char *value;
};

static void wipe_and_free_p(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static void to_hex(const unsigned char hash[static HASH_OCTETS], char ret[static HEX_MAX])
{
	for (size_t i = 0; i < HASH_OCTETS; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

static bool digest(const char *text, char ret[static HEX_MAX])
{
	unsigned char hash[HASH_OCTETS];

	if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
		return false;
	to_hex(hash, ret);
	return true;
}

static bool authenticate(const void *key, size_t key_length, const char *text, size_t length,
			 unsigned char ret[static HASH_OCTETS])
{
	return HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, length, ret,
		    NULL) != NULL;
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

static void put_name(FILE *to, const struct header *h)
{
	for (size_t i = 0; i < h->name_length; i++)
		(void)fputc(tolower((unsigned char)h->name[i]), to);
}

/* Without spaces around it, and one where there are several. */
static void put_value(FILE *to, const char *value)
{
	const char *end = value + strlen(value);
	const char *c = value;

	while (end > value && end[-1] == ' ')
		end--;
	while (c < end && *c == ' ')
		c++;
	for (; c < end; c++)
		if (*c != ' ' || c[1] != ' ')
			(void)fputc(*c, to);
}

static void put_names(FILE *to, const struct header *headers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)fputc(';', to);
		put_name(to, &headers[i]);
	}
}

static char *signed_names(const struct header *headers, size_t n)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	put_names(to, headers, n);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

static char *canonical(const struct sigv4_request *request, const struct header *headers, size_t n)
{
	char *text = NULL, payload[HEX_MAX];
	size_t length;
	FILE *to;

	if (!digest(request->body, payload))
		return NULL;
	to = open_memstream(&text, &length);
	if (!to)
		return NULL;
	(void)fprintf(to, "%s\n/\n\n", request->method);
	for (size_t i = 0; i < n; i++) {
		put_name(to, &headers[i]);
		(void)fputc(':', to);
		put_value(to, headers[i].value);
		(void)fputc('\n', to);
	}
	(void)fputc('\n', to);
	put_names(to, headers, n);
	(void)fprintf(to, "\n%s", payload);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- the signature ---------------------------------------------------------------------------- */

/* The key of a day, a region and a service, and with it the text's signature. */
static bool sign_text(const struct sigv4_key *key, const char *stamp, const char *text,
		      char ret[static HEX_MAX])
{
	const char *const parts[] = { key->region, key->service, "aws4_request", text };
	_cleanup_(wipe_and_free_p) char *secret = NULL;
	unsigned char hash[HASH_OCTETS];
	bool good;

	if (asprintf(&secret, "AWS4%s", key->secret_access_key) < 0) {
		secret = NULL;
		return false;
	}
	good = authenticate(secret, strlen(secret), stamp, DATE_LENGTH, hash);
	for (size_t i = 0; i < ARRAY_SIZE(parts) && good; i++)
		good = authenticate(hash, sizeof(hash), parts[i], strlen(parts[i]), hash);
	if (good)
		to_hex(hash, ret);
	explicit_bzero(hash, sizeof(hash));
	return good;
}

static bool stamp_is_good(const char *stamp)
{
	static const char form[] = "ddddddddTddddddZ";

	for (size_t i = 0; i < STAMP_LENGTH; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)stamp[i]) : stamp[i] != form[i])
			return false;
	return stamp[STAMP_LENGTH] == '\0';
}

static char *authorization(const struct sigv4_key *key, const struct sigv4_request *request,
			   const char *canonical_text, const char *names)
{
	_cleanup_free_ char *scope = NULL;
	_cleanup_free_ char *text = NULL;
	char *header, hash[HEX_MAX], signature[HEX_MAX];

	if (!digest(canonical_text, hash))
		return NULL;
	if (asprintf(&scope, "%.*s/%s/%s/aws4_request", DATE_LENGTH, request->stamp, key->region,
		     key->service) < 0) {
		scope = NULL;
		return NULL;
	}
	if (asprintf(&text, ALGORITHM "\n%s\n%s\n%s", request->stamp, scope, hash) < 0) {
		text = NULL;
		return NULL;
	}
	if (!sign_text(key, request->stamp, text, signature))
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
	_cleanup_(wipe_and_free_p) char *canonical_text = NULL; /* has the session token */
	_cleanup_free_ char *names = NULL;
	struct header headers[SIGV4_HEADERS_MAX];
	char *header;
	size_t n;
	int r;

	if (!stamp_is_good(request->stamp))
		return -EINVAL;
	r = read_headers(request->headers, headers, &n);
	if (r < 0)
		return r;
	names = signed_names(headers, n);
	canonical_text = canonical(request, headers, n);
	if (!names || !canonical_text)
		return -ENOMEM;
	header = authorization(key, request, canonical_text, names);
	if (!header)
		return -ENOMEM;
	*ret = header;
	return 0;
}
