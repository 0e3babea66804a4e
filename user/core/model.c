/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model.h"

#include <errno.h>

/* There are thousands of models, and most have nothing to say. */
static void text_set(char **text, const char *now, size_t max)
{
	if (*text && now && streq(*text, now))
		return;
	free(*text);
	*text = now && *now ? strndup(now, max - 1) : NULL;
}

void model_done(struct model *m)
{
	endpoints_done(&m->in_force);
	free(m->rejected_why);
	free(m->misweighted_why);
	free(m->note);
	free(m->failure.code);
	free(m->failure.message);
	*m = (struct model){ 0 };
}

void model_seed(struct model *m, struct endpoints *left, enum model_from from)
{
	endpoints_done(&m->in_force);
	m->in_force = *left;
	*left = (struct endpoints){ 0 };
	m->from = from;
}

void model_seed_age(struct model *m, int64_t answered_s, uint64_t now_ms, int64_t now_s)
{
	m->answered_s = MIN(answered_s, now_s);
	m->answered_ms = now_ms - (uint64_t)(now_s - m->answered_s) * 1000;
}

void model_new_source(struct model *m)
{
	m->new_source = m->new_source || m->answered;
	m->answered = false;
	m->shrink.held = false;
	m->failure.count = 0;
	m->rejected = 0;
	m->misweighted = 0;
	text_set(&m->note, NULL, MODEL_NOTE_MAX);
	m->stood_in = false;
}

/* Is this answer to be doubted? */
static bool is_shrink(const struct model *m, const struct model_answer *a)
{
	if (a->never_held || m->in_force.n == 0)
		return false;
	return a->endpoints->n == 0 || 2 * a->endpoints->n < m->in_force.n;
}

/* Doubted long enough? Notes when the doubt began. */
static bool shrink_is_confirmed(struct model *m, const struct model_answer *a)
{
	if (!m->shrink.held) {
		m->shrink.held = true;
		m->shrink.since_ms = a->now_ms;
	}
	m->shrink.answered = a->endpoints->n;
	return a->now_ms - m->shrink.since_ms >= a->confirm_ms;
}

/* Whether what the answer lacks goes now. */
static bool is_believed(struct model *m, const struct model_answer *a)
{
	if (!is_shrink(m, a))
		return true;
	if (m->new_source && !a->stands_in && !a->again && a->endpoints->n > 0)
		return true;
	return shrink_is_confirmed(m, a);
}

static void note_answer(struct model *m, const struct model_answer *a)
{
	if (!a->again)
		m->stood_in = a->stands_in;
	if (!a->stands_in && !a->again) {
		m->from = MODEL_FROM_SOURCE;
		m->answered = true;
		m->new_source = false;
		m->answered_ms = a->now_ms;
		m->answered_s = a->now_s;
		m->failure.count = 0;
	}
	m->rejected = a->rejected;
	text_set(&m->rejected_why, a->rejected_why, MODEL_MESSAGE_MAX);
	m->misweighted = a->misweighted;
	text_set(&m->misweighted_why, a->misweighted_why, MODEL_MESSAGE_MAX);
	text_set(&m->note, a->note, MODEL_NOTE_MAX);
}

int model_take_answer(struct model *m, const struct model_answer *a, bool *ret_changed)
{
	_cleanup_(endpoints_done) struct endpoints next = { 0 };
	bool believed = !a->adds_only && is_believed(m, a);
	int r = endpoints_copy(&next, a->endpoints);

	/* an answer tells zone, weight and health even of those that it does not get to remove */
	if (r == 0 && !believed)
		r = endpoints_merge(&next, &m->in_force);
	if (r < 0)
		return r;
	if (believed || a->adds_only)
		m->shrink.held = false;
	note_answer(m, a);
	*ret_changed = !endpoints_equal(&next, &m->in_force);
	if (*ret_changed) {
		struct endpoints old = m->in_force;

		m->in_force = next;
		next = old;
	}
	return 0;
}

void model_take_same(struct model *m, uint64_t now_ms, int64_t now_s)
{
	m->answered_ms = now_ms;
	m->answered_s = now_s;
	m->failure.count = 0;
}

void model_take_failure(struct model *m, const char *code, const char *message, uint64_t now_ms)
{
	m->failure.count++;
	m->failure.at_ms = now_ms;
	text_set(&m->failure.code, code, MODEL_CODE_MAX);
	text_set(&m->failure.message, message, MODEL_MESSAGE_MAX);
}

void model_take_note(struct model *m, const char *note)
{
	text_set(&m->note, note, MODEL_NOTE_MAX);
}

void model_describe(const struct model *m, uint64_t now_ms, char text[static MODEL_TEXT_MAX])
{
	static const char *const whose[] = {
		[MODEL_FROM_SOURCE] = "",
		[MODEL_FROM_KERNEL] = " of an earlier run",
		[MODEL_FROM_FILE] = ", last known good, from state_dir",
	};
	const char *plural = m->in_force.n == 1 ? "" : "s";
	unsigned long long age_s = (now_ms - m->answered_ms) / 1000;
	char age[32] = "";

	if (m->stood_in) {
		(void)snprintf(text, MODEL_TEXT_MAX, "%zu backend%s of who stands in",
			       m->in_force.n, plural);
		return;
	}
	if (m->answered_s == 0 && m->in_force.n == 0) {
		(void)snprintf(text, MODEL_TEXT_MAX, "nothing, for there has been no answer yet");
		return;
	}
	if (m->answered_s != 0)
		(void)snprintf(age, sizeof(age),
			       m->from == MODEL_FROM_SOURCE ? " of %llu s ago" : ", %llu s old",
			       age_s);
	(void)snprintf(text, MODEL_TEXT_MAX, "%zu backend%s%s%s", m->in_force.n, plural,
		       whose[m->from], age);
}
