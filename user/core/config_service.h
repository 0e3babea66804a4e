/* SPDX-License-Identifier: Apache-2.0 */
/* One service as it is configured. Values and texts; the struct config that it is in owns them. */
#pragma once

#include "base/addr.h"
#include "core/endpoints.h"
#include "core/probe.h"
#include "shunt/layout.h"

enum config_source {
	CONFIG_SOURCE_CLOUDMAP,
	CONFIG_SOURCE_DNS,
	CONFIG_SOURCE_STATIC,
	CONFIG_SOURCE_SPLIT, /* never that of a part */
};

enum config_dns_type {
	CONFIG_DNS_A = 1, /* the numbers of RFC 1035, 3596, 2782 */
	CONFIG_DNS_AAAA = 28,
	CONFIG_DNS_SRV = 33,
};

/* What becomes of connections to a backend that is gone. */
enum config_reset {
	CONFIG_RESET_KEEP,
	CONFIG_RESET,
};

struct config_resets {
	enum config_reset then;
	uint32_t after_ms;
};

enum config_watch {
	CONFIG_WATCH_DEMAND,
	CONFIG_WATCH_ALWAYS,
};

/* Cgroups whose tasks are left alone, as core/cgroup_path reads them. */
#define CONFIG_CGROUPS_MAX 64

struct config_cgroups {
	char **paths;
	size_t n;
};

struct config_cloudmap {
	char *namespace;
	char *service;
	char *owner_account; /* of a namespace that is shared with ours, or NULL */
	uint32_t poll_ms;
	bool dns_fallback; /* DNS stands in when the API fails for so long: */
	uint32_t dns_fallback_after_ms;
};

#define CONFIG_PARTS_MAX 8
#define CONFIG_PART_WEIGHT_MAX 1000

/* One of several services of Cloud Map that share the connections. */
struct config_part {
	struct config_cloudmap cloudmap;
	uint16_t weight;
};

struct config_service {
	char *name;
	char **aliases;
	size_t n_aliases;
	bool has_vip;
	struct addr vip;
	uint16_t port; /* 0: any port */
	enum shunt_protocol protocol;
	enum shunt_on_empty on_empty;
	enum shunt_balance balance, affinity; /* of the two, balance tells which Maglev it is */
	enum config_watch watch;
	uint32_t shrink_confirm_ms;
	uint32_t slow_start_ms; /* 0: none */
	bool has_probe;
	struct probe_rules probe;
	struct config_resets on_removal, on_unhealthy;
	uint32_t connect_timeout_ms; /* 0: none */
	bool connect_timing;
	enum config_source source;
	struct config_cloudmap cloudmap;
	struct {
		char *prefer; /* or NULL */
		uint16_t min;
	} zone;
	bool has_ejection;
	struct {
		uint16_t failures, max_percent, panic_percent;
		uint32_t within_ms, base_ms, max_ms;
	} ejection;
	struct {
		uint32_t connections, per_backend, pending; /* 0: none */
	} limits;
	struct {
		char *attribute; /* of Cloud Map's instances, or NULL */
	} weights;
	struct config_cgroups exclude;
	struct {
		char *name;
		enum config_dns_type type;
		uint16_t port; /* of A and AAAA; 0: the port that the client asked for */
		bool either;   /* of the two, where there is none; not configured: of instances */
	} dns;
	struct {
		struct endpoints endpoints; /* normalised */
		char *file;		    /* or NULL */
	} fixed;			    /* the key is "static" */
	struct config_part *split;
	size_t n_split;
};

/* Frees what it points to. */
void config_service_done(struct config_service *s);
