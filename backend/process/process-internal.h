/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of a device process share. Who calls whom: device-process.c begins, and hands on
 * to process-node.c, which waits for the device and hands on to process-serve.c. That one opens the
 * rest: the device by its type's table, process-report.c, process-doors.c. Each of them may end the
 * process (process_end_on()), and looks at its "ended" after a call that may.
 */
#ifndef BACKEND_PROCESS_INTERNAL_H
#define BACKEND_PROCESS_INTERNAL_H

#include "backend/base/timer.h"
#include "backend/control/control.h"
#include "backend/metrics/metrics.h"
#include "backend/process/device-process.h"
#include "backend/process/guest.h"
#include "backend/xenstore/discovery.h"

#define TOKEN_DOMAIN "domain"

/** there while the device is served */
#define KEY_PATH "path"

/** the domain and xenstore are looked at, and the log's limits */
#define TICK_MS 2000u

#define PROCESS_END_SIGNALS 4

struct device_process {
	struct event_base *base;
	const struct device_type *type;
	const struct options *opts;
	struct log *log;
	struct device_process_env env;

	struct xenvirtio_hv *hv;
	struct store_link *link;
	struct xenvirtio_xenbus bus;
	struct device_host host; /* what the device has of us */
	void *device;		 /* the type's; NULL: none yet */
	struct guest guest;
	struct publish publish;
	struct control *control;     /* NULL: not serving, or it could not be opened */
	struct metrics *metrics;     /* likewise, or not wanted */
	char name[FIGURES_NAME_MAX]; /* of the domain when service began */

	struct event *signal[PROCESS_END_SIGNALS];
	struct event *server;
	struct timer *discovery; /* the node must be whole by then */
	struct timer *work;	 /* the device has more to do */
	struct timer *held;	 /* interrupts are held back until then */
	struct timer *report;
	struct timer *rest; /* of what was only noted for xenstore */
	struct timer *tick;
	char missing[DISCOVERY_WHY_MAX]; /* of the node, when looked at last */
	bool store_anew;		 /* xenstored was restarted; the node was not seen since */

	bool again; /* xenvirtio_server_process() has more to do */
	uint64_t began_ms; /* to serve */
	uint64_t reported_ms;
	unsigned int motion_ms; /* from the last motion to its report */
	bool report_late;	/* the timer is set for that long */
	bool serving;
	bool of_another; /* the device is another process's, still or by now: to the toolstack nothing happens */
	bool ended;
	enum exit_code code;
};

/* device-process.c */
/** process_end() - let go of everything and stop the event base; the second time nothing */
void process_end(struct device_process *dp, enum exit_code code, enum guest_end end);
/** process_refuse() - end before anything was served: the node is not ours to write to */
void process_refuse(struct device_process *dp, enum exit_code code);
/**
 * process_end_on() - what the library or the device answered: the end for XENVIRTIO_E_GONE and for
 * a failure
 *
 * Return: true: the process has ended
 */
bool process_end_on(struct device_process *dp, int rc, const char *what);
/** process_check_domain() - true: the domain is no more, and we have ended */
bool process_check_domain(struct device_process *dp);

/* process-node.c */
/** process_tell_connected() - XenbusState 4, where there is a node */
void process_tell_connected(struct device_process *dp);
/** process_watch_node() - hear of the keys that matter while serving. Return: 0, or negative */
int process_watch_node(struct device_process *dp);
/** process_check_node() - look at the node; the process may have ended then */
void process_check_node(struct device_process *dp);
/** process_look_for_device() - serve it if its node is whole, or wait for that */
void process_look_for_device(struct device_process *dp);
void process_on_discovery_over(void *opaque);
void process_on_store_event(void *opaque, const char *path, const char *token);
void process_on_store_back(void *opaque);
void process_on_tick(void *opaque);

/* process-serve.c */
/** process_look_for_work() - the device stops after as much as one turn may take: go on soon if it
 * has more */
void process_look_for_work(struct device_process *dp);
/** process_start_serving() - the device is known: open the guest and all that hangs on it */
void process_start_serving(struct device_process *dp);

/* process-report.c; a timer, and callbacks of device-type.h, control.h and metrics.h */
void process_on_report(void *opaque);
/** process_note_change() - figures are published soon; may be called from inside any call of the
 * device */
void process_note_change(void *opaque);
/** process_note_motion() - the same of what goes on changing: the longer it does, the less often, but for what else changes */
void process_note_motion(void *opaque);
void process_get_figures(void *opaque, struct figures *f);
struct json_object *process_status_json(void *opaque);
figures_collect process_collect_figures;
int process_host_free(void *opaque, uint64_t *kib);

/* process-doors.c */
/** process_open_doors() - what cannot be opened is logged */
void process_open_doors(struct device_process *dp);

#endif /* BACKEND_PROCESS_INTERNAL_H */
