/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of a profile in the shared files: its keys; or a role, assumed with the keys of
 * another profile, with what another provider gives, or for a web identity. A role may be assumed
 * with another role, up to ROLES_MAX of them. What would have to run a program or to ask a person
 * is refused by name: an agent with privileges does neither.
 */
#include "io/provider.h"

#include <errno.h>

#include "io/profile_files.h"
#include "io/sts.h"
#include "io/web_identity.h"

#define ROLES_MAX 5

/* The way from a set that somebody has to the role of the profile. */
struct way {
	struct profile_files files;
	const char *roles[ROLES_MAX]; /* profiles; the last is to be assumed first */
	size_t n_roles;
	struct provider_question source; /* of a credential_source */
	struct credentials_set signer;	 /* of the next AssumeRole */
};

static const struct {
	const char *word;
	const struct provider *provider;
} sources[] = {
	{ "Environment", &provider_environment },
	{ "EcsContainer", &provider_container },
	{ "Ec2InstanceMetadata", &provider_instance },
};

static const struct {
	const char *key, *why;
} refused[] = {
	{ "credential_process", "the agent runs no programs" },
	{ "sso_session", "the agent has nobody who could log in" },
	{ "sso_start_url", "the agent has nobody who could log in" },
	{ "login_session", "the agent has nobody who could log in" },
	{ "mfa_serial", "the agent has nobody who could read a code" },
};

static void way_free(void *state)
{
	struct way *w = state;

	provider_forget(&w->source);
	credentials_set_done(&w->signer);
	profile_files_done(&w->files);
	free(w);
}

static const char *get(const struct way *w, const char *profile, const char *key)
{
	return profiles_get(&w->files.profiles, profile, key);
}

/* --- roles, one after the other --------------------------------------------------------------- */

static int assume_next(struct provider_question *q);

static void on_assumed(void *user, const struct http_response *response)
{
	struct provider_question *q = user;
	struct way *w = q->state;
	int r;

	q->call = NULL;
	r = sts_take(q, response);
	if (r == 0 && --w->n_roles > 0) {
		credentials_set_done(&w->signer);
		w->signer = q->set;
		q->set = (struct credentials_set){ 0 };
		r = assume_next(q);
		if (r == -EINPROGRESS)
			return;
	}
	provider_finish(q, r);
}

static int assume_next(struct provider_question *q)
{
	struct way *w = q->state;
	const char *profile = w->roles[w->n_roles - 1];
	const char *session = get(w, profile, "role_session_name");

	return sts_ask(q,
		       &(struct sts_wire_role){
			       .arn = get(w, profile, "role_arn"),
			       .session_name = session ? session : "shunt",
			       .external_id = get(w, profile, "external_id"),
			       .duration_s = get(w, profile, "duration_seconds"),
		       },
		       &w->signer, on_assumed);
}

/* --- where the way begins --------------------------------------------------------------------- */

static int take_keys(struct provider_question *q, const char *profile, struct credentials_set *to)
{
	const struct {
		const char *key;
		bool wanted;
		char **to;
	} rows[] = {
		{ "aws_access_key_id", true, &to->access_key_id },
		{ "aws_secret_access_key", true, &to->secret_access_key },
		{ "aws_session_token", false, &to->session_token },
	};
	const struct way *w = q->state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = get(w, profile, rows[i].key);

		if (!value && rows[i].wanted)
			return provider_fail(q, -EINVAL, "profile '%.64s': %s is missing", profile,
					     rows[i].key);
		if (value && !credentials_wire_is_word(value))
			return provider_fail(q, -EINVAL,
					     "profile '%.64s': %s: wanted visible characters only",
					     profile, rows[i].key);
		*rows[i].to = value ? strdup(value) : NULL;
		if (value && !*rows[i].to)
			return provider_fail(q, -ENOMEM, "no memory");
	}
	return 0;
}

static void on_source(struct provider_question *source, int result)
{
	struct provider_question *q = source->user;
	struct way *w = q->state;

	if (result == 0) {
		w->signer = source->set;
		source->set = (struct credentials_set){ 0 };
		result = assume_next(q);
		if (result == -EINPROGRESS)
			return;
	} else {
		(void)util_copy(q->why, sizeof(q->why), source->why);
	}
	provider_finish(q, result == -ENOENT ? -EINVAL : result);
}

static int ask_source(struct provider_question *q, const char *profile, const char *word)
{
	struct way *w = q->state;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!streq(sources[i].word, word))
			continue;
		w->source =
			(struct provider_question){ .env = q->env, .done = on_source, .user = q };
		r = sources[i].provider->ask(&w->source);
		if (r == 0) {
			w->signer = w->source.set;
			w->source.set = (struct credentials_set){ 0 };
			return assume_next(q);
		}
		if (r == -EINPROGRESS)
			return r;
		return provider_fail(q, -EINVAL, "profile '%.64s': credential_source %s: %s",
				     profile, word, w->source.why);
	}
	return provider_fail(q, -EINVAL,
			     "profile '%.64s': credential_source: wanted Environment, EcsContainer "
			     "or Ec2InstanceMetadata",
			     profile);
}

static int check_refused(struct provider_question *q, const char *profile)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (get(q->state, profile, refused[i].key))
			return provider_fail(q, -EINVAL, "profile '%.64s': %s is not supported: %s",
					     profile, refused[i].key, refused[i].why);
	return 0;
}

/* --- a profile -------------------------------------------------------------------------------- */

static bool has_keys(const struct way *w, const char *profile)
{
	return get(w, profile, "aws_access_key_id") || get(w, profile, "aws_secret_access_key");
}

static int ask_web_identity(struct provider_question *q, const char *profile, const char *file)
{
	const struct web_identity identity = {
		.role_arn = get(q->state, profile, "role_arn"),
		.token_file = file,
		.session_name = get(q->state, profile, "role_session_name"),
		.file_from = "web_identity_token_file",
	};

	return web_identity_ask(q, &identity);
}

/* A profile that leads to the role of another by its keys, or none. */
static int end_of_way(struct provider_question *q, const char *profile)
{
	struct way *w = q->state;
	int r = check_refused(q, profile);

	if (r < 0 && !has_keys(w, profile))
		return r;
	if (!has_keys(w, profile) && w->n_roles == 0)
		return provider_fail(q, -ENOENT, "profile '%.64s' has no credentials", profile);
	r = take_keys(q, profile, w->n_roles > 0 ? &w->signer : &q->set);
	return r < 0 || w->n_roles == 0 ? r : assume_next(q);
}

/* The next profile on the way, or NULL: it has none. -EINVAL: the way has no end. */
static int take_role(struct provider_question *q, const char *profile, const char **ret_next)
{
	struct way *w = q->state;
	const char *next = get(w, profile, "source_profile");

	if (get(w, profile, "mfa_serial"))
		return check_refused(q, profile);
	if (w->n_roles == ROLES_MAX)
		return provider_fail(q, -EINVAL, "profile '%.64s': more than %d roles in a row",
				     w->files.profile, ROLES_MAX);
	w->roles[w->n_roles++] = profile;
	if (next && !profiles_has(&w->files.profiles, next))
		return provider_fail(q, -EINVAL,
				     "profile '%.64s': source_profile: no profile '%.64s'", profile,
				     next);
	*ret_next = next;
	return 0;
}

static int walk(struct provider_question *q)
{
	struct way *w = q->state;
	const char *profile = w->files.profile, *from = NULL;

	/* A profile that is its own source means its own keys. */
	while (get(w, profile, "role_arn") && !(from && streq(from, profile))) {
		const char *file = get(w, profile, "web_identity_token_file");
		const char *source = get(w, profile, "credential_source"), *next = NULL;
		int r;

		if (file && w->n_roles == 0)
			return ask_web_identity(q, profile, file);
		if (file)
			return provider_fail(q, -EINVAL,
					     "profile '%.64s': web_identity_token_file is not "
					     "supported in a source_profile",
					     profile);
		r = take_role(q, profile, &next);
		if (r < 0)
			return r;
		if (!next && source)
			return ask_source(q, profile, source);
		if (!next)
			return provider_fail(q, -EINVAL,
					     "profile '%.64s': role_arn is there, but none of "
					     "source_profile, credential_source and "
					     "web_identity_token_file that goes with it",
					     profile);
		from = profile;
		profile = next;
	}
	return end_of_way(q, profile);
}

static int ask(struct provider_question *q)
{
	struct way *w = calloc(1, sizeof(*w));
	char wrong[PROFILE_FILES_ERROR_MAX];
	int r;

	if (!w)
		return provider_fail(q, -ENOMEM, "no memory");
	q->state = w;
	q->state_free = way_free;
	r = profile_files_read(q->env->environment, &w->files, wrong);
	return r < 0 ? provider_fail(q, r, "%s", wrong) : walk(q);
}

const struct provider provider_profile = { "profile", ask };
