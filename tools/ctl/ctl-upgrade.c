// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests go over to the installed version: who started their processes is asked, the service or a keeper each, by
 * backend/base/upgrade-words.h. Guests for whom nobody answers were started by hand without a keeper.
 */
#include "backend/base/clock.h"
#include "backend/base/sockets.h"
#include "backend/base/upgrade-words.h"
#include "tools/ctl/ctl-find.h"
#include "tools/ctl/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/** the service says nothing while one guest goes over, which takes it as long as this at most */
#define ANSWER_MS 30000u
/** another's upgrade is waited for */
#define BUSY_TRIES 60u
#define BUSY_MS 500u

struct asking {
	struct ctl *ctl;
	struct ctl_client *client;
	bool one; /* guest is meant */
	uint32_t domid;
	enum ctl_exit code;
	/* devices for which somebody has answered */
	struct heard {
		uint32_t domid, devid;
	} *heard;
	size_t nr_heard;
};

/* A refusal is what a script wants to know, whatever came before. */
static void note(struct asking *a, enum ctl_exit code)
{
	if (!a->code || code == CTL_EXIT_REFUSED)
		a->code = code;
}

static void show(struct asking *a, uint32_t domid, uint32_t devid, const char *result, const char *why)
{
	struct json_object *json;

	if (strcmp(result, UPGRADE_SAYS_REFUSED) == 0)
		note(a, CTL_EXIT_REFUSED);
	if (!a->ctl->opts->json) {
		fprintf(a->ctl->out, "domain %" PRIu32 ", device %" PRIu32 ": %s%s%s\n", domid, devid,
			strcmp(result, UPGRADE_SAYS_DONE) == 0 ? "upgraded" :
			strcmp(result, UPGRADE_SAYS_SAME) == 0 ? "same version already" :
								 "not upgraded",
			why[0] ? ": " : "", why);
		fflush(a->ctl->out);
		return;
	}
	json = json_object_new_object();
	json_object_object_add(json, "domid", json_object_new_int64(domid));
	json_object_object_add(json, "devid", json_object_new_int64(devid));
	json_object_object_add(json, "result", json_object_new_string(result));
	if (why[0])
		json_object_object_add(json, "why", json_object_new_string(why));
	fprintf(a->ctl->out, "%s\n", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(a->ctl->out);
	json_object_put(json);
}

static bool was_heard(const struct asking *a, uint32_t domid, uint32_t devid)
{
	for (size_t i = 0; i < a->nr_heard; i++) {
		if (a->heard[i].domid == domid && a->heard[i].devid == devid)
			return true;
	}
	return false;
}

static void hear(struct asking *a, uint32_t domid, uint32_t devid)
{
	struct heard *more = reallocarray(a->heard, a->nr_heard + 1, sizeof(*more));

	if (!more)
		return;
	a->heard = more;
	a->heard[a->nr_heard++] = (struct heard){domid, devid};
}

/* Whatever was sent: only what can be printed is. */
static void clean(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

/* Return: 1: there are more; 0: that was the last; -EBUSY; -EACCES; -EPROTO */
static int take_line(struct asking *a, char *line)
{
	uint32_t domid, devid;
	char result[16];
	int words = 0;

	clean(line);
	if (strcmp(line, UPGRADE_SAYS_OVER) == 0)
		return 0;
	if (strcmp(line, UPGRADE_SAYS_BUSY) == 0)
		return -EBUSY;
	if (strcmp(line, UPGRADE_SAYS_DENIED) == 0)
		return -EACCES;
	if (sscanf(line, "%9" SCNu32 " %9" SCNu32 " %15s%n", &domid, &devid, result, &words) != 3)
		return -EPROTO;
	hear(a, domid, devid);
	show(a, domid, devid, result, line[words] ? line + words + 1 : "");
	return 1;
}

/* Return: 0; -ETIMEDOUT; -EPIPE it has closed; -errno */
static int receive_some(struct ctl_client *c)
{
	int ready = clock_wait(c->fd, ANSWER_MS);
	ssize_t got;

	if (ready <= 0)
		return ready == -EINTR ? 0 : ready ? ready : -ETIMEDOUT;
	got = recv(c->fd, c->line + c->used, sizeof(c->line) - 1 - c->used, 0);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
	c->used += (size_t)got;
	return got ? 0 : -EPIPE;
}

/* Return: as take_line(), but never 1; or as receive_some() */
static int take_answers(struct asking *a)
{
	struct ctl_client *c = a->client;
	int rc = 1;

	while (rc > 0) {
		char *end = memchr(c->line, '\n', c->used);
		size_t len;

		if (!end) {
			rc = c->used >= UPGRADE_ANSWER_MAX ? -EPROTO : receive_some(c);
			if (rc)
				return rc;
			rc = 1;
			continue;
		}
		*end = '\0';
		len = (size_t)(end - c->line) + 1;
		rc = take_line(a, c->line);
		c->used -= len;
		memmove(c->line, c->line + len, c->used);
	}
	return rc;
}

/* Return: 0; as ctl_client_open() and take_answers() */
static int ask_once(struct asking *a, const char *path)
{
	char question[UPGRADE_QUESTION_MAX];
	int len = snprintf(question, sizeof(question), "%s %" PRIu32 "\n", a->ctl->opts->force ? UPGRADE_FORCE : UPGRADE_ASK, a->domid);
	int rc = ctl_client_open(a->client, path);

	if (rc)
		return rc;
	/* who refuses says why and closes: that is still to be read */
	if (send(a->client->fd, question, (size_t)len, MSG_NOSIGNAL) != len && errno != EPIPE)
		rc = -errno;
	if (!rc)
		rc = take_answers(a);
	ctl_client_close(a->client);
	return rc;
}

static void ask(struct asking *a, const char *dir, const char *name)
{
	char path[SOCKETS_PATH_MAX];
	int rc = snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) ? ask_once(a, path) : -ENAMETOOLONG;

	for (unsigned int i = 0; rc == -EBUSY && i < BUSY_TRIES; i++) {
		clock_wait(-1, BUSY_MS);
		rc = ask_once(a, path);
	}
	/* one that was killed left its socket */
	if (!rc || rc == -ECONNREFUSED || rc == -ENOENT)
		return;
	if (rc == -EBUSY) {
		ctl_say(a->ctl, "%s: others are being upgraded: ask again later", name);
		note(a, CTL_EXIT_FAILED);
	} else {
		note(a, ctl_fail(a->ctl, name, rc, NULL));
	}
}

/* The service, or a keeper of the guest that is meant. */
static bool is_asked(const struct asking *a, const char *name)
{
	const char *suffix = strrchr(name, '.');
	char *rest;
	unsigned long domid;

	if (!suffix || strcmp(suffix, UPGRADE_SUFFIX) != 0)
		return false;
	if (strcmp(name, UPGRADE_SERVICE_NAME) == 0 || !a->one)
		return true;
	domid = strtoul(name, &rest, 10);
	return rest != name && (*rest == '.' || *rest == '-') && domid == a->domid;
}

static int ask_all(struct asking *a, const char *dir)
{
	struct dirent **names;
	int nr = scandir(dir, &names, NULL, alphasort);

	if (nr < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < nr; i++) {
		if (is_asked(a, names[i]->d_name))
			ask(a, dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

/* Return: how many are served, or were by one that was killed; -errno */
static int show_others(struct asking *a, const char *dir)
{
	struct control_socket *sockets;
	size_t nr;
	int rc = sockets_find(dir, &sockets, &nr), served = 0;

	if (rc)
		return rc;
	for (size_t i = 0; i < nr; i++) {
		if (a->one && sockets[i].domid != a->domid)
			continue;
		served++;
		if (was_heard(a, sockets[i].domid, sockets[i].devid) || ctl_client_open(a->client, sockets[i].path))
			continue;
		ctl_client_close(a->client);
		show(a, sockets[i].domid, sockets[i].devid, UPGRADE_SAYS_REFUSED,
		     "nobody answers for it: it was started by hand with --no-restart or --no-sandbox: end it and start it again: the guest "
		     "waits meanwhile");
	}
	free(sockets);
	return served;
}

enum ctl_exit ctl_upgrade(struct ctl *ctl)
{
	struct asking a = {.ctl = ctl, .one = ctl->opts->domain, .client = malloc(sizeof(*a.client))};
	int rc = a.client ? 0 : -ENOMEM;

	if (a.one && !rc)
		a.code = ctl_find_domain(ctl, &a.domid);
	if (!rc && !a.code) {
		rc = ask_all(&a, ctl->opts->state_dir);
		if (!rc)
			rc = show_others(&a, ctl->opts->state_dir);
		if (rc == 0 && !a.nr_heard && !a.code) {
			a.code = ctl_find_xen(ctl, ctl->opts->domain);
			if (!a.code && a.one) {
				ctl_say(ctl, "domain %" PRIu32 ": nobody serves it here: give its --state-dir", a.domid);
				a.code = CTL_EXIT_NO_DAEMON;
			}
		}
	}
	if (rc < 0)
		note(&a, ctl_fail(ctl, ctl->opts->state_dir, rc, NULL));
	free(a.heard);
	free(a.client);
	return a.code;
}
