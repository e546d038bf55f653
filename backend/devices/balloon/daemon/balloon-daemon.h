/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon as a device of a daemon: its one struct device_type, and what its files share.
 *
 *   balloon-daemon.c     the table: the device, its timers, its end
 *   balloon-service.c    the table's part for the service of all guests: --auto
 *   daemon-target.c      how much memory the guest shall have, and who says so
 *   daemon-size.c        from that to the balloon its driver is asked for
 *   daemon-report.c      what the balloon did, and a deflate that stalls
 *   balloon-features.c   what its feature bits are called
 *   daemon-commands.c    what clients of the control socket want
 *
 * Below them: report.h (keys in xenstore), commands.h (the conversation), unused.h (a question in
 * time), and sizing/.
 */
#ifndef BACKEND_BALLOON_DAEMON_H
#define BACKEND_BALLOON_DAEMON_H

#include "backend/base/timer.h"
#include "backend/device/device-type.h"
#include "backend/devices/balloon/daemon/balloon-options.h"
#include "backend/devices/balloon/daemon/commands.h"
#include "backend/devices/balloon/daemon/unused.h"
#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/devices/balloon/sizing/auto.h"
#include "backend/devices/balloon/sizing/comeback.h"
#include "backend/devices/balloon/sizing/limits.h"
#include "backend/devices/balloon/sizing/mem-set.h"
#include "backend/devices/balloon/sizing/withheld.h"

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

/** the watches' tokens; mem-set.h has one more */
#define TOKEN_TARGET "target"
#define TOKEN_DYNAMIC_MIN "dynamic-min"

struct balloon_daemon {
	struct device_host host;
	const struct balloon_options *opts;
	struct balloon *balloon; /* NULL: not open */
	char *saved_perms;	 /* survives the process, see mem-set.h */
	struct words *words;	 /* likewise, see words.h */
	bool adopted;		 /* a process before this one had the balloon */
	bool first;	     /* its size is still to be found: nobody noted one */

	struct target target;
	struct mem_set mem_set;
	struct comeback comeback;
	uint64_t held_pages; /* by others than us, see withheld.h */
	bool sizing;	     /* the target is known, and its size is followed */
	bool ordered;	     /* the driver is to hear of it also when it is the same */
	struct unused unused;
	struct balloon_commands commands;
	struct autopilot *autopilot; /* NULL: not wanted, or it could not be made */
	char vm[64]; /* the guest's path in xenstore, by its UUID; empty where nobody says */
	struct timer *retry;
	struct timer *due; /* set while frames are due: the driver may hesitate */
	struct timer *stats;
	struct timer *comeback_over; /* set while the guest is left alone */
	struct timer *pause_over; /* set while the guest is paused and the host has no memory for it */
	unsigned int retry_ms;
	uint64_t stats_told_ms;	      /* when they were published last */
	uint64_t stats_told_sequence; /* and which; 0: none */
	uint64_t static_max_kib;
	struct limits limits;	  /* of the file */
	uint64_t dynamic_min_kib; /* likewise, or what xenstore has; 0: nobody said */
	bool uncounted_told;	  /* that the reserve cannot be counted here */
	bool stalled;
	/* as was said in the log */
	enum balloon_daemon_reset {
		BALLOON_DAEMON_NO_RESET, /* or all of it is back */
		BALLOON_DAEMON_RESET_PAUSED,
		BALLOON_DAEMON_RESET_HOLES,
	} reset;
	uint64_t pause_pages; /* that were missing when pause_over was set */
	bool ordering;	   /* inside a step of the autopilot */
};

/** balloon_type - the table */
extern const struct device_type balloon_type;

/** balloon_daemon_end_on() - host.end_on() */
bool balloon_daemon_end_on(struct balloon_daemon *d, int rc, const char *what);
/** balloon_daemon_stop_auto() - unless a step of it is what is running: then it is freed with the
 * device */
void balloon_daemon_stop_auto(struct balloon_daemon *d);

/* daemon-target.c; callbacks of target.h, commands.h and auto.h */
void balloon_daemon_target_changed(void *opaque, uint64_t kib);
bool balloon_daemon_set(void *opaque, uint64_t kib, bool force, struct control_error *error);
bool balloon_daemon_set_auto(void *opaque, const uint64_t *kib, struct control_error *error);
void balloon_daemon_order_self(void *opaque, const struct balloon_figures *ignored, uint64_t kib);
/** balloon_daemon_prepare() - device_type.prepare: what the guest may have at most, and whether
 * --target is more */
int balloon_daemon_prepare(void *self, const struct xenvirtio_domain_info *info,
			   enum exit_code *code);
/** balloon_daemon_start_target() - who names a size is heard from here on, and the device has heard
 * the first one. Return: 0; -errno */
int balloon_daemon_start_target(struct balloon_daemon *d);
/** balloon_daemon_keep_size() - the device is no more: a guest that comes again has its size again */
void balloon_daemon_keep_size(struct balloon_daemon *d);
/** balloon_daemon_target_event() - a watch of those */
void balloon_daemon_target_event(struct balloon_daemon *d, const char *token);

/* daemon-size.c */
/** balloon_daemon_count_room() - how much others keep from the guest */
void balloon_daemon_count_room(struct balloon_daemon *d);
/** balloon_daemon_start_size() - @kept_kib: the target of the process before this one */
void balloon_daemon_start_size(struct balloon_daemon *d, uint64_t kept_kib);
/** balloon_daemon_size() - what the driver is asked for, anew */
void balloon_daemon_size(struct balloon_daemon *d);
/** balloon_daemon_resize() - likewise, by what others keep from the guest now */
void balloon_daemon_resize(struct balloon_daemon *d);
/** balloon_daemon_max_kib() - the most the guest can have at this moment */
uint64_t balloon_daemon_max_kib(const struct balloon_daemon *d);
/** balloon_daemon_wanted_kib() - the balloon that leaves it @kib */
uint64_t balloon_daemon_wanted_kib(const struct balloon_daemon *d, uint64_t kib);
/** balloon_daemon_made_with_kib() - what a new domain has, where that is less than static-max */
uint64_t balloon_daemon_made_with_kib(struct balloon_daemon *d);
void balloon_daemon_on_comeback(void *opaque);
void balloon_daemon_named(void *opaque);

/* daemon-report.c; timers, and callbacks of device-type.h and commands.h */
bool balloon_daemon_refresh_stats(void *opaque);
void balloon_daemon_report(void *self);
void balloon_daemon_figures(void *self, struct figures *f);
/** balloon_daemon_changed() - something of the balloon did; from inside any of its calls */
void balloon_daemon_changed(void *opaque);
/** balloon_daemon_moved() - likewise, as in balloon_config */
void balloon_daemon_moved(void *opaque);
void balloon_daemon_on_stats(void *opaque);
void balloon_daemon_on_retry(void *opaque);
void balloon_daemon_on_due(void *opaque);
void balloon_daemon_on_pause_over(void *opaque);
int balloon_daemon_host_free(void *opaque, uint64_t *kib);
figures_collect balloon_daemon_collect;

/* balloon-features.c */
const char *balloon_daemon_feature_name(const void *self, unsigned int bit);

/* daemon-commands.c */
/** balloon_daemon_make_unused() - Return: 0; -ENOMEM */
int balloon_daemon_make_unused(struct balloon_daemon *d);
/** balloon_daemon_control() - device_type.control */
void balloon_daemon_control(void *self, struct control_config *cfg);

/* balloon-service.c */
extern const char *const balloon_service_words[];
int balloon_service_new(void **self, const struct device_service *service);
void balloon_service_free(void *self);

#endif /* BACKEND_BALLOON_DAEMON_H */
