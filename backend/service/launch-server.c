// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The launcher's checks and its processes, see launch-server.h.
 */
#include "config.h"

#include "backend/service/launch-server.h"
#include "backend/base/fd-message.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

/** DOMID_FIRST_RESERVED - 1, xen/xen.h */
#define DOMID_MAX 0x7fefu
#define DEVID_MAX UINT16_MAX

struct child {
	TAILQ_ENTRY(child) link;
	struct launch_server *server;
	uint64_t handle;
	uint32_t domid, devid;
	struct process p;     /* fd -1: it has ended, and @end says how */
	struct event *ended;
	struct process_end end;
	bool claimed; /* a watcher knows its handle */
};

struct launch_peer {
	LIST_ENTRY(launch_peer) link;
	struct launch_server *server;
	int sock;
	struct event *asks;
	unsigned int may;
	bool greeted;
	unsigned int said; /* a bit for each word: once is enough, and each may take long and is logged */
};

struct launch_server {
	struct launch_server_config cfg;
	TAILQ_HEAD(, child) children;
	LIST_HEAD(, launch_peer) peers;
	uint64_t last_handle;
	size_t nr_children;
	uint8_t paused[DOMID_MAX + 1];	  /* from here */
	uint8_t inherited[DOMID_MAX + 1]; /* unpaused beyond that */
};

/* --- processes --- */

static void free_child(struct child *c)
{
	struct launch_server *s = c->server;

	if (c->ended)
		event_free(c->ended);
	if (c->p.fd >= 0)
		s->cfg.launcher->detach(s->cfg.launcher->opaque, &c->p);
	TAILQ_REMOVE(&s->children, c, link);
	s->nr_children--;
	free(c);
}

static void note_end(struct child *c)
{
	const struct launcher *launcher = c->server->cfg.launcher;

	event_free(c->ended);
	c->ended = NULL;
	launcher->reap(launcher->opaque, &c->p, &c->end);
	c->p.fd = -1;
}

static void on_child_ended(evutil_socket_t fd, short what, void *opaque)
{
	struct child *c = opaque;

	note_end(c);
	/* nobody will ask */
	if (!c->claimed)
		free_child(c);
}

/* @p becomes the child's, or is let go of. Return: NULL: out of memory */
static struct child *add_child(struct launch_server *s, uint32_t domid, uint32_t devid, struct process *p)
{
	const struct launcher *launcher = s->cfg.launcher;
	struct child *c = calloc(1, sizeof(*c));
	struct event *ended = c ? event_new(s->cfg.base, p->fd, EV_READ, on_child_ended, c) : NULL;

	if (!ended || event_add(ended, NULL)) {
		if (ended)
			event_free(ended);
		free(c);
		launcher->detach(launcher->opaque, p);
		return NULL;
	}
	*c = (struct child){.server = s, .handle = ++s->last_handle, .domid = domid, .devid = devid, .p = *p, .ended = ended};
	TAILQ_INSERT_TAIL(&s->children, c, link);
	s->nr_children++;
	return c;
}

static struct child *find_child(struct launch_server *s, uint64_t handle)
{
	struct child *c;

	TAILQ_FOREACH (c, &s->children, link) {
		if (c->claimed && c->handle == handle)
			return c;
	}
	return NULL;
}

static struct child *find_running(struct launch_server *s, pid_t pid)
{
	struct child *c;

	TAILQ_FOREACH (c, &s->children, link) {
		if (c->p.fd >= 0 && c->p.pid == pid)
			return c;
	}
	return NULL;
}

static size_t count_of(const struct launch_server *s, uint32_t domid, uint32_t devid)
{
	const struct child *c;
	size_t nr = 0;

	TAILQ_FOREACH (c, &s->children, link)
		nr += c->domid == domid && c->devid == devid;
	return nr;
}

/* The one who knew them is no more. */
static void let_go(struct launch_server *s)
{
	struct child *c, *next;

	for (c = TAILQ_FIRST(&s->children); c; c = next) {
		next = TAILQ_NEXT(c, link);
		c->claimed = false;
		if (c->p.fd < 0)
			free_child(c);
	}
}

static int hand_out(struct child *c, struct launch_answer *answer, int *fd)
{
	c->claimed = true;
	answer->handle = c->handle;
	answer->value = (uint64_t)c->p.pid;
	*fd = c->p.fd;
	return 0;
}

/* --- questions, each checked for what is 0 already --- */

static int start(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct launch_server *s = peer->server;
	const struct launcher *launcher = s->cfg.launcher;
	struct process p;
	struct child *c;
	int rc;

	if (req->flags & ~LAUNCH_FLAGS || s->nr_children >= LAUNCH_PROCESSES_MAX || count_of(s, req->domid, req->devid) >= LAUNCH_OF_ONE_MAX)
		return -EPERM;
	rc = launcher->start(launcher->opaque, req->domid, req->devid, req->flags, &p);
	if (rc)
		return rc;
	c = add_child(s, req->domid, req->devid, &p);
	return c ? hand_out(c, answer, fd) : -ENOMEM;
}

static int attach(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct launch_server *s = peer->server;
	const struct launcher *launcher = s->cfg.launcher;
	struct process p;
	struct child *c;
	int rc = launcher->attach(launcher->opaque, req->domid, req->devid, &p);

	if (rc)
		return rc;
	c = find_running(s, p.pid);
	if (c) {
		launcher->detach(launcher->opaque, &p);
		return c->claimed || c->domid != req->domid || c->devid != req->devid ? -EPERM : hand_out(c, answer, fd);
	}
	if (s->nr_children >= LAUNCH_PROCESSES_MAX) {
		launcher->detach(launcher->opaque, &p);
		return -EPERM;
	}
	c = add_child(s, req->domid, req->devid, &p);
	return c ? hand_out(c, answer, fd) : -ENOMEM;
}

static int send_signal(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	const struct launcher *launcher = peer->server->cfg.launcher;
	struct child *c = find_child(peer->server, req->handle);

	if (!c || (req->value != SIGTERM && req->value != SIGABRT && req->value != SIGKILL))
		return -EPERM;
	if (c->p.fd >= 0)
		launcher->signal(launcher->opaque, &c->p, (int)req->value);
	return 0;
}

static int reap(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct child *c = find_child(peer->server, req->handle);
	struct pollfd ended = {.events = POLLIN};

	if (!c)
		return -EPERM;
	if (c->p.fd >= 0) {
		ended.fd = c->p.fd;
		if (poll(&ended, 1, 0) < 1)
			return -EAGAIN;
		note_end(c);
	}
	answer->known = c->end.known;
	answer->signalled = c->end.signalled;
	answer->end = c->end.value;
	free_child(c);
	return 0;
}

static int detach(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct child *c = find_child(peer->server, req->handle);

	if (!c)
		return -EPERM;
	c->claimed = false;
	if (c->p.fd < 0)
		free_child(c);
	return 0;
}

static int tell_program(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	const struct launcher *launcher = peer->server->cfg.launcher;
	struct child *c = find_child(peer->server, req->handle);

	if (!c)
		return -EPERM;
	answer->value = c->p.fd >= 0 ? launcher->runs(launcher->opaque, &c->p) : LAUNCHER_RUNS_OTHER;
	return 0;
}

static int pause_domain(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct launch_server *s = peer->server;
	int rc;

	if (s->paused[req->domid] >= LAUNCH_PAUSES_MAX)
		return -EPERM;
	rc = s->cfg.pause(s->cfg.opaque, req->domid, s->cfg.log);
	s->paused[req->domid] += !rc;
	return rc;
}

static int unpause_domain(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct launch_server *s = peer->server;

	if (s->paused[req->domid])
		s->paused[req->domid]--;
	else if (s->inherited[req->domid] < LAUNCH_INHERITED_MAX)
		s->inherited[req->domid]++;
	else
		return -EPERM;
	return s->cfg.unpause(s->cfg.opaque, req->domid, s->cfg.log);
}

static int tell_free(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	return peer->server->cfg.host_free(peer->server->cfg.opaque, &answer->value);
}

static int lend_listener(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	/* each has its own */
	bool watcher = peer->may & LAUNCH_MAY(LAUNCH_START);
	int rc;

	if (!req->value || req->value >= LAUNCH_LISTENERS || watcher == (req->value == LAUNCH_LISTENER_METRICS))
		return -EPERM;
	rc = peer->server->cfg.listener(peer->server->cfg.opaque, (enum launch_listener)req->value);
	if (rc < 0)
		return rc;
	*fd = rc;
	return 0;
}

static int hear_word(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	if (!req->value || req->value >= LAUNCH_WORDS)
		return -EPERM;
	if (peer->said >> req->value & 1)
		return 0;
	peer->said |= 1u << req->value;
	peer->server->cfg.tell(peer->server->cfg.opaque, (enum launch_word)req->value);
	return 0;
}

static int tell_companion(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	const struct supervisor_companion *companion = peer->server->cfg.companion;

	if (!companion)
		return -EPERM;
	if (req->op == LAUNCH_WANTED)
		companion->wanted(companion->opaque, req->domid, req->devid);
	else if (req->op == LAUNCH_GONE)
		companion->gone(companion->opaque, req->domid, req->devid);
	else
		companion->ready(companion->opaque);
	return 0;
}

static int greet(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	if (req->value != LAUNCH_VERSION)
		return -EPROTONOSUPPORT;
	peer->greeted = true;
	answer->value = peer->server->cfg.companion ? LAUNCH_HAS_COMPANION : 0;
	return 0;
}

/* What a question has beside its number. */
#define HAS_DOMID 1u
#define HAS_DEVID 2u
#define HAS_FLAGS 4u
#define HAS_HANDLE 8u
#define HAS_VALUE 16u

static const struct {
	int (*answer)(struct launch_peer *peer, const struct launch_request *req, struct launch_answer *answer, int *fd);
	unsigned int has;
} questions[LAUNCH_OPS] = {
	[LAUNCH_HELLO] = {greet, HAS_VALUE},
	[LAUNCH_START] = {start, HAS_DOMID | HAS_DEVID | HAS_FLAGS},
	[LAUNCH_ATTACH] = {attach, HAS_DOMID | HAS_DEVID},
	[LAUNCH_SIGNAL] = {send_signal, HAS_HANDLE | HAS_VALUE},
	[LAUNCH_REAP] = {reap, HAS_HANDLE},
	[LAUNCH_DETACH] = {detach, HAS_HANDLE},
	[LAUNCH_RUNS] = {tell_program, HAS_HANDLE},
	[LAUNCH_PAUSE] = {pause_domain, HAS_DOMID},
	[LAUNCH_UNPAUSE] = {unpause_domain, HAS_DOMID},
	[LAUNCH_HOST_FREE] = {tell_free, 0},
	[LAUNCH_LISTENER] = {lend_listener, HAS_VALUE},
	[LAUNCH_TELL] = {hear_word, HAS_VALUE},
	[LAUNCH_WANTED] = {tell_companion, HAS_DOMID | HAS_DEVID},
	[LAUNCH_GONE] = {tell_companion, HAS_DOMID | HAS_DEVID},
	[LAUNCH_ALL_SEEN] = {tell_companion, 0},
};

static bool is_question(const struct launch_peer *peer, const struct launch_request *req)
{
	unsigned int has;

	if (!req->op || req->op >= LAUNCH_OPS || req->zero || peer->greeted == (req->op == LAUNCH_HELLO))
		return false;
	has = questions[req->op].has;
	if ((has & HAS_DOMID) ? !req->domid || req->domid > DOMID_MAX : req->domid != 0)
		return false;
	if ((has & HAS_DEVID) ? req->devid > DEVID_MAX : req->devid != 0)
		return false;
	return (has & HAS_FLAGS || !req->flags) && (has & HAS_HANDLE || !req->handle) && (has & HAS_VALUE || !req->value);
}

int launch_server_answer(struct launch_peer *peer, const void *bytes, size_t len, struct launch_answer *answer, int *fd)
{
	struct launch_request req;

	*answer = (struct launch_answer){0};
	*fd = -1;
	if (len != sizeof(req))
		return -EPROTO;
	memcpy(&req, bytes, sizeof(req));
	if (!is_question(peer, &req))
		return -EPROTO;
	answer->op = req.op;
	answer->ret = peer->may & LAUNCH_MAY(req.op) ? questions[req.op].answer(peer, &req, answer, fd) : -EPERM;
	if (answer->ret == -EPERM)
		log_limited(peer->server->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, 0,
			    "the launcher refused question %u of a part of the service that may not ask it", req.op);
	return 0;
}

/* --- connections --- */

void launch_server_drop(struct launch_peer *peer)
{
	if (peer->may & LAUNCH_MAY(LAUNCH_START))
		let_go(peer->server);
	LIST_REMOVE(peer, link);
	if (peer->asks)
		event_free(peer->asks);
	close(peer->sock);
	free(peer);
}

static void on_question(evutil_socket_t sock, short what, void *opaque)
{
	struct launch_peer *peer = opaque;
	struct launch_server *s = peer->server;
	struct launch_request req;
	struct launch_answer answer;
	ssize_t len = fd_message_receive((int)sock, &req, sizeof(req));
	int fd, rc;

	if (len == -EAGAIN || len == -EINTR)
		return;
	rc = len > 0 ? launch_server_answer(peer, &req, (size_t)len, &answer, &fd) : (int)len;
	if (!rc && len)
		rc = fd_message_send((int)sock, &answer, sizeof(answer), fd);
	if (!rc && len)
		return;
	/* of one that is gone, and of one whose answers nobody takes, there is nothing to say */
	if (rc == -EPROTO)
		log_msg(s->cfg.log, LOG_LEVEL_ERROR, 0, "a part of the service sent its launcher what is no question: it is ended");
	if (s->cfg.gone)
		s->cfg.gone(s->cfg.opaque, peer, rc == -EPROTO);
	launch_server_drop(peer);
}

struct launch_peer *launch_server_peer(struct launch_server *s, int sock, unsigned int may)
{
	struct launch_peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		close(sock);
		return NULL;
	}
	*peer = (struct launch_peer){.server = s, .sock = sock, .may = may};
	LIST_INSERT_HEAD(&s->peers, peer, link);
	peer->asks = event_new(s->cfg.base, sock, EV_READ | EV_PERSIST, on_question, peer);
	if (peer->asks && !event_add(peer->asks, NULL))
		return peer;
	launch_server_drop(peer);
	return NULL;
}

int launch_server_new(struct launch_server **out, const struct launch_server_config *cfg)
{
	struct launch_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	TAILQ_INIT(&s->children);
	LIST_INIT(&s->peers);
	*out = s;
	return 0;
}

void launch_server_free(struct launch_server *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->peers))
		launch_server_drop(LIST_FIRST(&s->peers));
	while (!TAILQ_EMPTY(&s->children))
		free_child(TAILQ_FIRST(&s->children));
	free(s);
}

void launch_server_end_processes(struct launch_server *s)
{
	const struct launcher *launcher = s->cfg.launcher;
	struct child *c;

	TAILQ_FOREACH (c, &s->children, link) {
		if (c->p.fd >= 0)
			launcher->signal(launcher->opaque, &c->p, SIGTERM);
	}
}

size_t launch_server_processes(const struct launch_server *s)
{
	return s->nr_children;
}
