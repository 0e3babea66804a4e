/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/turns.h"

#include <errno.h>

#include "io/http.h"

struct turns {
	uv_timer_t timer; /* until somebody may begin */
	struct budget budget;
	bool going; /* somebody further up the stack lets them go */
};

/* Not uv_now(), which is that of the turn of the loop: a long one would make calls look older. */
static uint64_t clock_ms(void)
{
	return uv_hrtime() / 1000000;
}

static void on_timer(uv_timer_t *timer);

/* Whoever goes may wait anew, end, or leave. */
static void let_go(struct turns *t)
{
	struct budget_call *call;
	uint64_t when_ms, now_ms;

	if (t->going)
		return;
	t->going = true;
	while ((call = budget_begin(&t->budget, clock_ms(), &when_ms))) {
		struct turn *turn = (struct turn *)call; /* its first member */

		turn->running = true;
		turn->go(turn->user);
	}
	t->going = false;
	(void)uv_timer_stop(&t->timer);
	if (when_ms == BUDGET_NEVER)
		return;
	now_ms = clock_ms();
	uv_update_time(t->timer.loop);
	(void)uv_timer_start(&t->timer, on_timer, when_ms - MIN(when_ms, now_ms), 0);
}

static void on_timer(uv_timer_t *timer)
{
	let_go(timer->data);
}

int turns_new(uv_loop_t *loop, uint32_t calls_per_second, struct turns **ret)
{
	struct turns *t = calloc(1, sizeof(*t));
	int r = t ? budget_init(&t->budget, calls_per_second, HTTP_CONNECTIONS_MAX) : -ENOMEM;

	if (r < 0) {
		free(t);
		return r;
	}
	(void)uv_timer_init(loop, &t->timer);
	t->timer.data = t;
	*ret = t;
	return 0;
}

static void on_closed(uv_handle_t *timer)
{
	struct turns *t = timer->data;

	budget_done(&t->budget);
	free(t);
}

void turns_free(struct turns *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->timer, on_closed);
}

int turns_set(struct turns *t, uint32_t calls_per_second)
{
	int r = budget_set(&t->budget, calls_per_second);

	if (r == 0)
		let_go(t);
	return r;
}

const struct budget *turns_budget(const struct turns *t)
{
	return &t->budget;
}

int turn_join(struct turn *turn, struct turns *turns)
{
	int r = budget_join(&turns->budget);

	if (r == 0)
		turn->turns = turns;
	return r;
}

void turn_leave(struct turn *turn)
{
	struct turns *t = turn->turns;

	if (!t)
		return;
	budget_withdraw(&t->budget, &turn->call);
	budget_leave(&t->budget);
	turn->turns = NULL;
	if (!turn->running)
		return;
	turn->running = false;
	budget_end(&t->budget, turn->call.kind, QUOTA_OTHER, clock_ms());
	let_go(t);
}

void turn_wait(struct turn *turn, enum budget_kind kind, enum pace_rank rank, uint64_t due_ms)
{
	budget_wait(&turn->turns->budget, &turn->call, kind, rank, due_ms);
	let_go(turn->turns);
}

void turn_withdraw(struct turn *turn)
{
	budget_withdraw(&turn->turns->budget, &turn->call);
}

void turn_end(struct turn *turn, enum quota_outcome outcome)
{
	turn->running = false;
	budget_end(&turn->turns->budget, turn->call.kind, outcome, clock_ms());
	let_go(turn->turns);
}
