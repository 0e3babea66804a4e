/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/keeper.h"

#include <errno.h>
#include <time.h>

#include "agent/internal.h"
#include "base/replacement.h"
#include "core/book.h"
#include "core/known_pace.h"

/* Of text made in one turn of the loop: about a millisecond. */
#define PIECE_BYTES (64 << 10)

struct keeper {
	struct agent *agent;
	uv_timer_t timer;
	struct known_pace pace;
	struct log_repeat failures;
	int error;	     /* of the last write, or 0 */
	uint64_t written_ms; /* when the last one ended well; 0: none has */

	/* what is being written */
	bool writing, restart;
	char *path;
	struct replacement file; /* the job's while that runs, as is the piece */
	size_t next;		 /* of the watches */
	size_t rows;
	uint32_t checksum;
	bool ended; /* the piece is the last */
	char *piece;
	size_t length;

	uv_work_t job;
	uv_sem_t job_ended;
	bool job_running;
	int job_result;
};

/* --- a piece of text, of what is in force now ------------------------------------------------- */

static void put_part(struct keeper *k, const struct part *p, FILE *to)
{
	const struct watch *w = p->watch;
	_cleanup_free_ char *identity = config_identity(k->agent->config, &p->config);
	const struct known_row row = {
		.service = w->config->name,
		.source = identity,
		.has_vip = w->has_vip,
		.vip = w->vip.addr,
		.answered_s = p->model.answered_s,
		.endpoints = p->model.in_force,
	};

	if (!identity || (row.answered_s == 0 && row.endpoints.n == 0))
		return;
	known_write_row(to, &row);
	k->rows++;
}

/* The next of it into k->piece. 0 or -ENOMEM. */
static int make_piece(struct keeper *k)
{
	const struct agent *agent = k->agent;
	FILE *to;

	free(TAKE_PTR(k->piece));
	to = open_memstream(&k->piece, &k->length);
	if (!to)
		return -ENOMEM;
	if (k->next == 0)
		known_write_start(to, time(NULL));
	for (; k->next < agent->n_watches && ftell(to) < PIECE_BYTES; k->next++) {
		const struct parts *parts = &agent->watches[k->next]->parts;

		for (size_t i = 0; i < parts->n; i++)
			put_part(k, parts->list[i], to);
	}
	(void)fflush(to);
	k->checksum = book_checksum(k->checksum, k->piece, k->length);
	k->ended = k->next == agent->n_watches;
	if (k->ended)
		known_write_end(to, k->rows, k->checksum);
	return fclose(to) == 0 ? 0 : -ENOMEM;
}

/* --- a write, job by job ---------------------------------------------------------------------- */

static void arm(struct keeper *k);
static void start_job(struct keeper *k);

static void end_write(struct keeper *k, int r)
{
	struct agent *agent = k->agent;

	k->writing = false;
	free(TAKE_PTR(k->piece));
	replacement_done(&k->file);
	known_pace_ended(&k->pace, r == 0);
	k->error = r;
	if (r == 0) {
		k->written_ms = uv_now(&agent->loop);
		if (log_repeat_recovered(&k->failures) > 0)
			log_info("The last known good is written again", "file=%s", k->path);
	} else if (log_repeat_failed(&k->failures, uv_now(&agent->loop))) {
		log_error("The last known good cannot be written, a start after a boot would know "
			  "what was in force before",
			  "file=%s error='%s'", k->path ? k->path : "?", strerror(-r));
	}
}

static void begin_write(struct keeper *k)
{
	struct agent *agent = k->agent;
	int r;

	replacement_done(&k->file);
	free(k->path);
	k->path = state_file_path(agent, STATE_FILE_KNOWN);
	k->writing = true;
	k->restart = false;
	k->next = k->rows = 0;
	k->checksum = 0;
	known_pace_began(&k->pace, uv_now(&agent->loop));
	r = k->path ? util_make_directories(agent->config->state_dir, 0755) : -ENOMEM;
	if (r == 0)
		r = make_piece(k);
	if (r < 0)
		end_write(k, r);
}

static int write_piece(struct keeper *k)
{
	int r = 0;

	if (!k->file.path)
		r = replacement_open(k->path, 0644, &k->file);
	if (r == 0)
		r = replacement_write(&k->file, k->piece, k->length);
	if (r == 0 && k->ended)
		r = replacement_commit(&k->file);
	return r;
}

static void do_job(uv_work_t *job)
{
	struct keeper *k = job->data;

	k->job_result = write_piece(k);
	uv_sem_post(&k->job_ended);
}

static void on_job_ended(uv_work_t *job, int status)
{
	struct keeper *k = job->data;
	int r = status < 0 ? status : k->job_result;

	if (k->agent->stopping)
		return; /* keeper_close has seen to it */
	k->job_running = false;
	uv_sem_wait(&k->job_ended);
	if (k->restart)
		begin_write(k);
	else if (r < 0 || k->ended)
		end_write(k, r);
	else if ((r = make_piece(k)) < 0)
		end_write(k, r);
	if (k->writing)
		start_job(k);
	else
		arm(k);
}

static void start_job(struct keeper *k)
{
	k->job_running = true;
	k->job.data = k;
	(void)uv_queue_work(&k->agent->loop, &k->job, do_job, on_job_ended);
}

static void on_timer(uv_timer_t *timer)
{
	struct keeper *k = timer->data;

	begin_write(k);
	if (k->writing)
		start_job(k);
	else
		arm(k);
}

static void arm(struct keeper *k)
{
	uint64_t due_ms = known_pace_due_ms(&k->pace), now_ms = uv_now(&k->agent->loop);

	if (due_ms != KNOWN_PACE_NEVER && !k->writing && !k->agent->stopping)
		(void)uv_timer_start(&k->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* --- what others see -------------------------------------------------------------------------- */

void keeper_changed(struct agent *agent)
{
	struct keeper *k = agent->keeper;

	known_pace_changed(&k->pace, uv_now(&agent->loop));
	arm(k);
}

/* Without an answer yet the file is as good as what is in force. */
static bool knows_any(const struct keeper *k)
{
	return k->pace.changed_ms > 0 || k->pace.began_ms > 0;
}

void keeper_restart(struct agent *agent)
{
	struct keeper *k = agent->keeper;

	k->restart = true;
	if (knows_any(k))
		keeper_changed(agent);
}

char *keeper_problem(const struct agent *agent)
{
	const struct keeper *k = agent->keeper;
	char *text = NULL;

	if (k->error == 0 || asprintf(&text,
				      "%s: cannot be written: %s; a start after a boot would know "
				      "what was in force before",
				      k->path ? k->path : "?", strerror(-k->error)) < 0)
		return NULL;
	return text;
}

static int take(void *user, const char *text, size_t length, struct diag *problems)
{
	int r = known_read(user, text, length, problems);

	if (r == 0 && problems->n > 0)
		log_warn("Some of the last known good is left out", "lines=%zu first='%s'",
			 problems->total, problems->lines[0]);
	return r;
}

void keeper_load(struct agent *agent, struct known *ret)
{
	state_file_load(agent, STATE_FILE_KNOWN, take, ret);
}

/* --- its life --------------------------------------------------------------------------------- */

int keeper_open(struct agent *agent)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->agent = agent;
	(void)uv_sem_init(&k->job_ended, 0);
	(void)uv_timer_init(&agent->loop, &k->timer);
	k->timer.data = k;
	agent->keeper = k;
	return 0;
}

/* The job is not to be left to write over what is written here. */
static void end_job(struct keeper *k)
{
	if (k->job_running && uv_cancel((uv_req_t *)&k->job) < 0)
		uv_sem_wait(&k->job_ended);
	k->job_running = false;
}

void keeper_close(struct agent *agent)
{
	struct keeper *k = agent->keeper;
	int r = 0;

	if (!k)
		return;
	uv_close((uv_handle_t *)&k->timer, NULL);
	end_job(k);
	if (!knows_any(k))
		return;
	begin_write(k);
	while (k->writing && r == 0) {
		r = write_piece(k);
		if (r == 0 && !k->ended)
			r = make_piece(k);
		else
			end_write(k, r);
	}
	if (k->writing)
		end_write(k, r);
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	uv_sem_destroy(&k->job_ended);
	replacement_done(&k->file);
	free(k->piece);
	free(k->path);
	free(k);
}
