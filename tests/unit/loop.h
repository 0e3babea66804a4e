/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting in tests: turn the loop until something is so, and fail at a deadline. Include after
 * cmocka.h.
 */
#pragma once

#include <uv.h>

#define LOOP_DEADLINE_MS 20000
/* UV_RUN_ONCE may run a timer and then wait for the next event: there must always be one soon. */
#define LOOP_TICK_MS 5

static void loop_tick(uv_timer_t *timer)
{
	(void)timer;
}

typedef bool (*loop_condition_fn)(void *user);

static void loop_wait(uv_loop_t *loop, loop_condition_fn condition, void *user)
{
	uint64_t deadline_ms;
	uv_timer_t tick;

	uv_timer_init(loop, &tick);
	uv_update_time(loop);
	deadline_ms = uv_now(loop) + LOOP_DEADLINE_MS;
	uv_timer_start(&tick, loop_tick, LOOP_TICK_MS, LOOP_TICK_MS);
	while (!condition(user)) {
		if (uv_now(loop) > deadline_ms)
			fail_msg("the deadline of %d ms has passed", LOOP_DEADLINE_MS);
		uv_run(loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
}

static bool loop_is_set(void *flag)
{
	return *(bool *)flag;
}

static void loop_passed(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Turns the loop for a time: to show that something does not happen. */
static void loop_run_for(uv_loop_t *loop, uint64_t ms)
{
	bool passed = false;
	uv_timer_t timer;

	uv_timer_init(loop, &timer);
	timer.data = &passed;
	uv_update_time(loop);
	uv_timer_start(&timer, loop_passed, ms, 0);
	loop_wait(loop, loop_is_set, &passed);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
}

/* Everything was closed before: turns until the loop has seen that, and fails if something is left.
 */
static void loop_finish(uv_loop_t *loop)
{
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}
