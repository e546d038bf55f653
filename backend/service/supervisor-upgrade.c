// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices that are served go over to the installed version, one at a time: upgrade.h.
 *
 *   [serving] --successor started--> [serving, with one that gets ready] --old one ended--> [starting] --key `path`--> [serving]
 *                                        |
 *                                        +--successor ended: refused, nothing has happened
 *
 * The successor itself has the old one let go. Of the two ends, whichever comes first decides.
 */
#include "backend/service/supervisor-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

/** how often is looked whether a device that is to be looked at by others has been */
#define LOOK_MS 20u

static void tell(struct device *dev, enum upgrade_result result, const char *why)
{
	struct upgrade *u = &dev->sup->upgrade;

	if (result == UPGRADE_DONE)
		log_msg(dev->sup->log, LOG_LEVEL_NOTICE, 0, "device %" PRIu32 " of domain %" PRIu32 ": upgraded: process %ld serves",
			dev->devid, dev->domid, (long)dev->process.pid);
	else if (result == UPGRADE_REFUSED)
		log_msg(dev->sup->log, LOG_LEVEL_WARNING, 0, "device %" PRIu32 " of domain %" PRIu32 ": not upgraded: %s", dev->devid,
			dev->domid, why);
	if (u->listener.told)
		u->listener.told(u->listener.opaque, dev->domid, dev->devid, result, why);
}

/* The next one's turn is not from inside whatever was going on with this one. */
static void finish(struct device *dev, enum upgrade_result result, const char *why)
{
	struct upgrade *u = &dev->sup->upgrade;

	tell(dev, result, why);
	u->at = NULL;
	u->settling = u->given_up = false;
	timer_set(u->timer, 0);
}

static void forget_successor(struct upgrade *u)
{
	if (u->ended)
		event_free(u->ended);
	u->ended = NULL;
}

static void on_successor_ended(evutil_socket_t fd, short what, void *opaque)
{
	struct supervisor *sup = opaque;
	struct upgrade *u = &sup->upgrade;
	struct process_end end;
	char why[UPGRADE_WHY_MAX];

	forget_successor(u);
	sup->env.launcher->reap(sup->env.launcher->opaque, &u->successor, &end);
	if (u->given_up)
		snprintf(why, sizeof(why), "the process that was to take over was not ready within %u s", UPGRADE_MS / 1000);
	else
		upgrade_why(&end, why);
	if (u->at)
		finish(u->at, UPGRADE_REFUSED, why);
}

/* Return: 0; -errno: nothing was started */
static int start_successor(struct device *dev)
{
	struct supervisor *sup = dev->sup;
	const struct launcher *launcher = sup->env.launcher;
	struct upgrade *u = &sup->upgrade;
	int rc = launcher->start(launcher->opaque, dev->domid, dev->devid, LAUNCHER_TAKE_OVER, &u->successor);

	if (rc) {
		u->successor.fd = -1;
		return rc;
	}
	u->ended = event_new(sup->base, u->successor.fd, EV_READ, on_successor_ended, sup);
	if (!u->ended || event_add(u->ended, NULL)) {
		/* one whose end nobody would hear of */
		launcher->signal(launcher->opaque, &u->successor, SIGKILL);
		forget_successor(u);
		launcher->detach(launcher->opaque, &u->successor);
		return -ENOMEM;
	}
	log_msg(sup->log, LOG_LEVEL_INFO, 0, "device %" PRIu32 " of domain %" PRIu32 ": process %ld is to take over from process %ld",
		dev->devid, dev->domid, (long)u->successor.pid, (long)dev->process.pid);
	return 0;
}

/* Whether it has a process, or is to get one, is not known yet: this service has begun just now, perhaps. */
static bool is_to_be_looked_at(const struct device *dev)
{
	return dev->state == DEVICE_QUEUED || (dev->state == DEVICE_WAITING && dev->looks);
}

/* Who waits for a start gets what is installed. */
static enum launcher_runs runs_of(const struct device *dev)
{
	const struct launcher *launcher = dev->sup->env.launcher;

	return device_has_process(dev) ? launcher->runs(launcher->opaque, &dev->process) : LAUNCHER_RUNS_INSTALLED;
}

/* Why it is not to be begun with; NULL: it may be. */
static const char *look(const struct device *dev, enum upgrade_result *result)
{
	const struct supervisor *sup = dev->sup;
	enum launcher_runs runs;

	*result = UPGRADE_REFUSED;
	if (sup->opts->no_sandbox)
		return "the service has --no-sandbox: restart it, and end this process: the guest waits at its device until another serves";
	if (dev->state == DEVICE_ALONE)
		return "nobody serves it, and it is left alone";
	if (is_to_be_looked_at(dev))
		return "it is just being started: ask again";
	runs = runs_of(dev);
	if (runs == LAUNCHER_RUNS_INSTALLED && (!sup->upgrade.force || dev->state != DEVICE_SERVING)) {
		*result = UPGRADE_SAME;
		return "";
	}
	return dev->state == DEVICE_SERVING ? NULL : "it is just being started: ask again";
}

static void begin(struct device *dev)
{
	struct upgrade *u = &dev->sup->upgrade;
	enum upgrade_result result;
	const char *why;
	char text[UPGRADE_WHY_MAX];
	int rc;

	dev->to_upgrade = false;
	u->looks = 0;
	/* started by hand: its keeper is asked, and answers */
	if (runs_of(dev) == LAUNCHER_RUNS_KEPT) {
		timer_set(u->timer, 0);
		return;
	}
	u->at = dev;
	why = look(dev, &result);
	if (why) {
		finish(dev, result, why);
		return;
	}
	rc = start_successor(dev);
	if (!rc) {
		timer_set(u->timer, UPGRADE_MS);
		return;
	}
	upgrade_why_not_started(rc, text);
	finish(dev, UPGRADE_REFUSED, text);
}

static void over(struct supervisor *sup)
{
	struct upgrade_listener listener = sup->upgrade.listener;

	sup->upgrade.running = false;
	if (listener.over)
		listener.over(listener.opaque);
}

static void give_up(struct supervisor *sup)
{
	struct upgrade *u = &sup->upgrade;

	if (u->settling) {
		finish(u->at, UPGRADE_REFUSED, "the process that took over does not serve yet: see its log");
		return;
	}
	/* it says how it ended when it has */
	u->given_up = true;
	sup->env.launcher->signal(sup->env.launcher->opaque, &u->successor, SIGKILL);
}

static void on_timer(void *opaque)
{
	struct supervisor *sup = opaque;
	struct upgrade *u = &sup->upgrade;
	struct device *dev;

	if (u->at) {
		give_up(sup);
		return;
	}
	TAILQ_FOREACH (dev, &sup->devices, link) {
		if (!dev->to_upgrade)
			continue;
		if (is_to_be_looked_at(dev) && u->looks++ < UPGRADE_MS / LOOK_MS)
			timer_set(u->timer, LOOK_MS);
		else
			begin(dev);
		return;
	}
	over(sup);
}

bool upgrade_take_over(struct device *dev)
{
	struct upgrade *u = &dev->sup->upgrade;

	if (u->at != dev || u->successor.fd < 0 || dev->sup->stopping)
		return false;
	forget_successor(u);
	dev->process = u->successor;
	u->successor.fd = -1;
	u->settling = true;
	timer_set(u->timer, UPGRADE_MS);
	if (!device_follow(dev))
		return true;
	/* it is found by its lock */
	dev->sup->env.launcher->detach(dev->sup->env.launcher->opaque, &dev->process);
	return false;
}

void upgrade_note_state(struct device *dev, bool freed)
{
	struct upgrade *u = &dev->sup->upgrade;

	dev->to_upgrade = dev->to_upgrade && !freed;
	if (u->at != dev || !u->settling) {
		/* its successor finds nothing to take over, and ends: that is told there */
		if (u->at == dev && freed)
			finish(dev, UPGRADE_REFUSED, "the guest, or its device, is gone");
		return;
	}
	if (dev->state == DEVICE_SERVING && !freed)
		finish(dev, UPGRADE_DONE, "");
	else if (dev->state != DEVICE_STARTING || freed)
		finish(dev, UPGRADE_REFUSED, freed ? "the guest, or its device, is gone" :
						     "the process that took over ended before it served: another is started");
}

int supervisor_upgrade(struct supervisor *sup, const struct upgrade_wish *wish, const struct upgrade_listener *listener)
{
	struct device *dev;

	if (sup->stopping)
		return -ECANCELED;
	if (sup->upgrade.running)
		return -EBUSY;
	sup->upgrade.running = true;
	sup->upgrade.force = wish->force;
	sup->upgrade.looks = 0;
	sup->upgrade.listener = *listener;
	/* a device that is nobody's here is of interest to who names its domain */
	TAILQ_FOREACH (dev, &sup->devices, link)
		dev->to_upgrade = wish->domid ? dev->domid == wish->domid : dev->state != DEVICE_ALONE;
	timer_set(sup->upgrade.timer, 0);
	return 0;
}

int upgrade_init(struct supervisor *sup)
{
	sup->upgrade.successor.fd = -1;
	sup->upgrade.timer = timer_new(sup->base, on_timer, sup);
	return sup->upgrade.timer ? 0 : -ENOMEM;
}

static void let_go(struct supervisor *sup)
{
	struct upgrade *u = &sup->upgrade;

	forget_successor(u);
	if (u->successor.fd >= 0)
		sup->env.launcher->detach(sup->env.launcher->opaque, &u->successor);
	if (u->at)
		tell(u->at, UPGRADE_REFUSED, "the service ends");
	u->at = NULL;
	timer_stop(u->timer);
	if (u->running)
		over(sup);
}

void upgrade_stop(struct supervisor *sup)
{
	struct upgrade *u = &sup->upgrade;

	if (u->successor.fd >= 0)
		sup->env.launcher->signal(sup->env.launcher->opaque, &u->successor, SIGKILL);
	let_go(sup);
}

void upgrade_fini(struct supervisor *sup)
{
	if (!sup->upgrade.timer)
		return;
	let_go(sup);
	timer_free(sup->upgrade.timer);
	sup->upgrade.timer = NULL;
}
