// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Questions about xenstore, checked and asked on. Does no I/O but the seam's.
 */
#include "backend/broker/store-broker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** events taken from xenstored before the device is heard again */
#define EVENTS_PER_TURN 4096u
/** a line of refusals for as many of them: who sends them decides how many there are */
#define REFUSALS_PER_LINE 4096u

void store_broker_init(struct store_broker *s, const struct store_broker_config *cfg)
{
	*s = (struct store_broker){
		.cfg = *cfg,
		.rules = {.program = cfg->program, .domid = cfg->domid},
	};
}

static void drop(struct store_broker *s)
{
	xenvirtio_store_close(s->store);
	s->store = NULL;
	s->watches = 0;
	s->connection++;
}

void store_broker_fini(struct store_broker *s)
{
	drop(s);
}

/* @path is a plain one, so it may stand in a line. */
static int refuse(struct store_broker *s, const char *path)
{
	if (s->refused++ % REFUSALS_PER_LINE == 0)
		log_msg(s->cfg.log, LOG_LEVEL_WARNING, 0,
			"the device process asked for what it may not have in xenstore, time %" PRIu64 ": %s", s->refused,
			path);
	return -EPERM;
}

/* The toolstack's number for this domain; one that has no such key is dom0. */
static void read_own_domid(struct store_broker *s)
{
	char value[XENVIRTIO_STORE_TEXT_MAX], *end;
	unsigned long id;

	if (s->store->ops->read(s->store, "domid", value, sizeof(value)))
		return;
	id = strtoul(value, &end, 10);
	if (end != value && !*end && id <= UINT32_MAX)
		s->rules.backend = (uint32_t)id;
}

static int answer_open(struct store_broker *s)
{
	int rc;

	drop(s);
	s->lost = false;
	rc = s->cfg.open(s->cfg.opaque, &s->store);
	if (rc)
		s->store = NULL;
	else
		read_own_domid(s);
	return rc;
}

/* Its first node of the right type is the device's for good. Return: 0; -EPERM; as read */
static int bind_device(struct store_broker *s, uint32_t devid, const char *path)
{
	char devices[STORE_DEVICES_MAX], type_path[96], type[XENVIRTIO_STORE_TEXT_MAX];
	int rc;

	if ((s->bound || s->numbered) && s->devid != devid)
		return refuse(s, path);
	if (s->bound)
		return 0;
	store_rules_devices(&s->rules, devices);
	snprintf(type_path, sizeof(type_path), "%s/%" PRIu32 "/type", devices, devid);
	rc = s->store->ops->read(s->store, type_path, type, sizeof(type));
	if (rc)
		return rc;
	if (strcmp(type, s->cfg.program->node_type) != 0)
		return refuse(s, path);
	s->bound = true;
	s->devid = devid;
	return 0;
}

static int watch(struct store_broker *s, const struct broker_store_request *req)
{
	struct store_watch *w = &s->watch[s->watches];
	int rc;

	if (s->watches == BROKER_STORE_WATCHES_MAX)
		return refuse(s, req->path);
	rc = s->store->ops->watch(s->store, req->path, req->text);
	if (rc)
		return rc;
	*w = (struct store_watch){0};
	snprintf(w->path, sizeof(w->path), "%s", req->path);
	snprintf(w->token, sizeof(w->token), "%.*s", (int)sizeof(w->token) - 1, req->text);
	s->watches++;
	return 0;
}

static int unwatch(struct store_broker *s, const struct broker_store_request *req)
{
	unsigned int i = 0;
	int rc;

	while (i < s->watches && (strcmp(s->watch[i].path, req->path) != 0 || strcmp(s->watch[i].token, req->text) != 0))
		i++;
	if (i == s->watches)
		return -ENOENT;
	rc = s->store->ops->unwatch(s->store, req->path, req->text);
	if (!rc)
		s->watch[i] = s->watch[--s->watches];
	return rc;
}

static uint32_t names_bytes(const char *names)
{
	const char *at = names;

	while (*at)
		at += strlen(at) + 1;
	return (uint32_t)(at + 1 - names);
}

/* @a has what is to be told of a success. Return: of the seam */
static int ask(struct store_broker *s, const struct broker_store_request *req, struct broker_store_answer *a)
{
	const struct xenvirtio_store_ops *ops = s->store->ops;
	int rc;

	switch ((enum broker_store_op)req->op) {
	case BROKER_STORE_READ:
		rc = ops->read(s->store, req->path, a->text, XENVIRTIO_STORE_TEXT_MAX);
		break;
	case BROKER_STORE_GET_PERMS:
		rc = ops->get_perms(s->store, req->path, a->text, XENVIRTIO_STORE_TEXT_MAX);
		break;
	case BROKER_STORE_LIST:
		rc = ops->list(s->store, req->path, a->text, sizeof(a->text));
		a->len = rc ? 0 : names_bytes(a->text);
		return rc;
	case BROKER_STORE_WRITE:
		return ops->write(s->store, req->path, req->text);
	case BROKER_STORE_REMOVE:
		return ops->remove(s->store, req->path);
	case BROKER_STORE_SET_PERMS:
		return ops->set_perms(s->store, req->path, req->text);
	case BROKER_STORE_WATCH:
		return watch(s, req);
	case BROKER_STORE_UNWATCH:
		return unwatch(s, req);
	default:
		return -EINVAL;
	}
	a->len = rc ? 0 : (uint32_t)strlen(a->text) + 1;
	return rc;
}

static int answer(struct store_broker *s, const struct broker_store_request *req, struct broker_store_answer *a)
{
	uint32_t devid = 0;
	int rc;

	if (req->op == BROKER_STORE_OPEN)
		return answer_open(s);
	if (!store_rules_allow(&s->rules, (enum broker_store_op)req->op, req->path, req->text, &devid))
		return refuse(s, req->path);
	if (!s->store)
		return -EPIPE;
	rc = req->op == BROKER_STORE_WRITE || req->op == BROKER_STORE_REMOVE ? bind_device(s, devid, req->path) : 0;
	if (!rc)
		rc = ask(s, req, a);
	/* it is told by the answer; an event of the loss would be of the next connection */
	if (rc == -EPIPE)
		drop(s);
	return rc;
}

static bool has_text(uint32_t op)
{
	return op == BROKER_STORE_WRITE || op == BROKER_STORE_SET_PERMS || op == BROKER_STORE_WATCH ||
	       op == BROKER_STORE_UNWATCH;
}

/* Ended, and nothing behind its end. */
static bool is_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	while (len < size && !text[len])
		len++;
	return len == size && !text[size - 1];
}

/* Everything that can be said of a message without asking anybody. */
static bool is_question(const struct broker_store_request *req)
{
	bool special = req->op == BROKER_STORE_WATCH || req->op == BROKER_STORE_UNWATCH;

	if (!req->op || req->op >= BROKER_STORE_OPS || req->zero)
		return false;
	if (!is_text(req->path, sizeof(req->path)) || !is_text(req->text, sizeof(req->text)))
		return false;
	if (req->text[0] && !has_text(req->op))
		return false;
	if (special && strlen(req->text) >= BROKER_STORE_TOKEN_MAX)
		return false;
	if (req->op == BROKER_STORE_OPEN)
		return !req->path[0];
	return store_path_is_plain(req->path) || (special && strcmp(req->path, "@releaseDomain") == 0);
}

int store_broker_answer(struct store_broker *s, const void *bytes, size_t len, struct broker_store_answer *a)
{
	struct broker_store_request req;

	memset(a, 0, BROKER_STORE_ANSWER_HEADER);
	if (len != sizeof(req))
		return -EPROTO;
	memcpy(&req, bytes, sizeof(req));
	if (!is_question(&req))
		return -EPROTO;
	a->op = req.op;
	a->ret = answer(s, &req, a);
	a->connection = s->connection;
	return 0;
}

int store_broker_fd(const struct store_broker *s)
{
	return s->store ? s->store->ops->fd(s->store) : -1;
}

/* All watches of the token: which of their nodes it was is not told. */
static void note_event(struct store_broker *s, const char *token)
{
	for (unsigned int i = 0; i < s->watches; i++) {
		if (strcmp(s->watch[i].token, token) == 0)
			s->watch[i].fired = true;
	}
}

void store_broker_take_events(struct store_broker *s)
{
	char path[XENVIRTIO_STORE_TEXT_MAX], token[BROKER_STORE_TOKEN_MAX];

	for (unsigned int i = 0; s->store && i < EVENTS_PER_TURN; i++) {
		int rc = s->store->ops->next_event(s->store, path, sizeof(path), token, sizeof(token));

		if (rc == XENVIRTIO_E_EMPTY)
			return;
		if (!rc) {
			note_event(s, token);
			continue;
		}
		s->lost = true;
		s->lost_connection = s->connection;
		drop(s);
	}
}

void store_broker_bind(struct store_broker *s, uint32_t devid)
{
	if (!s->numbered) {
		s->numbered = true;
		s->bound = s->bound && s->devid == devid;
		s->devid = devid;
	}
}

int store_broker_event(struct store_broker *s, struct broker_store_event *event)
{
	memset(event, 0, sizeof(*event));
	event->connection = s->connection;
	if (s->lost) {
		s->lost = false;
		event->lost = 1;
		event->connection = s->lost_connection;
		return 0;
	}
	for (unsigned int i = 0; i < s->watches; i++) {
		struct store_watch *w = &s->watch[i];

		if (!w->fired)
			continue;
		w->fired = false;
		memcpy(event->path, w->path, sizeof(event->path));
		memcpy(event->token, w->token, sizeof(event->token));
		return 0;
	}
	return XENVIRTIO_E_EMPTY;
}
