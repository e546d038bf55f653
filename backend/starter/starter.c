// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a backend is started, and when it is ended. Everything happens in callbacks of one event base.
 */
#include "config.h"

#include "backend/starter/starter.h"
#include "backend/base/backend-socket.h"
#include "backend/base/clock.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 30000u
#define SETTLED_MS 10000u
/** between two looks whether what was left over still has its device */
#define LOOK_MS 5000u
#define VM_PREFIX "/vm/"

enum backend_state {
	BACKEND_IDLE,	 /* not even tried */
	BACKEND_RUNNING,
	BACKEND_WAITING, /* for its back-off */
	BACKEND_ENDING,	 /* it was told to */
};

struct backend {
	TAILQ_ENTRY(backend) link;
	struct starter *starter;
	uint32_t domid;
	uint32_t devid;
	enum backend_state state;
	bool wanted;
	bool inherited;		/* a service before this one started it, and nobody has wanted it yet */
	struct process process; /* while running or ending */
	struct event *ended;	/* likewise */
	struct timer *timer;	/* back-off; while ending, when to stop waiting */
	unsigned int backoff_ms;
	uint64_t since_ms;
};

struct starter {
	struct starter_config cfg;
	struct supervisor_companion companion;
	struct timer *look;
	TAILQ_HEAD(, backend) backends;
	size_t nr;
};

#define SAY(b, level, err, format, ...)                                                                      \
	log_msg((b)->starter->cfg.log, level, err, "backend of device %" PRIu32 " of domain %" PRIu32 ": " format, (b)->devid, \
		(b)->domid, ##__VA_ARGS__)

static struct backend *find_backend(struct starter *s, uint32_t domid, uint32_t devid)
{
	struct backend *b;

	TAILQ_FOREACH (b, &s->backends, link)
		if (b->domid == domid && b->devid == devid)
			return b;
	return NULL;
}

static const char *socket_path(const struct backend *b, char path[BACKEND_SOCKET_PATH_MAX])
{
	return backend_socket_path(path, b->starter->cfg.socket, b->domid, b->devid) ? NULL : path;
}

static void unfollow(struct backend *b)
{
	if (b->ended)
		event_free(b->ended);
	b->ended = NULL;
}

/* Its process, if any, runs on. */
static void drop_backend(struct backend *b)
{
	const struct backend_runner *runner = b->starter->cfg.runner;

	unfollow(b);
	if (b->process.fd >= 0)
		runner->detach(runner->opaque, &b->process);
	timer_free(b->timer);
	TAILQ_REMOVE(&b->starter->backends, b, link);
	b->starter->nr--;
	free(b);
}

/* Nobody wants it, and there is no process. */
static void forget_backend(struct backend *b)
{
	const struct backend_runner *runner = b->starter->cfg.runner;
	char path[BACKEND_SOCKET_PATH_MAX];

	runner->tidy(runner->opaque, b->domid, b->devid, socket_path(b, path));
	drop_backend(b);
}

static void wait_a_while(struct backend *b)
{
	const struct starter_config *cfg = &b->starter->cfg;

	b->state = BACKEND_WAITING;
	timer_set(b->timer, b->backoff_ms);
	b->backoff_ms = b->backoff_ms > cfg->backoff_max_ms / 2 ? cfg->backoff_max_ms : b->backoff_ms * 2;
}

/* --- what it is started with --- */

/* Return: 0; -EINVAL it may not stand in a command, told; -errno, told */
static int read_name(struct backend *b, char name[XENVIRTIO_STORE_TEXT_MAX])
{
	const struct starter_config *cfg = &b->starter->cfg;
	int rc = cfg->read_domain(cfg->opaque, b->domid, "name", name);

	if (!rc && plan_name_valid(name))
		return 0;
	if (rc)
		SAY(b, LOG_LEVEL_WARNING, rc, "the guest's name cannot be read");
	else
		SAY(b, LOG_LEVEL_ERROR, 0,
		    "the guest's name may not stand in a command: give it up to %u letters, digits, ., _, + and -, of which the last four "
		    "but for _ are not in front; or use %%u in place of %%n",
		    PLAN_NAME_MAX);
	return rc ? rc : -EINVAL;
}

static int read_uuid(struct backend *b, char uuid[XENVIRTIO_STORE_TEXT_MAX])
{
	const struct starter_config *cfg = &b->starter->cfg;
	char vm[XENVIRTIO_STORE_TEXT_MAX];
	int rc = cfg->read_domain(cfg->opaque, b->domid, "vm", vm);

	if (!rc && (strncmp(vm, VM_PREFIX, strlen(VM_PREFIX)) != 0 || !plan_uuid_valid(vm + strlen(VM_PREFIX))))
		rc = -EINVAL;
	if (!rc)
		strcpy(uuid, vm + strlen(VM_PREFIX));
	else
		SAY(b, LOG_LEVEL_WARNING, rc, "the guest's UUID cannot be read");
	return rc;
}

/* Return: 0; -errno, told */
static int start_backend(struct backend *b)
{
	const struct starter_config *cfg = &b->starter->cfg;
	char path[BACKEND_SOCKET_PATH_MAX], name[XENVIRTIO_STORE_TEXT_MAX], uuid[XENVIRTIO_STORE_TEXT_MAX];
	struct plan_device device = {.domid = b->domid, .devid = b->devid, .socket = socket_path(b, path)};
	char **argv;
	int rc = device.socket ? 0 : -EINVAL;

	if (!rc && cfg->plan->names_guest) {
		rc = read_name(b, name);
		device.name = name;
	}
	if (!rc && cfg->plan->names_uuid) {
		rc = read_uuid(b, uuid);
		device.uuid = uuid;
	}
	if (rc)
		return rc;
	rc = plan_words(cfg->plan, &device, &argv);
	if (rc) {
		SAY(b, LOG_LEVEL_ERROR, rc, "its command cannot be made");
		return rc;
	}
	rc = cfg->runner->start(cfg->runner->opaque, &device, argv, &b->process);
	free(argv);
	return rc;
}

/* --- processes --- */

static void on_ended(evutil_socket_t fd, short what, void *opaque);

/* @b->process was filled in. Return: 0; -ENOMEM, and it was let go */
static int follow(struct backend *b)
{
	const struct backend_runner *runner = b->starter->cfg.runner;

	b->ended = event_new(b->starter->cfg.base, b->process.fd, EV_READ, on_ended, b);
	if (b->ended && !event_add(b->ended, NULL)) {
		timer_stop(b->timer);
		b->state = BACKEND_RUNNING;
		b->since_ms = clock_now_ms();
		return 0;
	}
	unfollow(b);
	/* the next attempt finds it */
	runner->detach(runner->opaque, &b->process);
	return -ENOMEM;
}

static int attach_backend(struct backend *b)
{
	const struct backend_runner *runner = b->starter->cfg.runner;
	int rc = runner->attach(runner->opaque, b->domid, b->devid, &b->process);

	if (!rc)
		rc = follow(b);
	if (!rc)
		SAY(b, LOG_LEVEL_NOTICE, 0, "runs already, as process %ld", (long)b->process.pid);
	return rc;
}

static void provide_backend(struct backend *b)
{
	int rc = attach_backend(b);

	if (rc == XENVIRTIO_E_EMPTY) {
		rc = start_backend(b);
		if (!rc)
			rc = follow(b);
		if (!rc)
			SAY(b, LOG_LEVEL_INFO, 0, "started process %ld", (long)b->process.pid);
	}
	if (!rc)
		return;
	SAY(b, LOG_LEVEL_WARNING, rc < 0 ? rc : 0, "is not started: tried again in %u ms", b->backoff_ms);
	wait_a_while(b);
}

static void end_backend(struct backend *b)
{
	const struct backend_runner *runner = b->starter->cfg.runner;

	b->state = BACKEND_ENDING;
	timer_set(b->timer, STARTER_END_MS);
	runner->signal(runner->opaque, &b->process, SIGTERM);
}

static void on_timer(void *opaque)
{
	struct backend *b = opaque;
	const struct backend_runner *runner = b->starter->cfg.runner;

	if (b->state != BACKEND_ENDING) {
		provide_backend(b);
		return;
	}
	SAY(b, LOG_LEVEL_WARNING, 0, "process %ld does not end: SIGKILL", (long)b->process.pid);
	runner->signal(runner->opaque, &b->process, SIGKILL);
}

static void tell_end(const struct backend *b, const struct process_end *end, pid_t pid)
{
	/* some end when who was connected to them has gone: that is no fault */
	enum log_level level = end->known && !end->signalled && !end->value ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING;
	char text[PROCESS_END_TEXT_MAX];

	process_end_text(end, text);
	SAY(b, level, 0, "process %ld %s: started again in %u ms", (long)pid, text, b->backoff_ms);
}

static void on_ended(evutil_socket_t fd, short what, void *opaque)
{
	struct backend *b = opaque;
	const struct starter_config *cfg = &b->starter->cfg;
	bool was_told = b->state == BACKEND_ENDING;
	pid_t pid = b->process.pid;
	struct process_end end;

	unfollow(b);
	timer_stop(b->timer);
	cfg->runner->reap(cfg->runner->opaque, &b->process, &end);
	if (!b->wanted) {
		forget_backend(b);
		return;
	}
	if (was_told || clock_now_ms() - b->since_ms >= cfg->settled_ms)
		b->backoff_ms = cfg->backoff_min_ms;
	if (!was_told)
		tell_end(b, &end, pid);
	wait_a_while(b);
}

/* --- what the supervisor tells --- */

static struct backend *add_backend(struct starter *s, uint32_t domid, uint32_t devid)
{
	struct backend *b;

	if (s->nr >= STARTER_BACKENDS_MAX) {
		log_limited(s->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_ERROR, 0,
			    "device %" PRIu32 " of domain %" PRIu32 " gets no backend: there are %u", devid, domid, STARTER_BACKENDS_MAX);
		return NULL;
	}
	b = calloc(1, sizeof(*b));
	if (b)
		b->timer = timer_new(s->cfg.base, on_timer, b);
	if (!b || !b->timer) {
		log_msg(s->cfg.log, LOG_LEVEL_ERROR, -ENOMEM, "device %" PRIu32 " of domain %" PRIu32 " gets no backend", devid, domid);
		free(b);
		return NULL;
	}
	b->starter = s;
	b->domid = domid;
	b->devid = devid;
	b->process.fd = -1;
	b->backoff_ms = s->cfg.backoff_min_ms;
	TAILQ_INSERT_TAIL(&s->backends, b, link);
	s->nr++;
	return b;
}

static void device_wanted(void *opaque, uint32_t domid, uint32_t devid)
{
	struct starter *s = opaque;
	struct backend *b = find_backend(s, domid, devid);

	if (!b)
		b = add_backend(s, domid, devid);
	if (!b)
		return;
	b->wanted = true;
	b->inherited = false;
	if (b->state == BACKEND_IDLE)
		provide_backend(b);
}

static void device_gone(void *opaque, uint32_t domid, uint32_t devid)
{
	struct starter *s = opaque;
	struct backend *b = find_backend(s, domid, devid);

	if (!b)
		return;
	b->wanted = false;
	b->inherited = false;
	if (b->state == BACKEND_RUNNING)
		end_backend(b);
	else if (b->state != BACKEND_ENDING)
		forget_backend(b);
}

/* --- what is left over --- */

static void take_leftover(void *opaque, uint32_t domid, uint32_t devid)
{
	struct starter *s = opaque;
	struct backend *b = find_backend(s, domid, devid) ? NULL : add_backend(s, domid, devid);
	int rc;

	if (!b)
		return;
	rc = attach_backend(b);
	if (!rc)
		b->inherited = true;
	else if (rc == XENVIRTIO_E_EMPTY)
		forget_backend(b);
	else
		drop_backend(b);
}

static void look_at_leftovers(void *opaque)
{
	struct starter *s = opaque;
	struct backend *b;
	bool left = false;

	TAILQ_FOREACH (b, &s->backends, link) {
		if (!b->inherited)
			continue;
		if (s->cfg.find_device(s->cfg.opaque, b->domid, b->devid) != -ENOENT) {
			left = true;
			continue;
		}
		SAY(b, LOG_LEVEL_NOTICE, 0, "its device has gone meanwhile: process %ld is ended", (long)b->process.pid);
		b->inherited = false;
		end_backend(b);
	}
	if (left)
		timer_set(s->look, LOOK_MS);
}

/* Not before: it takes the service's lock to be the one that does this. */
static void all_seen(void *opaque)
{
	struct starter *s = opaque;

	s->cfg.runner->leftovers(s->cfg.runner->opaque, take_leftover, s);
	timer_set(s->look, 0);
}

/* --- the starter --- */

int starter_new(struct starter **out, const struct starter_config *cfg)
{
	struct starter *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	if (!s->cfg.backoff_min_ms)
		s->cfg.backoff_min_ms = BACKOFF_MIN_MS;
	if (!s->cfg.backoff_max_ms)
		s->cfg.backoff_max_ms = BACKOFF_MAX_MS;
	if (!s->cfg.settled_ms)
		s->cfg.settled_ms = SETTLED_MS;
	TAILQ_INIT(&s->backends);
	s->look = timer_new(cfg->base, look_at_leftovers, s);
	if (!s->look) {
		free(s);
		return -ENOMEM;
	}
	s->companion = (struct supervisor_companion){.wanted = device_wanted, .gone = device_gone, .ready = all_seen, .opaque = s};
	*out = s;
	return 0;
}

/* The event loop is over. */
static void await_end(struct backend *b, uint64_t end_ms)
{
	const struct backend_runner *runner = b->starter->cfg.runner;
	uint64_t now_ms = clock_now_ms();
	struct process_end end;

	if (clock_wait(b->process.fd, now_ms < end_ms ? (unsigned int)(end_ms - now_ms) : 0) != 1) {
		SAY(b, LOG_LEVEL_WARNING, 0, "process %ld does not end: SIGKILL", (long)b->process.pid);
		runner->signal(runner->opaque, &b->process, SIGKILL);
		if (clock_wait(b->process.fd, STARTER_END_MS) != 1)
			return;
	}
	unfollow(b);
	runner->reap(runner->opaque, &b->process, &end);
	forget_backend(b);
}

void starter_free(struct starter *s)
{
	uint64_t end_ms = clock_now_ms() + STARTER_END_MS;
	struct backend *b, *next;

	if (!s)
		return;
	for (b = TAILQ_FIRST(&s->backends); b; b = next) {
		next = TAILQ_NEXT(b, link);
		if (b->state == BACKEND_ENDING)
			await_end(b, end_ms);
	}
	while (!TAILQ_EMPTY(&s->backends))
		drop_backend(TAILQ_FIRST(&s->backends));
	timer_free(s->look);
	free(s);
}

void starter_asker_died(struct starter *s)
{
	struct backend *b, *next;

	for (b = TAILQ_FIRST(&s->backends); b; b = next) {
		next = TAILQ_NEXT(b, link);
		b->wanted = false;
		if (b->state == BACKEND_RUNNING)
			b->inherited = true;
		else if (b->state != BACKEND_ENDING)
			forget_backend(b);
	}
}

const struct supervisor_companion *starter_companion(const struct starter *s)
{
	return &s->companion;
}
