/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of a device process share. Who calls whom: device-process.c begins, and hands on
 * to process-node.c, which waits for the device and hands on to process-serve.c. That one opens the
 * rest: process-target.c, process-report.c, process-doors.c. Each of them may end the process
 * (process_end_on()), and looks at its "ended" after a call that may.
 */
#ifndef BACKEND_PROCESS_INTERNAL_H
#define BACKEND_PROCESS_INTERNAL_H

#include "backend/base/timer.h"
#include "backend/control/control.h"
#include "backend/control/unused.h"
#include "backend/devices/balloon/sizing/auto.h"
#include "backend/devices/balloon/sizing/mem-set.h"
#include "backend/metrics/metrics.h"
#include "backend/process/device-process.h"
#include "backend/process/guest.h"
#include "backend/xenstore/discovery.h"

#define TOKEN_DOMAIN "domain"

/** there while the device is served */
#define KEY_PATH "path"

/** the domain and xenstore are looked at, and the log's limits */
#define TICK_MS 2000u

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

#define PROCESS_END_SIGNALS 3

struct device_process {
	struct event_base *base;
	const struct options *opts;
	struct log *log;
	struct device_process_env env;

	struct xenvirtio_hv *hv;
	struct store_link *link;
	struct xenvirtio_xenbus bus;
	struct guest guest;
	struct publish publish;
	struct target target;
	struct mem_set mem_set;
	struct control *control; /* NULL: not serving, or it could not be opened */
	struct unused unused;
	struct metrics *metrics;     /* likewise, or not wanted */
	struct autopilot *autopilot; /* likewise */
	char name[FIGURES_NAME_MAX]; /* of the domain when service began */

	struct event *signal[PROCESS_END_SIGNALS];
	struct event *server;
	struct timer *discovery; /* the node must be whole by then */
	struct timer *work;	 /* the balloon has more to do */
	struct timer *report;
	struct timer *retry;
	struct timer *stats;
	struct timer *tick;
	unsigned int retry_ms;
	char missing[DISCOVERY_WHY_MAX]; /* of the node, when looked at last */
	uint64_t dynamic_min_kib;	 /* 0: nobody said */
	bool uncounted_told;		 /* that the reserve cannot be counted here */
	bool stalled;
	bool guest_paused; /* said in the log */
	bool store_anew; /* xenstored was restarted; the node was not seen since */

	bool ordering; /* inside a step of the autopilot */
	bool serving;
	bool ended;
	enum exit_code code;
};

/* device-process.c */
/** process_end() - let go of everything and stop the event base; the second time nothing */
void process_end(struct device_process *dp, enum exit_code code, enum guest_end end);
/** process_refuse() - end before anything was served: the node is not ours to write to */
void process_refuse(struct device_process *dp, enum exit_code code);
/**
 * process_end_on() - what the library or the balloon answered: the end for XENVIRTIO_E_GONE and for
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
/** process_look_for_device() - serve it if its node is whole, or wait for that */
void process_look_for_device(struct device_process *dp);
void process_on_discovery_over(void *opaque);
void process_on_store_event(void *opaque, const char *path, const char *token);
void process_on_store_back(void *opaque);
void process_on_tick(void *opaque);

/* process-serve.c */
/** process_look_for_work() - the balloon stops after a bounded number of messages: go on soon if it
 * has more */
void process_look_for_work(struct device_process *dp);
/** process_start_serving() - the device is known: open the guest and all that hangs on it */
void process_start_serving(struct device_process *dp);

/* process-target.c; callbacks of target.h, control.h and auto.h */
void process_target_changed(void *opaque, uint64_t kib);
bool process_set_by_client(void *opaque, uint64_t kib, struct control_error *error);
bool process_set_auto(void *opaque, const uint64_t *kib, struct control_error *error);
void process_order_self(void *opaque, const struct figures *ignored, uint64_t kib);
/** process_read_static_max() - what the guest may have at most, KiB: memory/static-max, or what Xen
 * allows it */
uint64_t process_read_static_max(struct device_process *dp,
				 const struct xenvirtio_domain_info *info);
/** process_refuse_target() - true: --target is more than @static_max_kib, and we have ended */
bool process_refuse_target(struct device_process *dp, uint64_t static_max_kib);
/** process_first_target() - by command line, xl mem-set or the node, in this order */
void process_first_target(struct device_process *dp);
/** process_go_on_with_target() - with what was in force when the process before this one ended */
void process_go_on_with_target(struct device_process *dp);

/* process-report.c; timers, and callbacks of control.h and auto.h */
bool process_refresh_stats(void *opaque);
void process_on_report(void *opaque);
/** process_note_change() - figures are published soon; may be called from inside any call of the
 * balloon */
void process_note_change(void *opaque);
void process_on_stats(void *opaque);
void process_on_retry(void *opaque);
int process_read_host_free(void *opaque, uint64_t *kib);
void process_get_figures(void *opaque, struct figures *f);
void process_collect_figures(void *opaque,
			     void (*done)(void *arg, const struct figures *f, size_t nr),
			     void *arg);

/* process-doors.c */
/** process_make_unused() - Return: 0; -ENOMEM */
int process_make_unused(struct device_process *dp);
/** process_stop_auto() - unless a step of it is what is running: then it is freed with the process
 */
void process_stop_auto(struct device_process *dp);
/** process_open_doors() - what cannot be opened is logged */
void process_open_doors(struct device_process *dp);

#endif /* BACKEND_PROCESS_INTERNAL_H */
