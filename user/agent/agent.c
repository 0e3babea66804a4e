/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's life:
 *
 *	listen on its sockets; open the dataplane (lock, load, attach or take over); read what is in
 *force; start the sources; run the loop until told to end; stop the sources, close all, and leave
 *the pins as they are.
 */
#include "agent/internal.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "agent/exclude.h"
#include "agent/foreign.h"
#include "agent/keeper.h"
#include "agent/resets.h"
#include "helper/helper.h"
#include "io/notify.h"
#include "sources/turns.h"

#define CHECK_MS 1000

static const char *read_environment(const char *name)
{
	return getenv(name);
}

int agent_open_env(struct agent *agent)
{
	struct source_env *env = &agent->env;
	int r;

	env->loop = &agent->loop;
	env->requests = &agent->requests;
	r = turns_new(&agent->loop, agent->config->calls_per_second, &env->turns);
	if (r == 0)
		r = http_new(&agent->loop, &env->http);
	if (r == 0)
		r = credentials_new(&agent->loop, env->http, read_environment, &agent->requests,
				    &env->credentials);
	if (r == 0)
		r = region_tell(agent);
	if (r == 0)
		r = region_look(agent);
	if (r == 0)
		r = resolver_new(&agent->loop, agent->config->dns_servers,
				 agent->config->n_dns_servers, RESOLVER_FILE, &env->resolver);
	return r;
}

void agent_close_env(struct agent *agent)
{
	region_close(agent);
	resolver_free(TAKE_PTR(agent->env.resolver));
	credentials_free(TAKE_PTR(agent->env.credentials));
	http_free(TAKE_PTR(agent->env.http));
	turns_free(TAKE_PTR(agent->env.turns));
}

/* --- the loop's own events -------------------------------------------------------------------- */

void agent_announce(struct agent *agent)
{
	size_t backends = 0;

	if (agent->announced || !agent_is_ready(agent))
		return;
	agent->announced = true;
	(void)notify_send("READY=1");
	for (size_t i = 0; i < agent->n_watches; i++)
		backends += watch_in_force(agent->watches[i])->n;
	log_info("Ready", "services=%zu backends=%zu", agent->n_watches, backends);
}

static void on_check(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	bool was_attached = agent->detached.total == 0;

	diag_done(&agent->detached);
	if (dataplane_check(agent->dataplane, &agent->detached) < 0 && was_attached)
		log_error("The programs are no longer attached, tasks connect without shunt",
			  "reason='%s'", agent->detached.n > 0 ? agent->detached.lines[0] : "?");
	events_check(agent);
	usage_look(agent);
	agent_announce(agent);
}

static void agent_stop(struct agent *agent);

static void on_terminate(uv_signal_t *signal, int number)
{
	log_info("Ending, what is in force stays in force", "signal=%d", number);
	agent_stop(signal->data);
}

static void on_hangup(uv_signal_t *signal, int number)
{
	(void)number;
	(void)agent_reload(signal->data);
}

static void start_signal(struct agent *agent, uv_signal_t *signal, uv_signal_cb callback,
			 int number)
{
	(void)uv_signal_init(&agent->loop, signal);
	signal->data = agent;
	(void)uv_signal_start(signal, callback, number);
}

static void open_events(struct agent *agent)
{
	(void)signal(SIGPIPE, SIG_IGN);
	start_signal(agent, &agent->terminate, on_terminate, SIGTERM);
	start_signal(agent, &agent->interrupt, on_terminate, SIGINT);
	start_signal(agent, &agent->hangup, on_hangup, SIGHUP);
	(void)uv_timer_init(&agent->loop, &agent->check_timer);
	agent->check_timer.data = agent;
	(void)uv_timer_start(&agent->check_timer, on_check, CHECK_MS, CHECK_MS);
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* The sockets first: a start that must fail should fail before it attaches anything. */
static int open_sockets(struct agent *agent, struct diag *problems)
{
	_cleanup_(diag_done) struct diag words = { 0 };
	int r = serve_open(agent, &words);
	int pid;

	if (r == 0)
		return 0;
	pid = r == -EADDRINUSE ? dataplane_running_agent(agent->config->bpffs) : 0;
	if (pid > 0) {
		diag_add(problems, agent->config->bpffs, "another shuntd is running here: pid %d",
			 pid);
		return -EBUSY;
	}
	for (size_t i = 0; i < words.n; i++)
		diag_add(problems, agent->origin, "%s", words.lines[i]);
	return r;
}

static int open_dataplane(struct agent *agent, struct diag *problems)
{
	const struct dataplane_options options = {
		.bpffs = agent->config->bpffs,
		.cgroup = agent->config->cgroup,
	};
	const struct diag *missing;
	uint64_t cgroup_id;
	int r = dataplane_open(&options, &agent->dataplane, problems);

	if (r < 0)
		return r;
	log_info("Attached", "version=%s cgroup=%s bpffs=%s", SHUNT_VERSION,
		 dataplane_cgroup(agent->dataplane, &cgroup_id), agent->config->bpffs);
	foreign_log(agent); /* before privileges are given up: their names take CAP_SYS_ADMIN */
	missing = dataplane_missing(agent->dataplane);
	for (size_t i = 0; i < missing->n; i++)
		log_warn("This kernel lacks something", "what='%s'", missing->lines[i]);
	r = reconcile_recover(agent);
	return r < 0 ? r : resets_open(agent);
}

static void log_seeds(const struct agent *agent, const struct seeds *seeds)
{
	size_t services = 0, backends = 0;

	for (size_t i = 0; i < agent->n_watches; i++) {
		const struct watch *w = agent->watches[i];

		for (size_t j = 0; j < w->parts.n; j++) {
			if (w->parts.list[j]->model.from != MODEL_FROM_FILE)
				continue;
			services++;
			backends += w->parts.list[j]->model.in_force.n;
		}
	}
	if (seeds->left->n > 0)
		log_info("Taking over what is in force", "services=%zu", seeds->left->n);
	if (services > 0)
		log_info("Going on with the last known good of state_dir",
			 "services=%zu backends=%zu age_s=%lld", services, backends,
			 (long long)(time(NULL) - seeds->known->written_s));
}

static int open_watches(struct agent *agent)
{
	_cleanup_(table_done) struct table left = { 0 };
	_cleanup_(known_done) struct known known = { 0 };
	const struct seeds seeds = { &left, &known };
	int r = dataplane_read(agent->dataplane, &left);

	drain_book_load(agent);
	keeper_load(agent, &known);
	if (r == 0)
		r = watches_build(agent, &seeds);
	if (r == 0)
		r = addresses_assign(agent);
	if (r == 0)
		r = exclude_configure(agent);
	if (r < 0)
		return r;
	log_seeds(agent, &seeds);
	resets_configure(agent);
	ejections_look(agent); /* or the first plan took those that are ejected for healthy */
	for (size_t i = 0; i < agent->n_watches; i++)
		watch_start(agent->watches[i]);
	imports_start(agent, false);
	reconcile_all(agent);
	return 0;
}

static int agent_open(struct agent *agent, struct diag *problems)
{
	int r = agent_open_env(agent);

	if (r == 0)
		r = open_sockets(agent, problems);
	if (r == 0)
		r = open_dataplane(agent, problems);
	/* from here on bytes from the network are read */
	if (r == 0)
		r = helper_confine();
	if (r == 0)
		r = open_watches(agent);
	if (r < 0 && problems->total == 0)
		diag_add(problems, "start", "%s", strerror(-r));
	return r;
}

static void close_watches(struct agent *agent)
{
	for (size_t i = 0; i < agent->n_watches; i++)
		watch_free(agent->watches[i]);
	free(TAKE_PTR(agent->watches));
	agent->n_watches = 0;
	roster_done(&agent->roster);
	imports_close(agent);
}

static void agent_stop(struct agent *agent)
{
	if (agent->stopping)
		return;
	agent->stopping = true;
	if (agent->announced)
		(void)notify_send("STOPPING=1");
	keeper_close(agent); /* while there are watches */
	close_watches(agent);
	serve_close(agent);
	agent_close_env(agent);
	uv_close((uv_handle_t *)&agent->terminate, NULL);
	uv_close((uv_handle_t *)&agent->interrupt, NULL);
	uv_close((uv_handle_t *)&agent->hangup, NULL);
	uv_close((uv_handle_t *)&agent->check_timer, NULL);
	exclude_close(agent);
	ejections_close(agent);
	reconcile_close(agent);
	resets_close(agent);
}

/* Takes NULL; what runs on the loop has been closed. */
static void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	planner_free(agent->planner);
	demand_done(&agent->usage.demand);
	agenda_done(&agent->agenda);
	resets_free(agent->resets);
	keeper_free(agent->keeper);
	dataplane_close(agent->dataplane);
	diag_done(&agent->detached);
	drains_done(&agent->drains);
	for (size_t i = 0; i < STATE_FILES; i++)
		free(agent->state_faults[i]);
	foreigners_done(&agent->foreign);
	diag_done(&agent->unwatched);
	config_free(agent->config);
	free(agent->config_error);
	free(agent->origin);
	free(agent);
}
DEFINE_CLEANUP(struct agent *, agent_free);

int agent_run(const struct agent_options *options, struct diag *problems)
{
	_cleanup_(config_free_p) struct config *config = options->config;
	_cleanup_(agent_free_p) struct agent *agent = calloc(1, sizeof(*agent));
	int r;

	if (!agent)
		return -ENOMEM;
	agent->options = options;
	agent->config = TAKE_PTR(config);
	agent->origin = strdup(options->origin);
	if (!agent->origin)
		return -ENOMEM;
	r = uv_loop_init(&agent->loop);
	if (r < 0)
		return r;
	agent->started_ms = uv_now(&agent->loop);
	open_events(agent);
	reconcile_open(agent);
	ejections_open(agent);
	r = exclude_open(agent);
	if (r == 0)
		r = keeper_open(agent);
	if (r == 0)
		r = agent_open(agent, problems);
	if (r < 0)
		agent_stop(agent);
	(void)uv_run(&agent->loop, UV_RUN_DEFAULT); /* ends when the last handle is closed */
	(void)uv_loop_close(&agent->loop);
	return r;
}
