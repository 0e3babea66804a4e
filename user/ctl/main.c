/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl: options, the table of verbs,
 * and the configuration that tells where pins and socket are. */
#include <errno.h>
#include <getopt.h>

#include "ctl/ctl.h"
#include "ctl/locate.h"
#include "ctl/suggest.h"

static const struct command {
	const char *name;
	const char *argument;	   /* NULL: takes none */
	bool required;		   /* the argument */
	enum locate_faults faults; /* what those of the configuration mean to it */
	int (*run)(const struct ctl *ctl);
	const char *summary;
	const char *help;
} commands[] = {
	{ "show", "[services|backends|counters]", false, LOCATE_FAULTS_TELL, show_run,
	  "what is in the pinned maps",
	  "Reads the pinned maps; shuntd is not asked and may be dead." },
	{ "status", NULL, false, LOCATE_FAULTS_TELL, status_run,
	  "what the agent says of itself and its sources",
	  "Asks shuntd: namespaces and sources, their ages and errors, what it keeps and why;\n"
	  "calls to Cloud Map, credentials, the cgroup and other people's programs." },
	{ "explain", "TARGET[:PORT]", true, LOCATE_FAULTS_TELL, explain_run,
	  "what connect() to a name or address gets right now, and why",
	  "TARGET is a service, one of its aliases, or an address. Tells the service, the share\n"
	  "of each backend and its parts of a split, and whose tasks are left alone. Reads the\n"
	  "pinned maps; shuntd is not asked and may be dead. Exits 66 when no service has that\n"
	  "name." },
	{ "reload", NULL, false, LOCATE_FAULTS_HUSH, reload_run, "read the configuration anew",
	  "shuntd reads its configuration, as on SIGHUP. One that has faults changes nothing;\n"
	  "they are told, and the exit code is 78." },
	{ "refresh", "[NAME]", false, LOCATE_FAULTS_TELL, refresh_run, "ask the sources now",
	  "shuntd asks the source of the service NAME out of turn, or all of them, and lists the\n"
	  "namespaces." },
	{ "drain", "ADDR:PORT", true, LOCATE_FAULTS_TELL, drain_run,
	  "give a backend no new connections",
	  "In every service of this host that has the backend ADDR:PORT, [IPV6]:PORT for IPv6, it\n"
	  "gets no new connections; those that exist live on. It holds until undrain, whatever is\n"
	  "restarted, and for a backend that is of no service yet. The last one of a service is\n"
	  "drained, too, with a warning." },
	{ "undrain", "ADDR:PORT", true, LOCATE_FAULTS_TELL, undrain_run,
	  "give it new connections again", "Takes back what drain did." },
	{ "detach", NULL, false, LOCATE_FAULTS_REFUSE, detach_run,
	  "remove all that is pinned and attached",
	  "Removes every program, link and map of ours and their directory. connect() is as\n"
	  "if shunt had never been; connections that exist go on." },
};

static void print_options(void)
{
	(void)puts("\nOptions:\n"
		   "  -c, --config FILE  configuration; else the text in $SHUNT_CONFIG, else\n"
		   "                     /etc/shunt/shunt.json, else the defaults\n"
		   "  -j, --json         JSON on stdout instead of text\n"
		   "  -h, --help         this help; after a verb, that verb's\n"
		   "  -V, --version      the version");
}

static int print_help(const struct command *command)
{
	if (command) {
		(void)printf("Usage: shuntctl [OPTIONS] %s%s%s\n\n%s\n", command->name,
			     command->argument ? " " : "",
			     command->argument ? command->argument : "", command->help);
		print_options();
		return EX_OK;
	}
	(void)puts("Usage: shuntctl [OPTIONS] VERB\n\nVerbs:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char usage[64];

		(void)snprintf(usage, sizeof(usage), "%s%s%s", commands[i].name,
			       commands[i].argument ? " " : "",
			       commands[i].argument ? commands[i].argument : "");
		(void)printf("  %-35s %s\n", usage, commands[i].summary);
	}
	print_options();
	return EX_OK;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (streq(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static int fail_unknown(const char *name)
{
	struct suggestion near = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		suggest_consider(&near, name, commands[i].name);
	if (near.word)
		return ctl_fail(EX_USAGE, "there is no verb '%s'; did you mean '%s'?", name,
				near.word);
	return ctl_fail(EX_USAGE, "there is no verb '%s'; --help lists them", name);
}

static int run(const struct command *command, const char *config_path, enum writer_form form,
	       const char *argument)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	struct ctl ctl = { .form = form, .argument = argument };
	int code = locate_config(config_path, command->faults, &config);

	if (code != EX_OK)
		return code;
	ctl.config = config;
	return command->run(&ctl);
}

static int run_verb(char **words, const char *config_path, enum writer_form form, bool help)
{
	const struct command *command = words[0] ? find_command(words[0]) : NULL;

	if (!words[0])
		return help ? print_help(NULL)
			    : ctl_fail(EX_USAGE, "a verb is missing; --help lists them");
	if (!command)
		return fail_unknown(words[0]);
	if (help)
		return print_help(command);
	if (command->required && !words[1])
		return ctl_fail(EX_USAGE, "%s: got no argument, wanted %s", command->name,
				command->argument);
	if (words[1] && !command->argument)
		return ctl_fail(EX_USAGE, "%s: got '%s', wanted no argument", command->name,
				words[1]);
	if (words[1] && words[2])
		return ctl_fail(EX_USAGE, "%s: got '%s' after '%s', wanted one argument: %s",
				command->name, words[2], words[1], command->argument);
	return run(command, config_path, form, words[1]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	enum writer_form form = WRITER_TEXT;
	const char *config_path = NULL;
	bool help = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:jhV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config_path = optarg;
			break;
		case 'j':
			form = WRITER_JSON;
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			(void)puts("shuntctl " SHUNT_VERSION);
			return EX_OK;
		default:
			(void)fputs("Try `shuntctl --help`.\n",
				    stderr); /* getopt_long has said why */
			return EX_USAGE;
		}
	}
	return run_verb(argv + optind, config_path, form, help);
}
