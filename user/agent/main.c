/* SPDX-License-Identifier: Apache-2.0 */
/* shuntd: reads its options and its configuration,
 * runs the agent, and turns errors into exit codes. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <sysexits.h>

#include "agent/agent.h"
#include "helper/helper.h"
#include "io/config_file.h"

#define LARGE_BLOCK (128 * 1024) /* of memory; such are given back when they are freed */

static const char usage[] =
	"Usage: shuntd [--config FILE] [--check]\n"
	"\n"
	"Keeps the kernel's maps of services and backends true, and serves metrics.\n"
	"Runs in the foreground and logs to stderr.\n"
	"\n"
	"  -c, --config FILE  the configuration (else the JSON text in $SHUNT_CONFIG,\n"
	"                     else " CONFIG_FILE_DEFAULT ")\n"
	"      --check        check the configuration, say every problem, and exit\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"\n"
	"SIGHUP reloads the configuration. SIGTERM ends the agent and leaves what is in\n"
	"force in force; `shuntctl detach` removes it.\n"
	"\n"
	"Exit codes: 0 ended as told, 64 usage, 66 no configuration file, 69 another\n"
	"agent or program is in the way, 71 the system, 77 permission, 78 configuration.\n"
	"Manuals: shuntd(8), shunt.json(5), shuntctl(8).\n";

struct arguments {
	const char *config_path;
	bool check;
};

/* -1: go on; else the exit code. */
static int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			ret->config_path = optarg;
			break;
		case 'C':
			ret->check = true;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return 0;
		case 'V':
			(void)puts("shuntd " SHUNT_VERSION);
			return 0;
		default:
			(void)fputs("Try `shuntd --help`.\n", stderr);
			return EX_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	(void)fprintf(stderr, "shuntd: unexpected argument '%s'\nTry `shuntd --help`.\n",
		      argv[optind]);
	return EX_USAGE;
}

static int exit_code(int error)
{
	switch (error) {
	case 0:
		return 0;
	case -EBUSY:
	case -EEXIST:
	case -EPROTO:
	case -EADDRINUSE:
	case -EADDRNOTAVAIL:
		return EX_UNAVAILABLE;
	case -EPERM:
	case -EACCES:
		return EX_NOPERM;
	case -ENOTDIR:
		return EX_CONFIG;
	default:
		return EX_OSERR;
	}
}

static int load(const struct arguments *arguments, char **ret_origin, struct config **ret)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	int r = config_file_load(arguments->config_path, ret_origin, ret, &problems);

	diag_print(&problems, "shuntd: ", stderr);
	if (r == -EINVAL)
		return EX_CONFIG;
	if (r == -ENOENT)
		return EX_NOINPUT;
	return exit_code(r);
}

static int check(const char *origin, const struct config *config)
{
	(void)printf("%s: valid, %zu service%s", origin, config->n_services,
		     config->n_services == 1 ? "" : "s");
	if (config->n_namespaces > 0)
		(void)printf(" and %zu namespace%s", config->n_namespaces,
			     config->n_namespaces == 1 ? "" : "s");
	(void)putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_(helper_free_p) struct helper *helper = NULL;
	_cleanup_free_ char *origin = NULL;
	struct agent_options options;
	int r = arguments_parse(argc, argv, &arguments);

	if (r >= 0)
		return r;
	/* the allocator would learn from the first large block that is freed to keep the others */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	r = load(&arguments, &origin, &config);
	if (r != 0)
		return r;
	if (arguments.check)
		return check(origin, config);
	r = helper_start(&helper);
	if (r < 0) {
		(void)fprintf(stderr, "shuntd: cannot start its helper: %s\n", strerror(-r));
		return exit_code(r);
	}
	options = (struct agent_options){
		.config_path = arguments.config_path,
		.config = TAKE_PTR(config),
		.origin = origin,
		.helper = helper,
	};
	r = agent_run(&options, &problems);
	diag_print(&problems, "shuntd: ", stderr);
	return exit_code(r);
}
