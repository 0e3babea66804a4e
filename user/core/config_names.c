/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_names.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "base/addr.h"
#include "base/util.h"

#define NAME_MAX_OCTETS 253 /* RFC 1035 section 2.3.4, as text without the final dot */
#define LABEL_MAX_OCTETS 63

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static bool name_is_good(const char *name)
{
	size_t label = 0;

	for (const char *c = name;; c++) {
		if (*c == '.' || *c == '\0') {
			if (label == 0 || label > LABEL_MAX_OCTETS || c[-1] == '-')
				return false;
			if (*c == '\0')
				return c - name <= NAME_MAX_OCTETS;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)*c) && *c != '_' && (*c != '-' || label == 0))
			return false;
		label++;
	}
}

int config_name_make(const char *text, char **ret)
{
	size_t length = strlen(text);
	_cleanup_free_ char *name = NULL;
	struct addr address;

	if (length > NAME_MAX_OCTETS + 1)
		return -EINVAL;
	name = strndup(text, length > 0 && text[length - 1] == '.' ? length - 1 : length);
	if (!name)
		return -ENOMEM;
	if (!name_is_good(name) || addr_parse(name, &address) == 0)
		return -EINVAL;
	lower(name);
	*ret = TAKE_PTR(name);
	return 0;
}

bool config_region_is_good(const char *text, size_t length)
{
	size_t hyphens = 0;

	if (length < 5 || !islower((unsigned char)text[0]) ||
	    !isdigit((unsigned char)text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!islower(c) && !isdigit(c) && c != '-')
			return false;
		hyphens += c == '-';
	}
	return hyphens >= 2;
}

/* The host of host[:port] or [v6]:port is an address or a name, and is it this host? */
static int check_host(const char *authority, bool *ret_loopback)
{
	_cleanup_free_ char *host = NULL;
	_cleanup_free_ char *name = NULL;
	const char *colon = strchr(authority, ':');
	struct addr_port at;
	char with_port[32];
	int r;

	if (addr_port_parse(authority, 443, &at) == 0) {
		*ret_loopback = addr_is_loopback(&at.addr);
		/* a bare IPv6 address is not a URL's */
		return authority[0] == '[' || addr_is_ipv4(&at.addr) ? 0 : -EINVAL;
	}
	(void)snprintf(with_port, sizeof(with_port), "127.0.0.1%s", colon ? colon : "");
	if (addr_port_parse(with_port, 443, &at) < 0)
		return -EINVAL;
	host = strndup(authority, colon ? (size_t)(colon - authority) : strlen(authority));
	if (!host)
		return -ENOMEM;
	r = config_name_make(host, &name);
	if (r == 0)
		*ret_loopback = streq(name, "localhost");
	return r;
}

int config_url_make(const char *text, char **ret)
{
	_cleanup_free_ char *url = strdup(text);
	size_t length = strlen(text);
	bool encrypted, loopback = false;
	int r;

	if (!url)
		return -ENOMEM;
	lower(url);
	if (length > 0 && url[length - 1] == '/')
		url[length - 1] = '\0';
	encrypted = strncmp(url, "https://", 8) == 0;
	if (!encrypted && strncmp(url, "http://", 7) != 0)
		return -EINVAL;
	r = check_host(url + (encrypted ? 8 : 7), &loopback);
	if (r == 0 && !encrypted && !loopback)
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(url);
	return 0;
}

/* As botocore's partitions.json has them; the first that fits. */
static const struct partition {
	const char *prefix;
	const char *domain, *dual_stack;
} partitions[] = {
	{ "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
	{ "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
	{ "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },
	{ "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
	{ "us-iso-", "c2s.ic.gov", "api.aws.ic.gov" },
	{ "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
	{ "", "amazonaws.com", "api.aws" },
};

static const struct partition *partition_of(const char *region)
{
	size_t i = 0;

	while (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) != 0)
		i++;
	return &partitions[i];
}

int config_region_url(const char *service, const char *region, bool fips, bool dual_stack,
		      char **ret)
{
	const struct partition *p = partition_of(region);
	char *url;

	if (asprintf(&url, "https://%s%s.%s.%s", service, fips ? "-fips" : "", region,
		     dual_stack ? p->dual_stack : p->domain) < 0)
		return -ENOMEM;
	*ret = url;
	return 0;
}

/* Is it ".DOMAIN"? */
static bool is_domain(const char *text, size_t length, const char *domain)
{
	return length == strlen(domain) + 1 && strncmp(text + 1, domain, length - 1) == 0;
}

const char *config_url_region(const char *url, size_t *ret_length)
{
	static const char vpce[] = ".vpce";
	const char *host = strstr(url, "servicediscovery");
	const char *region = host ? strchr(host, '.') : NULL;
	const struct partition *p;
	const char *domain;
	size_t length, rest;

	if (!region)
		return NULL;
	length = strcspn(++region, ".:");
	domain = region + length;
	rest = strcspn(domain, ":");
	if (rest == 0 || !config_region_is_good(region, length))
		return NULL;
	p = partition_of(region);
	if (strncmp(domain, vpce, strlen(vpce)) == 0 &&
	    is_domain(domain + strlen(vpce), rest - strlen(vpce), p->domain))
		rest = 0;
	else if (!is_domain(domain, rest, p->domain) && !is_domain(domain, rest, p->dual_stack))
		return NULL;
	*ret_length = length;
	return region;
}
