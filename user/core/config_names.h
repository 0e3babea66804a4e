/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of a configuration that are names on the network: DNS names, AWS regions, URLs of API
 * endpoints. Checked and put into one form.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A DNS name in lower case without a final dot: labels of letters, digits, '-' (within) and '_', at
 * most 253 octets, one label will do; not an IPv4 address. *ret is the caller's. 0, -EINVAL,
 * -ENOMEM.
 */
int config_name_make(const char *text, char **ret);

/* "us-east-1": lower-case words and a number. */
bool config_region_is_good(const char *text, size_t length);

/*
 * scheme://host[:port] in lower case: https, or http to a loopback address or localhost; one final
 * slash is dropped. *ret is the caller's. 0, -EINVAL, -ENOMEM.
 */
int config_url_make(const char *text, char **ret);

/* The region in the host of an endpoint that is AWS's own
 * ([data-]servicediscovery[-fips].REGION...); NULL: it is not. Not terminated: *ret_length octets.
 */
const char *config_url_region(const char *url, size_t *ret_length);

/*
 * AWS's own endpoint of a service ("data-servicediscovery", "sts") in a region, in the domain of
 * its partition. *ret is the caller's. 0 or -ENOMEM.
 */
int config_region_url(const char *service, const char *region, bool fips, bool dual_stack,
		      char **ret);
