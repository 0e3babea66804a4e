/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a full answer of Cloud Map costs, from its text to the maps: 1,000 instances as the API
 * shows them, one of which is another each time.
 */
#include "base/util.h"
#include "core/cloudmap_wire.h"
#include "core/model.h"
#include "crowd.h"
#include "measure.h"
#include "playground.h"

#define INSTANCES 1000
#define ROUNDS 60
#define NAME "backend.example.internal"

enum step {
	STEP_ALL,
	STEP_PARSE,
	STEP_MODEL,
	STEP_PLAN,
	STEP_APPLY,
	STEPS,
};

/* As DiscoverInstances answers for a service that ECS registers. */
static char *answer_text(int round, size_t *ret_length)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, ret_length);

	require(to);
	(void)fprintf(to, "{\"Instances\":[");
	for (int i = 0; i < INSTANCES; i++) {
		int number = i < INSTANCES - 1 ? i : INSTANCES + round;

		(void)fprintf(
			to,
			"%s{\"Attributes\":{\"AVAILABILITY_ZONE\":\"us-east-1a\","
			"\"AWS_INIT_HEALTH_STATUS\":\"HEALTHY\","
			"\"AWS_INSTANCE_IPV4\":\"10.20.%d.%d\",\"AWS_INSTANCE_PORT\":\"8080\","
			"\"ECS_CLUSTER_NAME\":\"production\",\"ECS_SERVICE_NAME\":\"backend\","
			"\"ECS_TASK_DEFINITION_FAMILY\":\"backend\",\"REGION\":\"us-east-1\"},"
			"\"HealthStatus\":\"HEALTHY\",\"InstanceId\":\"%032d\","
			"\"NamespaceName\":\"example.internal\",\"ServiceName\":\"backend\"}",
			i ? "," : "", number / 250, number % 250 + 1, number);
	}
	(void)fprintf(to, "],\"InstancesRevision\":%d}", round);
	require(fclose(to) == 0);
	return text;
}

static struct table want_of(const struct model *m)
{
	struct table want = { 0 };
	struct table_service *s = table_add(&want);

	require(s);
	(void)util_copy(s->name, sizeof(s->name), NAME);
	s->vip = crowd_vip(1);
	s->protocol = PROTOCOL_TCP;
	s->n_backends = m->in_force.n;
	s->backends = calloc(s->n_backends, sizeof(*s->backends));
	require(s->backends);
	for (size_t i = 0; i < s->n_backends; i++) {
		s->backends[i].endpoint = m->in_force.list[i];
		s->backends[i].share = 1;
	}
	return want;
}

static void parse(const char *text, size_t length, struct cloudmap_wire_answer *ret)
{
	const struct cloudmap_wire_reply reply = { .status = 200, .body = text, .length = length };
	const struct cloudmap_wire_question asked = { .service = "backend", .port = 8080 };
	struct cloudmap_wire_error error;

	require(cloudmap_wire_parse(&reply, &asked, ret, &error) == 0);
	require(ret->endpoints.n == INSTANCES);
}

static void take(struct agent *a, struct model *m, int round, struct measure steps[STEPS])
{
	_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer answer = { 0 };
	_cleanup_(table_done) struct table want = { 0 };
	_cleanup_(plan_done) struct plan plan = { 0 };
	_cleanup_free_ char *text = NULL;
	struct model_answer given = { .endpoints = &answer.endpoints, .now_s = 1 };
	uint64_t at[STEPS];
	size_t length = 0;
	bool changed;

	text = answer_text(round, &length);
	at[0] = measure_cpu_ns();
	parse(text, length, &answer);
	at[STEP_PARSE] = measure_cpu_ns();
	require(model_take_answer(m, &given, &changed) == 0 && changed);
	want = want_of(m);
	at[STEP_MODEL] = measure_cpu_ns();
	require((round ? planner_amend(a->planner, &want, &(struct plan_gone){ 0 }, &plan)
		       : planner_make(a->planner, &want, &plan)) == 0);
	at[STEP_PLAN] = measure_cpu_ns();
	require(dataplane_apply(a->dataplane, &plan) == 0);
	at[STEP_APPLY] = measure_cpu_ns();
	for (int step = STEP_PARSE; round > 0 && step < STEPS; step++)
		measure_add(&steps[step], (double)(at[step] - at[step - 1]) / 1e6);
	if (round > 0)
		measure_add(&steps[STEP_ALL], (double)(at[STEP_APPLY] - at[0]) / 1e6);
	agent_grace(a);
}

static void bench_answer(struct agent *a)
{
	const struct measure_table table = { "an answer of 1,000 instances, one of them new",
					     "ms of CPU", RELATION_NONE, NULL, 3 };
	struct measure steps[STEPS] = {
		[STEP_ALL] = { .what = "from its text to the maps", .bar = 5 },
		[STEP_PARSE] = { .what = "of this: parsing" },
		[STEP_MODEL] = { .what = "what is in force, and what is wanted" },
		[STEP_PLAN] = { .what = "the plan" },
		[STEP_APPLY] = { .what = "its writes" },
	};
	_cleanup_(model_done) struct model m = { 0 };
	int rounds = measure_rounds(ROUNDS);

	for (int round = 0; round <= rounds; round++)
		take(a, &m, round, steps);
	measure_print_table(&table, steps, STEPS);
}

int main(void)
{
	_cleanup_free_ char *inside = NULL;
	struct agent a;

	playground_enter();
	inside = playground_make_cgroup("inside");
	agent_init(&a);
	a.options.cgroup = inside;
	if (agent_start(&a) < 0)
		diag_print(&a.problems, "bench: ", stderr);
	require(a.error == 0);
	bench_answer(&a);
	agent_end(&a);
	playground_leave();
	return 0;
}
