// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One device: from its node to its process and back. Whatever is decided is decided by the node as
 * it is read at that moment: before a start, and after an end. While a process is there, the node is
 * its business alone.
 */
#include "backend/service/supervisor-internal.h"

#include "backend/base/clock.h"
#include "backend/xenstore/discovery.h"

#include <event2/event.h>
#include <inttypes.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** a process that is just ending has not let go of its device yet: it is looked for again so soon, and so often */
#define LOOK_MS 5u
#define LOOKS_MAX 40u

bool device_has_process(const struct device *dev)
{
	return dev->state == DEVICE_STARTING || dev->state == DEVICE_SERVING;
}

struct device *device_find(struct supervisor *sup, uint32_t domid, uint32_t devid)
{
	struct device *dev;

	TAILQ_FOREACH (dev, &sup->devices, link) {
		if (dev->domid == domid && dev->devid == devid)
			return dev;
	}
	return NULL;
}

/* The one place where a state is left and another begins. */
static void enter_state(struct device *dev, enum device_state state)
{
	struct supervisor *sup = dev->sup;

	if (dev->state == DEVICE_QUEUED)
		TAILQ_REMOVE(&sup->queue, dev, queue);
	if (dev->state == DEVICE_STARTING)
		sup->nr_starting--;
	timer_stop(dev->timer);
	dev->state = state;
	if (state == DEVICE_QUEUED)
		TAILQ_INSERT_TAIL(&sup->queue, dev, queue);
	if (state == DEVICE_STARTING)
		sup->nr_starting++;
	if (state == DEVICE_SERVING) {
		dev->since_ms = clock_now_ms();
		dev->life = (struct life){0};
	}
	upgrade_note_state(dev, false);
	if (state != DEVICE_QUEUED && state != DEVICE_STARTING)
		hold_release(dev);
	/* a slot is free, or somebody wants one; not from here: this may be deep inside a scan */
	if (!sup->stopping && !timer_is_set(sup->starts))
		timer_set(sup->starts, 0);
}

void device_gone(const struct device *dev)
{
	const struct supervisor_companion *companion = dev->sup->env.companion;

	if (companion)
		companion->gone(companion->opaque, dev->domid, dev->devid);
}

static void device_wanted(const struct device *dev)
{
	const struct supervisor_companion *companion = dev->sup->env.companion;

	if (companion)
		companion->wanted(companion->opaque, dev->domid, dev->devid);
}

void device_free(struct device *dev)
{
	struct supervisor *sup = dev->sup;

	/* a service that leaves its devices to the next one leaves it these as well */
	if (!sup->ended)
		device_gone(dev);
	upgrade_note_state(dev, true);
	enter_state(dev, DEVICE_ALONE);
	if (dev->ended)
		event_free(dev->ended);
	if (dev->process.fd >= 0)
		sup->env.launcher->detach(sup->env.launcher->opaque, &dev->process);
	timer_free(dev->timer);
	TAILQ_REMOVE(&sup->devices, dev, link);
	free(dev);
}

static void on_timer(void *opaque)
{
	struct device *dev = opaque;

	if (dev->state == DEVICE_WAITING) {
		enter_state(dev, DEVICE_QUEUED);
		return;
	}
	log_msg(dev->sup->log, LOG_LEVEL_WARNING, 0,
		"device %" PRIu32 " of domain %" PRIu32
		": process %ld does not serve yet: others are started meanwhile",
		dev->devid, dev->domid, (long)dev->process.pid);
	enter_state(dev, DEVICE_SERVING);
}

static struct device *add_device(struct supervisor *sup, uint32_t domid, uint32_t devid)
{
	struct device *dev = calloc(1, sizeof(*dev));

	if (dev)
		dev->timer = timer_new(sup->base, on_timer, dev);
	if (!dev || !dev->timer) {
		log_msg(sup->log, LOG_LEVEL_ERROR, -ENOMEM,
			"device %" PRIu32 " of domain %" PRIu32 " is not served", devid, domid);
		free(dev);
		return NULL;
	}
	dev->sup = sup;
	dev->domid = domid;
	dev->devid = devid;
	dev->process.fd = -1;
	dev->backoff_ms = sup->env.first_ms;
	TAILQ_INSERT_TAIL(&sup->devices, dev, link);
	return dev;
}

static void wait_a_while(struct device *dev)
{
	const struct supervisor_env *env = &dev->sup->env;

	enter_state(dev, DEVICE_WAITING);
	timer_set(dev->timer, dev->backoff_ms);
	if (!dev->backoff_ms)
		dev->backoff_ms = env->backoff_min_ms;
	else
		dev->backoff_ms = dev->backoff_ms > env->backoff_max_ms / 2 ? env->backoff_max_ms : dev->backoff_ms * 2;
}

/* --- processes --- */

static void on_ended(evutil_socket_t fd, short what, void *opaque);

/* @dev->process was filled in. */
static int follow_process(struct device *dev)
{
	dev->ended = event_new(dev->sup->base, dev->process.fd, EV_READ, on_ended, dev);
	if (dev->ended && !event_add(dev->ended, NULL))
		return 0;
	if (dev->ended)
		event_free(dev->ended);
	dev->ended = NULL;
	return -ENOMEM;
}

/* Return: 0 somebody serves it, and is followed; else as launcher->attach() */
static int attach_process(struct device *dev)
{
	const struct launcher *launcher = dev->sup->env.launcher;
	int rc = launcher->attach(launcher->opaque, dev->domid, dev->devid, &dev->process);

	if (!rc) {
		rc = follow_process(dev);
		if (rc)
			launcher->detach(launcher->opaque, &dev->process);
	}
	if (rc)
		return rc;
	enter_state(dev, DEVICE_SERVING);
	log_msg(dev->sup->log, LOG_LEVEL_NOTICE, 0,
		"device %" PRIu32 " of domain %" PRIu32 " is served already, by process %ld",
		dev->devid, dev->domid, (long)dev->process.pid);
	return 0;
}

static int start_process(struct device *dev)
{
	const struct launcher *launcher = dev->sup->env.launcher;
	int rc = launcher->start(launcher->opaque, dev->domid, dev->devid, 0, &dev->process);

	if (rc)
		return rc;
	rc = follow_process(dev);
	if (rc) {
		/* it cannot be watched: it is left to the next attempt, which finds it */
		launcher->detach(launcher->opaque, &dev->process);
		return rc;
	}
	enter_state(dev, DEVICE_STARTING);
	timer_set(dev->timer, dev->sup->env.start_ms);
	log_msg(dev->sup->log, LOG_LEVEL_INFO, 0,
		"device %" PRIu32 " of domain %" PRIu32 ": started process %ld", dev->devid,
		dev->domid, (long)dev->process.pid);
	return 0;
}

int device_follow(struct device *dev)
{
	int rc = follow_process(dev);

	if (rc)
		return rc;
	enter_state(dev, DEVICE_STARTING);
	timer_set(dev->timer, dev->sup->env.start_ms);
	/* it may have come to serve before its predecessor's end was seen here */
	device_look_path(dev->sup, dev->domid, dev->devid);
	return 0;
}

static void provide_process(struct device *dev)
{
	int rc = attach_process(dev);

	if (rc == XENVIRTIO_E_EMPTY)
		rc = start_process(dev);
	if (!rc) {
		dev->looks = 0;
		return;
	}
	if (rc == XENVIRTIO_E_AGAIN && dev->looks++ < LOOKS_MAX) {
		enter_state(dev, DEVICE_WAITING);
		timer_set(dev->timer, LOOK_MS);
		return;
	}
	dev->looks = 0;
	if (rc < 0)
		log_msg(dev->sup->log, LOG_LEVEL_ERROR, rc,
			"device %" PRIu32 " of domain %" PRIu32
			": cannot start its process: tried again in %u ms",
			dev->devid, dev->domid, dev->backoff_ms);
	wait_a_while(dev);
}

/* --- the node --- */

static int read_node(struct supervisor *sup, uint32_t domid, uint32_t devid,
		     struct xenvirtio_xenbus *bus, char *why, size_t why_size)
{
	struct xenvirtio_store *store = store_link_store(sup->link);

	if (!store)
		return -EPIPE;
	return store_link_failed(sup->link,
				 xenvirtio_xenbus_read(store, domid, devid, sup->opts->program->node_type, bus,
						       why, why_size));
}

static bool closing_wanted(const struct xenvirtio_xenbus *bus)
{
	return !bus->online || bus->state == XENVIRTIO_XENBUS_CLOSING;
}

static bool same_node(const struct xenvirtio_xenbus *a, const struct xenvirtio_xenbus *b)
{
	return a->base.v == b->base.v && a->irq == b->irq && a->grant_usage == b->grant_usage &&
	       a->state == b->state;
}

/* Nothing can be done with it as it is: said once. */
static void leave_alone(struct device *dev, enum log_level level, const char *why)
{
	enter_state(dev, DEVICE_ALONE);
	device_gone(dev);
	if (!dev->told)
		log_msg(dev->sup->log, level, 0, "left alone: %s", why);
	dev->told = true;
}

/*
 * The toolstack waits for XenbusState 6 before it goes on. There may be a process after all, which
 * an earlier supervisor started: then that is who answers.
 */
static void answer_close(struct device *dev, const struct xenvirtio_xenbus *bus)
{
	struct supervisor *sup = dev->sup;

	if (!attach_process(dev))
		return;
	if (bus->state != XENVIRTIO_XENBUS_CLOSED)
		store_link_failed(sup->link,
				  xenvirtio_xenbus_set_state(store_link_store(sup->link), bus,
							     XENVIRTIO_XENBUS_CLOSED));
	device_free(dev);
}

/*
 * What is to become of a device without a process, by its node. True: it may be served, @dev->bus
 * is new. False: it was seen to, and may be freed.
 */
static bool judge_node(struct device *dev, int rc, const struct xenvirtio_xenbus *bus,
		       const char *why)
{
	switch (rc) {
	case 0:
		break;
	case XENVIRTIO_E_EMPTY:
	case XENVIRTIO_E_AGAIN: /* half written: its watch will fire once more */
		device_free(dev);
		return false;
	case -EPIPE:
		return false;
	case -ENODEV:
		leave_alone(dev, LOG_LEVEL_INFO, why);
		return false;
	default:
		leave_alone(dev, LOG_LEVEL_WARNING, why);
		return false;
	}
	if (closing_wanted(bus)) {
		answer_close(dev, bus);
		return false;
	}
	if (dev->refused && same_node(bus, &dev->bus))
		return false;
	dev->refused = false;
	dev->bus = *bus;
	return true;
}

void device_look(struct supervisor *sup, uint32_t domid, uint32_t devid)
{
	struct device *dev = device_find(sup, domid, devid);
	char why[DISCOVERY_WHY_MAX] = "";
	struct xenvirtio_xenbus bus;
	int rc;

	/* the event of its key may have been lost with a connection */
	if (dev && dev->state == DEVICE_STARTING)
		device_look_path(sup, domid, devid);
	if (sup->stopping || (dev && device_has_process(dev)))
		return;
	rc = read_node(sup, domid, devid, &bus, why, sizeof(why));
	if (!dev && (rc == XENVIRTIO_E_EMPTY || rc == XENVIRTIO_E_AGAIN || rc == -EPIPE))
		return;
	if (!dev) {
		dev = add_device(sup, domid, devid);
		/* of another type, it is another service that holds its guest at this moment */
		if (dev && rc != -ENODEV)
			hold_inherit(dev);
	}
	if (dev && judge_node(dev, rc, &bus, why) && dev->state == DEVICE_ALONE) {
		hold_guest(dev);
		device_wanted(dev);
		enter_state(dev, DEVICE_QUEUED);
	}
}

void device_look_path(struct supervisor *sup, uint32_t domid, uint32_t devid)
{
	struct device *dev = device_find(sup, domid, devid);
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	if (!dev || dev->state != DEVICE_STARTING)
		return;
	snprintf(path, sizeof(path), SUPERVISOR_TREE "/%" PRIu32 "/%" PRIu32 "/path", domid, devid);
	/* the event may be that of its removal */
	if (!store_link_read(sup->link, path, value, sizeof(value)))
		enter_state(dev, DEVICE_SERVING);
}

void device_start_some(struct supervisor *sup)
{
	struct device *dev;

	while (!sup->stopping && sup->nr_starting < SUPERVISOR_STARTS_MAX &&
	       store_link_up(sup->link) && (dev = TAILQ_FIRST(&sup->queue))) {
		char why[DISCOVERY_WHY_MAX] = "";
		struct xenvirtio_xenbus bus;
		int rc = read_node(sup, dev->domid, dev->devid, &bus, why, sizeof(why));

		/* xenstore went away just now: it stays in the queue */
		if (rc == -EPIPE)
			return;
		if (judge_node(dev, rc, &bus, why))
			provide_process(dev);
	}
}

void device_reconsider(struct device *dev)
{
	dev->refused = false;
	dev->told = false;
	if (dev->state == DEVICE_WAITING) {
		dev->backoff_ms = dev->sup->env.first_ms;
		enter_state(dev, DEVICE_QUEUED);
	}
}

/* --- ends --- */

/* Another process would say the same, until the device is another. */
static bool final_answer(const struct process_end *end)
{
	return end->known && !end->signalled &&
	       (end->value == EXIT_CODE_USAGE || end->value == EXIT_CODE_NO_DEVICE ||
		end->value == EXIT_CODE_UNSUITABLE);
}

static void take_leave(struct device *dev, const struct process_end *end, pid_t pid)
{
	char what[PROCESS_END_TEXT_MAX], when[PROCESS_END_TEXT_MAX], why[DISCOVERY_WHY_MAX] = "";
	struct supervisor *sup = dev->sup;
	struct xenvirtio_xenbus bus;
	int rc = read_node(sup, dev->domid, dev->devid, &bus, why, sizeof(why));

	/* while xenstore is away nothing can be said of the node: the queue waits for it */
	if (rc != -EPIPE && !judge_node(dev, rc, &bus, why))
		return;
	process_end_text(end, what);
	if (final_answer(end) && rc != -EPIPE) {
		dev->refused = true;
		enter_state(dev, DEVICE_ALONE);
		device_gone(dev);
		log_msg(sup->log, LOG_LEVEL_WARNING, 0,
			"device %" PRIu32 " of domain %" PRIu32
			": process %ld %s, which another would as well: left alone until %s "
			"changes",
			dev->devid, dev->domid, (long)pid, what, bus.backend);
		return;
	}
	snprintf(when, sizeof(when), dev->backoff_ms ? "in %u ms" : "at once", dev->backoff_ms);
	log_msg(sup->log, LOG_LEVEL_WARNING, 0,
		"device %" PRIu32 " of domain %" PRIu32 ": process %ld %s: started again %s",
		dev->devid, dev->domid, (long)pid, what, when);
	wait_a_while(dev);
}

static void on_ended(evutil_socket_t fd, short what, void *opaque)
{
	struct device *dev = opaque;
	struct supervisor *sup = dev->sup;
	bool served = dev->state == DEVICE_SERVING;
	pid_t pid = dev->process.pid;
	struct process_end end;

	event_free(dev->ended);
	dev->ended = NULL;
	sup->env.launcher->reap(sup->env.launcher->opaque, &dev->process, &end);
	if (upgrade_take_over(dev))
		return;
	enter_state(dev, DEVICE_ALONE);
	if (sup->stopping) {
		device_free(dev);
		supervisor_one_less(sup);
		return;
	}
	if (served && clock_now_ms() - dev->since_ms >= sup->env.settled_ms)
		dev->backoff_ms = sup->env.first_ms;
	dev->told = false;
	take_leave(dev, &end, pid);
}
