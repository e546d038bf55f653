// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Questions to the launcher, see launch-client.h. What it answers is believed: it has all rights.
 */
#include "config.h"

#include "backend/service/launch-client.h"
#include "backend/base/fd-message.h"
#include "backend/base/state-file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct launch_handle {
	LIST_ENTRY(launch_handle) link;
	int fd; /* of its struct process */
	uint64_t handle;
};

int launch_exchange_socket(void *opaque, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	const int *sock = opaque;
	int rc = fd_message_send(*sock, req, sizeof(*req), -1);

	*fd = -1;
	if (!rc)
		rc = fd_message_await(*sock, answer, sizeof(*answer), fd);
	return rc;
}

/* Return: what was answered; -errno */
static int ask_all(struct launch_client *c, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	int rc = c->exchange(c->opaque, req, answer, fd);

	if (!rc && answer->op != req->op)
		rc = -EPROTO;
	if (!rc)
		rc = answer->ret;
	if (rc && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

static int ask(struct launch_client *c, const struct launch_request *req)
{
	struct launch_answer answer;
	int fd, rc = ask_all(c, req, &answer, &fd);

	if (!rc && fd >= 0)
		close(fd);
	return rc;
}

static struct launch_handle *find_handle(struct launch_client *c, const struct process *p)
{
	struct launch_handle *h;

	LIST_FOREACH (h, &c->handles, link) {
		if (h->fd == p->fd)
			return h;
	}
	return NULL;
}

static void forget(struct launch_client *c, struct process *p)
{
	struct launch_handle *h = find_handle(c, p);

	if (h) {
		LIST_REMOVE(h, link);
		free(h);
	}
	close(p->fd);
	p->fd = -1;
}

/* --- struct launcher --- */

static int ask_for_process(struct launch_client *c, enum launch_op op, uint32_t domid, uint32_t devid, unsigned int flags, struct process *p)
{
	const struct launch_request req = {.op = op, .domid = domid, .devid = devid, .flags = flags};
	struct launch_handle *h = calloc(1, sizeof(*h));
	struct launch_answer answer;
	int fd, rc = h ? ask_all(c, &req, &answer, &fd) : -ENOMEM;

	if (!rc && fd < 0)
		rc = -EPROTO;
	if (rc) {
		free(h);
		return rc;
	}
	*h = (struct launch_handle){.fd = fd, .handle = answer.handle};
	LIST_INSERT_HEAD(&c->handles, h, link);
	*p = (struct process){.pid = (pid_t)answer.value, .fd = fd};
	return 0;
}

static int start(void *opaque, uint32_t domid, uint32_t devid, unsigned int flags, struct process *p)
{
	return ask_for_process(opaque, LAUNCH_START, domid, devid, flags, p);
}

static int attach(void *opaque, uint32_t domid, uint32_t devid, struct process *p)
{
	return ask_for_process(opaque, LAUNCH_ATTACH, domid, devid, 0, p);
}

static int read_life(void *opaque, uint32_t domid, uint32_t devid, uint64_t *mark)
{
	const struct launch_client *c = opaque;

	return state_file_life(c->state_dir, domid, devid, mark);
}

static enum launcher_runs ask_program(void *opaque, const struct process *p)
{
	struct launch_client *c = opaque;
	const struct launch_handle *h = find_handle(c, p);
	struct launch_answer answer;
	int fd = -1;
	enum launcher_runs runs = LAUNCHER_RUNS_OTHER;

	if (h && !ask_all(c, &(struct launch_request){.op = LAUNCH_RUNS, .handle = h->handle}, &answer, &fd))
		runs = (enum launcher_runs)answer.value;
	if (fd >= 0)
		close(fd);
	return runs;
}

static void send_signal(void *opaque, const struct process *p, int signal)
{
	struct launch_client *c = opaque;
	const struct launch_handle *h = find_handle(c, p);

	if (h)
		ask(c, &(struct launch_request){.op = LAUNCH_SIGNAL, .handle = h->handle, .value = (uint32_t)signal});
}

static void reap(void *opaque, struct process *p, struct process_end *end)
{
	struct launch_client *c = opaque;
	const struct launch_handle *h = find_handle(c, p);
	struct launch_answer answer;
	int fd = -1;

	*end = (struct process_end){0};
	if (h && !ask_all(c, &(struct launch_request){.op = LAUNCH_REAP, .handle = h->handle}, &answer, &fd))
		*end = (struct process_end){.known = answer.known, .signalled = answer.signalled, .value = answer.end};
	if (fd >= 0)
		close(fd);
	forget(c, p);
}

static void detach(void *opaque, struct process *p)
{
	struct launch_client *c = opaque;
	const struct launch_handle *h = find_handle(c, p);

	if (h)
		ask(c, &(struct launch_request){.op = LAUNCH_DETACH, .handle = h->handle});
	forget(c, p);
}

/* --- the companion --- */

static void wanted(void *opaque, uint32_t domid, uint32_t devid)
{
	ask(opaque, &(struct launch_request){.op = LAUNCH_WANTED, .domid = domid, .devid = devid});
}

static void gone(void *opaque, uint32_t domid, uint32_t devid)
{
	ask(opaque, &(struct launch_request){.op = LAUNCH_GONE, .domid = domid, .devid = devid});
}

static void all_seen(void *opaque)
{
	ask(opaque, &(struct launch_request){.op = LAUNCH_ALL_SEEN});
}

/* --- the rest --- */

int launch_client_pause(struct launch_client *c, uint32_t domid)
{
	return ask(c, &(struct launch_request){.op = LAUNCH_PAUSE, .domid = domid});
}

int launch_client_unpause(struct launch_client *c, uint32_t domid)
{
	return ask(c, &(struct launch_request){.op = LAUNCH_UNPAUSE, .domid = domid});
}

int launch_client_host_free(struct launch_client *c, uint64_t *kib)
{
	struct launch_answer answer;
	int fd = -1, rc = ask_all(c, &(struct launch_request){.op = LAUNCH_HOST_FREE}, &answer, &fd);

	if (!rc)
		*kib = answer.value;
	if (fd >= 0)
		close(fd);
	return rc;
}

int launch_client_listener(struct launch_client *c, enum launch_listener which)
{
	struct launch_answer answer;
	int fd = -1, rc = ask_all(c, &(struct launch_request){.op = LAUNCH_LISTENER, .value = which}, &answer, &fd);

	return rc ? rc : fd < 0 ? -EPROTO : fd;
}

void launch_client_tell(struct launch_client *c, enum launch_word word)
{
	ask(c, &(struct launch_request){.op = LAUNCH_TELL, .value = word});
}

int launch_client_open(struct launch_client *c, launch_exchange *exchange, void *opaque, const char *state_dir)
{
	struct launch_answer answer;
	int fd = -1, rc;

	*c = (struct launch_client){.exchange = exchange, .opaque = opaque, .state_dir = state_dir};
	LIST_INIT(&c->handles);
	c->launcher = (struct launcher){
		.start = start,
		.attach = attach,
		.life = read_life,
		.runs = ask_program,
		.signal = send_signal,
		.reap = reap,
		.detach = detach,
		.opaque = c,
	};
	c->companion = (struct supervisor_companion){.wanted = wanted, .gone = gone, .ready = all_seen, .opaque = c};
	rc = ask_all(c, &(struct launch_request){.op = LAUNCH_HELLO, .value = LAUNCH_VERSION}, &answer, &fd);
	c->has_companion = !rc && answer.value & LAUNCH_HAS_COMPANION;
	if (fd >= 0)
		close(fd);
	return rc;
}

void launch_client_close(struct launch_client *c)
{
	while (!LIST_EMPTY(&c->handles)) {
		struct launch_handle *h = LIST_FIRST(&c->handles);

		LIST_REMOVE(h, link);
		free(h);
	}
}
