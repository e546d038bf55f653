/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor, as its own files see it. Everything happens in callbacks of one event base.
 */
#ifndef BACKEND_SUPERVISOR_INTERNAL_H
#define BACKEND_SUPERVISOR_INTERNAL_H

#include "backend/xenstore/store-link.h"
#include "backend/service/supervisor.h"
#include "backend/base/timer.h"

#include <stdint.h>
#include <sys/queue.h>

struct event;

/** relative: below our own domain, which is the backend's */
#define SUPERVISOR_TREE "backend/virtio"

enum device_state {
	DEVICE_ALONE,	 /* not ours, or it cannot be served: until its node changes */
	DEVICE_QUEUED,	 /* wants a process */
	DEVICE_STARTING, /* has one, which does not serve yet and counts as a start */
	DEVICE_SERVING,
	DEVICE_WAITING, /* for its back-off */
};

/** of a process that serves, by the service's own ticks: a host that stands still ages nobody */
struct life {
	uint64_t mark;	    /* see launcher.h */
	bool moved;	    /* it was seen to change */
	unsigned int still; /* ticks since */
};

struct device {
	TAILQ_ENTRY(device) link;
	TAILQ_ENTRY(device) queue; /* while queued */
	struct supervisor *sup;
	uint32_t domid;
	uint32_t devid;
	enum device_state state;
	bool held;		     /* its guest is paused by us, see supervisor-hold.c */
	bool told;		     /* why it is alone */
	bool refused;		     /* its process said that @bus cannot be served */
	struct xenvirtio_xenbus bus; /* as it was read last */
	struct process process;	     /* while starting or serving */
	struct event *ended;	     /* likewise */
	struct timer *timer;	     /* back-off; while starting, when to stop waiting */
	unsigned int backoff_ms;
	unsigned int looks; /* for one that is just ending */
	uint64_t since_ms; /* it serves */
	bool to_upgrade;   /* its turn is still to come */
	struct life life;
};

TAILQ_HEAD(devices, device);

/** the devices that are being upgraded, one at a time; supervisor-upgrade.c */
struct upgrade {
	bool running;
	bool force;
	bool settling; /* the successor is the device's process, and is to serve */
	bool given_up; /* on the successor, which is to end */
	unsigned int looks; /* at the next one, which is to be looked at first */
	struct upgrade_listener listener;
	struct device *at; /* NULL: none just now */
	struct process successor; /* until it is @at's process; fd -1: none */
	struct event *ended;	  /* likewise */
	struct timer *timer;	  /* while there is an @at, how long for; else the next one */
};

struct supervisor {
	struct event_base *base;
	const struct options *opts;
	struct log *log;
	struct supervisor_env env;
	int lock;
	struct store_link *link;
	struct event *signal[4];
	struct timer *tick;
	struct timer *starts; /* there may be a device to start */
	struct timer *stop;   /* the time is up */
	struct devices devices;
	struct devices queue;
	struct upgrade upgrade;
	unsigned int nr_starting;
	bool ready; /* the service manager was told */
	bool stopping;
	bool ended;
	enum exit_code code;
};

/* --- supervisor.c --- */

void supervisor_end(struct supervisor *sup, enum exit_code code);
/** supervisor_one_less() - a device has no process any more */
void supervisor_one_less(struct supervisor *sup);

/* --- supervisor-tree.c --- */

/** tree_event() - a watch below SUPERVISOR_TREE fired for @path */
void tree_event(struct supervisor *sup, const char *path);
/** tree_scan() - look at all there is */
void tree_scan(struct supervisor *sup);

/* --- supervisor-hold.c --- */

/** hold_guest() - @dev->bus was read: pause its guest, if it is a new one */
void hold_guest(struct device *dev);
/** hold_inherit() - the supervisor before this one may have died while it held the guest; @dev is of this program's type */
void hold_inherit(struct device *dev);
/** hold_release() - let it run; nothing if it is not held */
void hold_release(struct device *dev);

/* --- supervisor-life.c --- */

/** life_look() - at every tick: a process that hangs is said, and ended */
void life_look(struct supervisor *sup);

/* --- supervisor-upgrade.c --- */

/** upgrade_init() - Return: 0; -ENOMEM */
int upgrade_init(struct supervisor *sup);
/** upgrade_fini() - one that is to take over does so by itself; not initialised is fine */
void upgrade_fini(struct supervisor *sup);
/** upgrade_stop() - the service ends, and all processes */
void upgrade_stop(struct supervisor *sup);
/**
 * upgrade_take_over() - @dev has no process any more: the one that was to take over is it, if there is one
 *
 * Return: whether @dev->process is one, which is not followed yet
 */
bool upgrade_take_over(struct device *dev);
/** upgrade_note_state() - @dev has entered a state, or is being freed */
void upgrade_note_state(struct device *dev, bool freed);

/* --- supervisor-device.c --- */

/** device_follow() - @dev->process has taken over from another: what it serves is looked at. Return: 0; -ENOMEM */
int device_follow(struct device *dev);

struct device *device_find(struct supervisor *sup, uint32_t domid, uint32_t devid);
/** device_look() - its node may have come, changed or gone */
void device_look(struct supervisor *sup, uint32_t domid, uint32_t devid);
/** device_look_path() - its key `path` may have come: it serves */
void device_look_path(struct supervisor *sup, uint32_t domid, uint32_t devid);
/** device_start_some() - as many of the queue as may start */
void device_start_some(struct supervisor *sup);
/** device_reconsider() - one that was refused may be served now after all */
void device_reconsider(struct device *dev);
/** device_has_process() - starting or serving */
bool device_has_process(const struct device *dev);
/** device_gone() - its companion is told so */
void device_gone(const struct device *dev);
/** device_free() - its process, if any, runs on */
void device_free(struct device *dev);

#endif /* BACKEND_SUPERVISOR_INTERNAL_H */
