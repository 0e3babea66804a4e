/* SPDX-License-Identifier: Apache-2.0 */
#include "wanted.h"

#include "base/util.h"

struct addr_port wanted_address(const char *text)
{
	struct addr_port made = { .port = 0 };

	if (addr_parse(text, &made.addr) == 0)
		return made;
	if (addr_port_parse(text, 0, &made) < 0) {
		(void)fprintf(stderr, "wanted: '%s' is not an address\n", text);
		abort();
	}
	return made;
}

static void backend_add(struct table_service *service, size_t *capacity, char *text)
{
	struct table_backend added = { .endpoint = { .weight = 1, .state = STATE_HEALTHY } };
	char *star = strchr(text, '*');

	if (star) {
		*star = '\0';
		added.endpoint.weight = (uint16_t)strtoul(star + 1, NULL, 10);
	}
	added.share = added.endpoint.weight;
	added.endpoint.at = wanted_address(text);
	if (util_grow(&service->backends, capacity, service->n_backends + 1, sizeof(added)) < 0)
		abort();
	service->backends[service->n_backends++] = added;
}

void wanted_add(struct table *t, const struct wanted_service *wanted)
{
	_cleanup_free_ char *copy = strdup(wanted->backends ? wanted->backends : "");
	struct table_service *service = table_add(t);
	char *rest = copy, *word;
	size_t capacity = 0;

	if (!service || !copy || !util_copy(service->name, sizeof(service->name), wanted->name))
		abort();
	service->vip = wanted_address(wanted->vip);
	service->protocol = wanted->protocol;
	while ((word = strsep(&rest, " "))) {
		if (streq(word, "pass"))
			service->on_empty = ON_EMPTY_PASS;
		else if (streq(word, "random"))
			service->balance = BALANCE_RANDOM;
		else if (streq(word, "task"))
			service->balance = BALANCE_MAGLEV_TASK;
		else if (streq(word, "socket"))
			service->balance = BALANCE_MAGLEV_SOCKET;
		else if (streq(word, "least"))
			service->balance = BALANCE_LEAST_CONNECTIONS;
		else if (*word)
			backend_add(service, &capacity, word);
	}
}

struct table wanted_table(const struct wanted_service *services, size_t n)
{
	struct table t = { 0 };

	for (size_t i = 0; i < n; i++)
		wanted_add(&t, &services[i]);
	table_sort(&t);
	return t;
}
