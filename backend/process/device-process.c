// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of one device process. One rule for the order of ends: stop publishing, let go of the
 * guest, and only then write XenbusState 6, after which the toolstack removes the node.
 */
#include "backend/process/device-process.h"
#include "backend/devices/balloon/sizing/auto.h"
#include "backend/control/control.h"
#include "backend/xenstore/discovery.h"
#include "backend/process/guest.h"
#include "backend/devices/balloon/sizing/mem-set.h"
#include "backend/metrics/metrics.h"
#include "backend/process/report.h"
#include "backend/base/size.h"
#include "backend/base/timer.h"
#include "backend/control/unused.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenvirtio/server.h>

#define TOKEN_DOMAIN "domain"
#define TOKEN_DISCOVER "discover"
#define TOKEN_NODE "node"
#define TOKEN_TARGET "target"
#define TOKEN_DYNAMIC_MIN "dynamic-min"

/** there while the device is served */
#define KEY_PATH "path"

/** how long a node may stay half written */
#define DISCOVERY_MS 10000u
/** figures that keep changing are published so often */
#define REPORT_MS 200u
/** the domain and xenstore are looked at, and the log's limits */
#define TICK_MS 2000u
#define RETRY_MIN_MS 100u
#define RETRY_MAX_MS 5000u

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP};
#define END_SIGNALS (sizeof(end_signals) / sizeof(end_signals[0]))

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
	struct metrics *metrics; /* likewise, or not wanted */
	struct autopilot *autopilot; /* likewise */
	char name[FIGURES_NAME_MAX]; /* of the domain when service began */

	struct event *signal[END_SIGNALS];
	struct event *server;
	struct timer *discovery; /* the node must be whole by then */
	struct timer *work; /* the balloon has more to do */
	struct timer *report;
	struct timer *retry;
	struct timer *stats;
	struct timer *tick;
	unsigned int retry_ms;
	char missing[DISCOVERY_WHY_MAX]; /* of the node, when looked at last */
	uint64_t dynamic_min_kib; /* 0: nobody said */
	bool uncounted_told;	  /* that the reserve cannot be counted here */
	bool stalled;
	bool store_anew; /* xenstored was restarted; the node was not seen since */

	bool ordering; /* inside a step of the autopilot */
	bool serving;
	bool ended;
	enum exit_code code;
};

/* Only where the node still stands: a write would make it anew. */
static void tell_closed(struct device_process *dp)
{
	char path[sizeof(dp->bus.backend) + 8], value[XENVIRTIO_STORE_TEXT_MAX];
	int rc;

	if (!dp->link || !dp->bus.backend[0])
		return;
	snprintf(path, sizeof(path), "%s/state", dp->bus.backend);
	if (store_link_read(dp->link, path, value, sizeof(value)))
		return;
	rc = store_link_failed(dp->link,
			       xenvirtio_xenbus_set_state(store_link_store(dp->link), &dp->bus,
							  XENVIRTIO_XENBUS_CLOSED));
	if (rc < 0 && rc != -EPIPE)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "cannot write %s", path);
}

static void free_events(struct device_process *dp)
{
	struct timer **all[] = {&dp->discovery, &dp->work,  &dp->report,
				&dp->retry,	&dp->stats, &dp->tick};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		timer_free(*all[i]);
		*all[i] = NULL;
	}
	if (dp->server)
		event_free(dp->server);
	dp->server = NULL;
	unused_fini(&dp->unused);
	for (size_t i = 0; i < END_SIGNALS; i++) {
		if (dp->signal[i])
			event_free(dp->signal[i]);
		dp->signal[i] = NULL;
	}
}

/* The process may be ended by the order itself, from inside a step: then it is freed with it. */
static void stop_auto(struct device_process *dp)
{
	if (dp->ordering)
		return;
	auto_free(dp->autopilot);
	dp->autopilot = NULL;
}

static void end_process(struct device_process *dp, enum exit_code code, enum guest_end end)
{
	if (dp->ended)
		return;
	dp->ended = true;
	dp->serving = false;
	dp->code = code;
	/* before the state file is let go: a successor makes a socket of the same name */
	control_stop(dp->control);
	metrics_free(dp->metrics);
	dp->metrics = NULL;
	stop_auto(dp);
	publish_remove(&dp->publish, KEY_PATH);
	publish_stop(&dp->publish);
	if (dp->mem_set.link)
		mem_set_stop(&dp->mem_set);
	free_events(dp);
	guest_close(&dp->guest, end);
	xenvirtio_hv_close(dp->hv);
	dp->hv = NULL;
	tell_closed(dp);
	event_base_loopbreak(dp->base);
}

/* Before anything was served: the node is not ours to write to. */
static void refuse(struct device_process *dp, enum exit_code code)
{
	dp->bus.backend[0] = '\0';
	end_process(dp, code, GUEST_LEAVE);
}

/* An answer of the library or of the balloon; true: the process has ended. */
static bool end_on(struct device_process *dp, int rc, const char *what)
{
	if (rc == XENVIRTIO_E_GONE) {
		log_msg(dp->log, LOG_LEVEL_NOTICE, 0, "domain %" PRIu32 " is gone",
			dp->opts->domid);
		end_process(dp, EXIT_CODE_DONE, GUEST_REMOVE);
		return true;
	}
	if (rc < 0) {
		log_msg(dp->log, LOG_LEVEL_ERROR, rc, "%s", what);
		end_process(dp, EXIT_CODE_HOST,
			    guest_in_use(&dp->guest) ? GUEST_LEAVE : GUEST_REMOVE);
		return true;
	}
	return false;
}

/* True: the domain is no more, and we have ended. */
static bool check_domain(struct device_process *dp)
{
	struct xenvirtio_domain_info info;
	int rc = dp->hv->ops->domain_info(dp->hv, &info);

	if (!rc && info.dying)
		rc = XENVIRTIO_E_GONE;
	return end_on(dp, rc, "cannot look at the domain");
}

/* --- figures --- */

static void follow_stall(struct device_process *dp, const struct balloon_status *status)
{
	char text[PUBLISH_VALUE_MAX];

	if (!report_stall_text(status, text, sizeof(text))) {
		if (dp->stalled)
			log_limited(dp->log, LOG_KIND_STALL, LOG_LEVEL_NOTICE, 0,
				    "the deflate went on");
		dp->stalled = false;
		return;
	}
	if (dp->stalled)
		return;
	dp->stalled = true;
	log_limited(dp->log, LOG_KIND_STALL, LOG_LEVEL_WARNING, 0,
		    "deflate stalled, %s: the guest waits until %s", text,
		    status->stall == BALLOON_STALL_MAX_MEM ? "xl mem-max allows it more"
							   : "the host has free memory");
	dp->retry_ms = RETRY_MIN_MS;
	timer_set(dp->retry, dp->retry_ms);
}

static void on_report(void *opaque)
{
	struct device_process *dp = opaque;
	struct balloon_status status;

	balloon_get_status(dp->guest.balloon, &status);
	report_status(&dp->publish, &status);
	follow_stall(dp, &status);
	control_changed(dp->control);
}

/* From inside any call of the balloon: only a note for later. */
static void note_change(void *opaque)
{
	struct device_process *dp = opaque;

	unused_changed(&dp->unused);
	if (dp->report && !timer_is_set(dp->report))
		timer_set(dp->report, REPORT_MS);
}

static void on_stats(void *opaque)
{
	struct device_process *dp = opaque;

	timer_set(dp->stats, dp->opts->stats_interval_s * 1000);
	end_on(dp, balloon_request_stats(dp->guest.balloon), "cannot ask for statistics");
}

/* --- serving --- */

/*
 * The balloon stops after a bounded number of messages. A timer, not event_active(): that would run
 * before other descriptors are looked at.
 */
static void look_for_work(struct device_process *dp)
{
	struct balloon_status status;

	balloon_get_status(dp->guest.balloon, &status);
	if (status.work_pending)
		timer_set(dp->work, 0);
}

static void on_work(void *opaque)
{
	struct device_process *dp = opaque;

	if (!end_on(dp, balloon_retry(dp->guest.balloon), "cannot serve the guest any more"))
		look_for_work(dp);
}

static void on_retry(void *opaque)
{
	struct device_process *dp = opaque;

	mem_set_hold_max_mem(&dp->mem_set);
	if (end_on(dp, balloon_retry(dp->guest.balloon), "cannot go on with a stalled deflate"))
		return;
	look_for_work(dp);
	on_report(dp);
	if (!dp->stalled)
		return;
	dp->retry_ms = dp->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : dp->retry_ms * 2;
	if (!timer_is_set(dp->retry))
		timer_set(dp->retry, dp->retry_ms);
}

static void on_server(evutil_socket_t fd, short what, void *opaque)
{
	struct device_process *dp = opaque;

	if (!end_on(dp, xenvirtio_server_process(dp->guest.server),
		    "cannot serve the guest any more"))
		look_for_work(dp);
}

static void target_changed(void *opaque, uint64_t kib)
{
	struct device_process *dp = opaque;
	int rc;

	if (!dp->guest.balloon)
		return;
	rc = balloon_set_target(dp->guest.balloon, target_balloon_pages(&dp->target));
	if (rc == -EINVAL)
		log_limited(dp->log, LOG_KIND_TARGET, LOG_LEVEL_WARNING, 0,
			    "a balloon of %" PRIu32
			    " pages is larger than the guest's RAM: ignored",
			    target_balloon_pages(&dp->target));
	else
		end_on(dp, rc, "cannot tell the guest its target");
}

/* Return: whether a lower target may be taken; else @r says why not. */
static bool admit_target(void *opaque, uint64_t kib, struct reserve *r)
{
	struct device_process *dp = opaque;
	struct balloon_status status;
	uint64_t balloon_kib;
	int rc;

	if (dp->opts->overcommit || !dp->guest.balloon)
		return true;
	balloon_get_status(dp->guest.balloon, &status);
	balloon_kib = status.ballooned_pages * KIB_PER_PAGE;
	rc = reserve_count(r, dp->hv, dp->bus.backend[0] ? dp->link : NULL, dp->opts->domid,
			   dp->bus.devid, balloon_kib);
	if (!rc)
		return reserve_allows(r, balloon_kib, dp->target.static_max_kib - kib);
	if (!dp->uncounted_told)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc < 0 ? rc : -EIO,
			"the host's free memory cannot be told: targets are taken as with "
			"--overcommit");
	dp->uncounted_told = true;
	return true;
}

/* --- control socket and metrics --- */

static void get_figures(void *opaque, struct figures *f)
{
	const struct device_process *dp = opaque;
	struct balloon_status status;

	*f = (struct figures){
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.static_max_kib = dp->target.static_max_kib,
		.dynamic_min_kib = dp->dynamic_min_kib,
		.target_kib = dp->target.kib,
		.pinned = dp->target.pinned,
		.refused = dp->target.refused,
		.refused_kib = dp->target.refused_kib,
		.refused_free_kib = dp->target.reserve.free_kib,
		.refused_owed_kib = dp->target.reserve.owed_kib,
		.refusals = dp->target.refusals,
	};
	snprintf(f->name, sizeof(f->name), "%s", dp->name);
	snprintf(f->path, sizeof(f->path), "%s", xenvirtio_server_path(dp->guest.server));
	balloon_get_status(dp->guest.balloon, &status);
	figures_take(f, &status);
	f->unused_ns = dp->unused.took_ns;
}

static int read_host_free(void *opaque, uint64_t *kib)
{
	struct device_process *dp = opaque;
	struct xenvirtio_host_info host;
	int rc = dp->hv->ops->host_info ? dp->hv->ops->host_info(dp->hv, &host) : -ENOSYS;

	if (!rc)
		*kib = host.free_pages * KIB_PER_PAGE;
	return rc;
}

static void order_self(void *opaque, const struct figures *ignored, uint64_t kib)
{
	struct device_process *dp = opaque;

	if (dp->target.pinned)
		return;
	dp->ordering = true;
	target_set_auto(&dp->target, kib);
	dp->ordering = false;
	if (!dp->ended)
		note_change(dp);
}

static void collect_figures(void *opaque,
			    void (*done)(void *arg, const struct figures *f, size_t nr), void *arg)
{
	const struct device_process *dp = opaque;
	struct figures f;

	if (!dp->ended)
		get_figures(opaque, &f);
	done(arg, &f, !dp->ended);
}

/* Unlike a key in xenstore, a client hears of a size that cannot be: nothing is cut. */
static bool check_size(struct device_process *dp, uint64_t kib, struct control_error *error)
{
	char asked[SIZE_TEXT_MAX], limit[SIZE_TEXT_MAX];
	uint64_t min_kib, max_kib = dp->target.static_max_kib;
	struct balloon_status status;

	balloon_get_status(dp->guest.balloon, &status);
	/* the balloon cannot be larger than the RAM it is made of */
	min_kib = status.ram_pages * KIB_PER_PAGE;
	min_kib = max_kib > min_kib ? max_kib - min_kib : 0;
	if (min_kib < KIB_PER_PAGE)
		min_kib = KIB_PER_PAGE;
	if (kib > max_kib) {
		control_error_set(error, CONTROL_OUT_OF_RANGE,
				  "the guest cannot have %s: give at most %s (memory/static-max)",
				  size_format(kib, asked), size_format(max_kib, limit));
		return false;
	}
	if (kib < min_kib) {
		control_error_set(error, CONTROL_OUT_OF_RANGE,
				  "the guest cannot do with %s: give at least %s",
				  size_format(kib, asked), size_format(min_kib, limit));
		return false;
	}
	return true;
}

/* @taken: what target_set() or its sibling said. */
static bool tell_taken(const struct device_process *dp, bool taken, struct control_error *error)
{
	char free_text[SIZE_TEXT_MAX], owed[SIZE_TEXT_MAX];

	if (!taken)
		control_error_set(error, CONTROL_RESERVE,
				  "the host has %s free, and %s is in balloons that guests may "
				  "take back: this guest is asked for no more until that fits "
				  "(xen-vballoond --overcommit asks nevertheless)",
				  size_format(dp->target.reserve.free_kib, free_text),
				  size_format(dp->target.reserve.owed_kib, owed));
	return taken;
}

static bool set_by_client(void *opaque, uint64_t kib, struct control_error *error)
{
	struct device_process *dp = opaque;

	if (!check_size(dp, kib, error) ||
	    !tell_taken(dp, target_set(&dp->target, kib, "control socket"), error))
		return false;
	/* also when it is the size in force: somebody wants that one */
	target_pin(&dp->target);
	note_change(dp);
	return true;
}

static bool set_auto(void *opaque, const uint64_t *kib, struct control_error *error)
{
	struct device_process *dp = opaque;

	if (!kib) {
		target_unpin(&dp->target);
		note_change(dp);
		return true;
	}
	if (dp->target.pinned) {
		control_error_set(error, CONTROL_PINNED,
				  "somebody has named a size: xen-vballoonctl auto gives the guest "
				  "back to --auto");
		return false;
	}
	return check_size(dp, *kib, error) &&
	       tell_taken(dp, target_set_auto(&dp->target, *kib), error);
}

static bool refresh_stats(void *opaque)
{
	struct device_process *dp = opaque;
	int rc = balloon_request_stats(dp->guest.balloon);
	struct balloon_status status;

	if (end_on(dp, rc, "cannot ask for statistics"))
		return false;
	balloon_get_status(dp->guest.balloon, &status);
	/* one that owes an answer may give it; one that never gave any has no such queue */
	return !rc || (status.driver_ok && status.stats_sequence);
}

/* --- unused pages --- */

static void unused_answered(void *opaque, const struct control_error *error)
{
	struct device_process *dp = opaque;

	control_unused(dp->control, error);
}

static void unused_work(void *opaque)
{
	look_for_work(opaque);
}

static bool unused_failed(void *opaque, int rc)
{
	return end_on(opaque, rc, "cannot ask for unused pages");
}

static bool ask_unused(void *opaque, struct control_error *error)
{
	struct device_process *dp = opaque;

	return unused_ask(&dp->unused, error);
}

static void hold_unused(void *opaque)
{
	struct device_process *dp = opaque;

	unused_hold(&dp->unused);
}

static void release_unused(void *opaque)
{
	struct device_process *dp = opaque;

	unused_release(&dp->unused);
}

static enum balloon_frame next_frame(void *opaque, struct xenvirtio_run *run,
				     struct xenvirtio_run *piece)
{
	const struct device_process *dp = opaque;

	return balloon_next_frame(dp->guest.balloon, run, piece);
}

static int make_unused(struct device_process *dp)
{
	const struct unused_config cfg = {
		.base = dp->base,
		.balloon = dp->guest.balloon,
		.answer_ms = dp->env.unused_ms,
		.answered = unused_answered,
		.work = unused_work,
		.failed = unused_failed,
		.opaque = dp,
	};

	return unused_init(&dp->unused, &cfg);
}

static void read_name(struct device_process *dp)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", dp->opts->domid);
	if (store_link_read(dp->link, path, value, sizeof(value)))
		value[0] = '\0';
	snprintf(dp->name, sizeof(dp->name), "%.*s", (int)sizeof(dp->name) - 1, value);
}

static void start_auto(struct device_process *dp)
{
	const struct options *opts = dp->opts;
	struct auto_config cfg = {
		.base = dp->base,
		.log = dp->log,
		.policy = auto_policy(opts->auto_low_percent, opts->auto_high_percent,
				      opts->auto_floor_kib, opts->overcommit,
				      opts->stats_interval_s * 1000),
		.interval_ms = opts->stats_interval_s * 1000,
		.collect = collect_figures,
		.collect_opaque = dp,
		.host_free = read_host_free,
		.order = order_self,
		.opaque = dp,
	};
	int rc = auto_new(&dp->autopilot, &cfg);

	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "targets are not chosen: --auto");
}

/* The guest is served also where these cannot be. */
static void open_doors(struct device_process *dp)
{
	static const struct control_ops ops = {
		.figures = get_figures,
		.set_target = set_by_client,
		.set_auto = set_auto,
		.refresh_stats = refresh_stats,
		.ask_unused = ask_unused,
		.hold_unused = hold_unused,
		.release_unused = release_unused,
		.next_frame = next_frame,
	};
	struct control_config control = {
		.base = dp->base,
		.log = dp->log,
		.dir = dp->opts->state_dir,
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.ops = &ops,
		.opaque = dp,
	};
	struct metrics_config metrics = {
		.base = dp->base,
		.log = dp->log,
		.address = &dp->opts->metrics,
		.collect = collect_figures,
		.opaque = dp,
	};
	int rc;

	read_name(dp);
	rc = control_open(&dp->control, &control);
	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc,
			"no control socket in %s: xen-vballoonctl will not see this guest",
			dp->opts->state_dir);
	rc = dp->opts->metrics.len ? metrics_open(&dp->metrics, &metrics) : 0;
	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "no metrics are served: --metrics");
	if (dp->opts->automatic)
		start_auto(dp);
}

static uint64_t read_static_max(struct device_process *dp, const struct xenvirtio_domain_info *info)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];
	uint64_t kib;

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/memory/static-max",
		 dp->opts->domid);
	if (!store_link_read(dp->link, path, value, sizeof(value)) &&
	    !size_parse_kib(value, &kib) && kib)
		return kib;
	return info->max_pages << (XENVIRTIO_PAGE_SHIFT - 10);
}

/* What tells this domain from an earlier one of the same number. */
static void read_identity(struct device_process *dp, char *identity, size_t size)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", dp->opts->domid);
	if (store_link_read(dp->link, path, value, sizeof(value)))
		value[0] = '\0';
	snprintf(identity, size, "%.*s", (int)size - 1, value);
}

static void first_target(struct device_process *dp)
{
	if (dp->opts->target_given) {
		/* what stands in memory/target is older than the command line */
		target_set(&dp->target, dp->opts->target_kib, "--target");
		return;
	}
	if (mem_set_read(&dp->mem_set) || target_read_node(&dp->target))
		return;
	target_reset(&dp->target);
}

static void dynamic_min_path(const struct device_process *dp, char *path, size_t size)
{
	snprintf(path, size, "/local/domain/%" PRIu32 "/memory/dynamic-min", dp->opts->domid);
}

static void read_dynamic_min(struct device_process *dp)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];
	int rc;

	dynamic_min_path(dp, path, sizeof(path));
	rc = store_link_read(dp->link, path, value, sizeof(value));
	if (rc == -EPIPE)
		return;
	if (rc || size_parse_kib(value, &dp->dynamic_min_kib))
		dp->dynamic_min_kib = 0;
	note_change(dp);
}

static int watch_node(struct device_process *dp)
{
	static const struct {
		const char *key, *token;
	} watches[] = {
		{"state", TOKEN_NODE},
		{"online", TOKEN_NODE},
		{"target", TOKEN_TARGET},
	};
	char min_path[64];

	int ret;

	dynamic_min_path(dp, min_path, sizeof(min_path));
	ret = store_link_watch(dp->link, min_path, TOKEN_DYNAMIC_MIN);
	if (ret || !dp->bus.backend[0])
		return ret;
	for (size_t i = 0; i < sizeof(watches) / sizeof(watches[0]); i++) {
		char path[sizeof(dp->bus.backend) + 16];
		int rc;

		snprintf(path, sizeof(path), "%s/%s", dp->bus.backend, watches[i].key);
		rc = store_link_watch(dp->link, path, watches[i].token);
		if (rc)
			return rc;
	}
	return 0;
}

static int make_serving_events(struct device_process *dp)
{
	dp->server = event_new(dp->base, xenvirtio_server_fd(dp->guest.server),
			       EV_READ | EV_PERSIST, on_server, dp);
	dp->work = timer_new(dp->base, on_work, dp);
	dp->report = timer_new(dp->base, on_report, dp);
	dp->retry = timer_new(dp->base, on_retry, dp);
	dp->stats = timer_new(dp->base, on_stats, dp);
	if (!dp->server || !dp->work || !dp->report || !dp->retry || !dp->stats)
		return -ENOMEM;
	if (make_unused(dp))
		return -ENOMEM;
	event_add(dp->server, NULL);
	if (dp->opts->stats_interval_s)
		timer_set(dp->stats, dp->opts->stats_interval_s * 1000);
	return 0;
}

static void tell_connected(struct device_process *dp)
{
	int rc;

	if (!dp->bus.backend[0] || !store_link_up(dp->link))
		return;
	rc = store_link_failed(dp->link,
			       xenvirtio_xenbus_set_state(store_link_store(dp->link), &dp->bus,
							  XENVIRTIO_XENBUS_CONNECTED));
	if (rc < 0 && rc != -EPIPE)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "cannot write %s/state", dp->bus.backend);
}

/* The toolstack wants the device closed. */
static bool closing_wanted(const struct xenvirtio_xenbus *bus)
{
	return !bus->online || bus->state == XENVIRTIO_XENBUS_CLOSING;
}

static void end_closed(struct device_process *dp)
{
	log_msg(dp->log, LOG_LEVEL_NOTICE, 0, "device %" PRIu32 " of domain %" PRIu32 " is closed",
		dp->bus.devid, dp->bus.domid);
	end_process(dp, EXIT_CODE_DONE, GUEST_REMOVE);
}

/* Once and early: a size that cannot be is a wrong command line, not something to cut. */
static bool refuse_target(struct device_process *dp, uint64_t static_max_kib)
{
	char asked[SIZE_TEXT_MAX], max[SIZE_TEXT_MAX];

	if (!dp->opts->target_given || dp->opts->target_kib <= static_max_kib)
		return false;
	log_msg(dp->log, LOG_LEVEL_ERROR, 0,
		"--target: the guest cannot have %s: give at most %s (memory/static-max)",
		size_format(dp->opts->target_kib, asked), size_format(static_max_kib, max));
	refuse(dp, EXIT_CODE_UNSUITABLE);
	return true;
}

/* The host has taken something back; the guest is served as before, if not as fast. */
static void path_changed(void *opaque, int why)
{
	struct device_process *dp = opaque;
	const char *path;

	/* when the device is being opened it is told at the end of that */
	path = dp->guest.server ? xenvirtio_server_path(dp->guest.server) : "";
	log_msg(dp->log, LOG_LEVEL_WARNING, why, "notifications go on by %s", path);
	if (!dp->serving)
		return;
	publish_text(&dp->publish, KEY_PATH, path);
	note_change(dp);
}

/* False: the process has ended. */
static bool open_guest(struct device_process *dp)
{
	char identity[STATE_FILE_IDENTITY_MAX];
	struct guest_config cfg = {
		.hv = dp->hv,
		.log = dp->log,
		.state_dir = dp->opts->state_dir,
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.identity = identity,
		.base = dp->bus.base,
		.irq = dp->bus.irq,
		.deflate_on_oom = dp->opts->deflate_on_oom,
		.bulk = dp->opts->bulk,
		.notify = dp->opts->notify,
		.path_changed = path_changed,
		.changed = note_change,
		.opaque = dp,
	};
	enum exit_code code = EXIT_CODE_HOST;
	int rc;

	read_identity(dp, identity, sizeof(identity));
	rc = guest_open(&dp->guest, &cfg, &code);
	if (rc == -ECANCELED) {
		refuse(dp, code);
		return false;
	}
	return !end_on(dp, rc, "cannot serve the guest");
}

/* What was in force when the process before this one ended was admitted then. */
static void go_on_with_target(struct device_process *dp)
{
	struct balloon_status status;
	uint64_t balloon_kib;

	balloon_get_status(dp->guest.balloon, &status);
	balloon_kib = (uint64_t)status.target_pages * KIB_PER_PAGE;
	if (balloon_kib <= dp->target.static_max_kib)
		dp->target.kib = dp->target.static_max_kib - balloon_kib;
	if (state_file_adopted(dp->guest.state))
		target_read_pinned(&dp->target);
	else
		target_unpin(&dp->target);
	dp->target.admit = admit_target;
}

/* What xenstore is for while serving. False: the process has ended. */
static bool join_store(struct device_process *dp, uint64_t static_max_kib)
{
	int rc = 0;

	publish_init(&dp->publish, dp->bus.backend[0] ? dp->link : NULL, dp->log, dp->bus.backend);
	/* one that was killed left it */
	publish_remove(&dp->publish, KEY_PATH);
	publish_remove(&dp->publish, "refused");
	target_init(&dp->target, dp->log, &dp->publish, dp->bus.backend, static_max_kib,
		    target_changed, dp);
	mem_set_init(&dp->mem_set, dp->log, dp->link, dp->hv, &dp->target, dp->opts->domid,
		     state_file_perms(dp->guest.state));
	if (dp->opts->mem_set_follow)
		rc = mem_set_start(&dp->mem_set);
	else
		mem_set_stop(&dp->mem_set);
	if (!rc)
		rc = watch_node(dp);
	if (end_on(dp, rc, "cannot watch xenstore"))
		return false;
	go_on_with_target(dp);
	first_target(dp);
	/* the target may be what it was by default: the device must hear it all the same */
	if (!dp->ended)
		target_changed(dp, dp->target.kib);
	return !dp->ended;
}

static void start_serving(struct device_process *dp)
{
	struct xenvirtio_domain_info info;
	uint64_t static_max_kib;

	if (end_on(dp, dp->hv->ops->domain_info(dp->hv, &info), "cannot look at the domain"))
		return;
	static_max_kib = read_static_max(dp, &info);
	if (refuse_target(dp, static_max_kib) || !open_guest(dp))
		return;
	if (end_on(dp, make_serving_events(dp), "cannot make events"))
		return;
	if (!join_store(dp, static_max_kib))
		return;
	if (end_on(dp, xenvirtio_server_resume(dp->guest.server), "cannot go on with the guest"))
		return;
	look_for_work(dp);
	on_report(dp);
	dp->serving = true;
	open_doors(dp);
	tell_connected(dp);
	/* last: whoever waits for it may let the guest run */
	publish_text(&dp->publish, KEY_PATH, xenvirtio_server_path(dp->guest.server));
	log_msg(dp->log, LOG_LEVEL_NOTICE, 0,
		"serving device %" PRIu32 " of domain %" PRIu32 " at %#" PRIx64
		", interrupt %" PRIu32 ", by %s",
		dp->bus.devid, dp->opts->domid, dp->bus.base.v, dp->bus.irq,
		xenvirtio_server_path(dp->guest.server));
	if (strcmp(xenvirtio_server_path(dp->guest.server),
		   xenvirtio_notify_path_name(XENVIRTIO_NOTIFY_UPSTREAM)) == 0)
		log_msg(dp->log, LOG_LEVEL_WARNING, 0,
			"with this kernel's ioeventfds a process that is killed cannot be replaced: "
			"the modules of kernel/, or --notify=event-channel, do not have that fault");
}

/* --- discovery --- */

static void look_for_device(struct device_process *dp)
{
	enum exit_code code = EXIT_CODE_HOST;
	char path[64];
	int rc;

	discovery_watch_path(dp->opts, path);
	rc = discovery_look(dp->opts, dp->link, dp->log, &dp->bus, dp->missing, &code);
	if (rc == XENVIRTIO_E_AGAIN || rc == -EPIPE) {
		if (timer_is_set(dp->discovery))
			return;
		log_msg(dp->log, LOG_LEVEL_INFO, 0, "%s", dp->missing);
		timer_set(dp->discovery, dp->env.discovery_ms);
		rc = store_link_watch(dp->link, path, TOKEN_DISCOVER);
		end_on(dp, rc, "cannot watch xenstore");
		return;
	}
	timer_stop(dp->discovery);
	if (rc) {
		refuse(dp, code);
		return;
	}
	store_link_unwatch(dp->link, path, TOKEN_DISCOVER);
	if (closing_wanted(&dp->bus)) {
		end_closed(dp);
		return;
	}
	start_serving(dp);
}

static void on_discovery_over(void *opaque)
{
	struct device_process *dp = opaque;

	log_msg(dp->log, LOG_LEVEL_ERROR, 0,
		"gave up after %u s: %s: was xl interrupted? destroy the domain and create it "
		"again",
		dp->env.discovery_ms / 1000, dp->missing);
	refuse(dp, EXIT_CODE_UNSUITABLE);
}

/* --- xenstore --- */

/*
 * A toolstack asks for the close before it removes the node. After a restart of xenstored a node
 * may be missing because its contents are still being brought back: that is no reason to leave a
 * guest.
 */
static void node_missing(struct device_process *dp)
{
	if (!dp->store_anew)
		end_closed(dp);
}

static void node_seen(struct device_process *dp, const struct xenvirtio_xenbus *now)
{
	if (closing_wanted(now)) {
		end_closed(dp);
		return;
	}
	if (!dp->store_anew)
		return;
	dp->store_anew = false;
	publish_again(&dp->publish);
	if (now->state != XENVIRTIO_XENBUS_CONNECTED)
		tell_connected(dp);
}

static void check_node(struct device_process *dp)
{
	struct xenvirtio_store *store = store_link_store(dp->link);
	struct xenvirtio_xenbus now;
	char why[DISCOVERY_WHY_MAX];
	int rc;

	if (!store || !dp->bus.backend[0])
		return;
	rc = store_link_failed(dp->link,
			       xenvirtio_xenbus_read(store, dp->bus.domid, dp->bus.devid,
						     DISCOVERY_TYPE, &now, why, sizeof(why)));
	if (rc == XENVIRTIO_E_EMPTY || rc == XENVIRTIO_E_AGAIN)
		node_missing(dp);
	else if (!rc)
		node_seen(dp, &now);
	else if (rc != -EPIPE)
		log_limited(dp->log, LOG_KIND_STORE, LOG_LEVEL_WARNING, 0, "ignored: %s", why);
}

/* The key goes with its node: a missing key is put back only into a node that stands. */
static void read_target(struct device_process *dp)
{
	check_node(dp);
	if (!dp->ended)
		target_read_node(&dp->target);
}

static void on_store_event(void *opaque, const char *path, const char *token)
{
	struct device_process *dp = opaque;

	if (dp->ended)
		return;
	if (strcmp(token, TOKEN_DOMAIN) == 0)
		check_domain(dp);
	else if (strcmp(token, TOKEN_DISCOVER) == 0 && !dp->serving)
		look_for_device(dp);
	else if (!dp->serving)
		return;
	else if (strcmp(token, TOKEN_NODE) == 0)
		check_node(dp);
	else if (strcmp(token, TOKEN_TARGET) == 0)
		read_target(dp);
	else if (strcmp(token, TOKEN_DYNAMIC_MIN) == 0)
		read_dynamic_min(dp);
	else if (strcmp(token, MEM_SET_TOKEN) == 0)
		mem_set_read(&dp->mem_set);
}

static void on_store_back(void *opaque)
{
	struct device_process *dp = opaque;

	/* the watches, set again, tell of whatever changed meanwhile */
	if (!dp->serving || check_domain(dp))
		return;
	dp->store_anew = true;
	publish_hold(&dp->publish);
	check_node(dp);
	if (!dp->ended)
		mem_set_again(&dp->mem_set);
}

static void on_tick(void *opaque)
{
	struct device_process *dp = opaque;

	timer_set(dp->tick, TICK_MS);
	if (check_domain(dp))
		return;
	store_link_poll(dp->link);
	/* a node brought back key by key: not all of them are watched */
	if (!dp->ended && dp->store_anew)
		check_node(dp);
	if (dp->ended)
		return;
	publish_flush(&dp->publish);
	log_flush(dp->log);
}

/* --- beginning --- */

static void on_signal(evutil_socket_t signal, short what, void *opaque)
{
	struct device_process *dp = opaque;
	bool in_use = guest_in_use(&dp->guest);

	if (in_use)
		log_msg(dp->log, LOG_LEVEL_NOTICE, 0,
			"signal %d: domain %" PRIu32 " uses its device: left to the next "
			"xen-vballoond, until then the guest waits",
			(int)signal, dp->opts->domid);
	else
		log_msg(dp->log, LOG_LEVEL_NOTICE, 0, "signal %d: the device is taken away",
			(int)signal);
	end_process(dp, EXIT_CODE_DONE, in_use ? GUEST_LEAVE : GUEST_REMOVE);
}

static int make_events(struct device_process *dp)
{
	for (size_t i = 0; i < END_SIGNALS; i++) {
		dp->signal[i] = evsignal_new(dp->base, end_signals[i], on_signal, dp);
		if (!dp->signal[i] || event_add(dp->signal[i], NULL))
			return -ENOMEM;
	}
	dp->discovery = timer_new(dp->base, on_discovery_over, dp);
	dp->tick = timer_new(dp->base, on_tick, dp);
	if (!dp->discovery || !dp->tick)
		return -ENOMEM;
	timer_set(dp->tick, TICK_MS);
	return 0;
}

static void end_no_xen(struct device_process *dp, int rc)
{
	if (rc == -EACCES || rc == -EPERM)
		log_msg(dp->log, LOG_LEVEL_ERROR, 0,
			"no permission to use Xen: run it as root, in dom0");
	else if (rc == -ENOENT || rc == -ENODEV)
		log_msg(dp->log, LOG_LEVEL_ERROR, 0,
			"not on Xen, or /dev/xen is absent: run it in dom0; modprobe xen-privcmd "
			"xen-evtchn");
	else if (rc == -ENOSYS)
		log_msg(dp->log, LOG_LEVEL_ERROR, 0,
			"built without Xen: configure and build it again, with libxen-dev");
	else
		log_msg(dp->log, LOG_LEVEL_ERROR, rc, "cannot connect to Xen");
	end_process(dp, EXIT_CODE_NO_XEN, GUEST_LEAVE);
}

static bool open_hv(struct device_process *dp)
{
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *recorder;
	int rc;

	rc = dp->env.open_hv(dp->env.opaque, &dp->hv, dp->opts->domid, dp->log);
	if (rc) {
		dp->hv = NULL;
		end_no_xen(dp, rc);
		return false;
	}
	if (dp->opts->record) {
		rc = xenvirtio_hv_open_record(&recorder, dp->hv, dp->opts->record);
		if (rc) {
			log_msg(dp->log, LOG_LEVEL_ERROR, rc, "--record %s", dp->opts->record);
			end_process(dp, EXIT_CODE_HOST, GUEST_LEAVE);
			return false;
		}
		dp->hv = recorder;
	}
	rc = dp->hv->ops->domain_info(dp->hv, &info);
	if (rc == XENVIRTIO_E_GONE || (!rc && info.dying)) {
		log_msg(dp->log, LOG_LEVEL_ERROR, 0,
			"domain %" PRIu32 " does not exist%s: xl list shows those that do",
			dp->opts->domid, rc ? "" : " any more");
		end_process(dp, EXIT_CODE_NO_DEVICE, GUEST_LEAVE);
		return false;
	}
	if (rc == -EACCES || rc == -EPERM) {
		end_no_xen(dp, rc);
		return false;
	}
	return !end_on(dp, rc, "cannot look at the domain");
}

static bool open_store(struct device_process *dp)
{
	struct store_link_config link = {
		.base = dp->base,
		.log = dp->log,
		.open = dp->env.open_store,
		.open_opaque = dp->env.opaque,
		.event = on_store_event,
		.connected = on_store_back,
		.opaque = dp,
	};
	/* with --base one can do without xenstore */
	int rc = store_link_new(&dp->link, &link, !dp->opts->base_given);

	if (rc) {
		dp->link = NULL;
		log_msg(dp->log, LOG_LEVEL_ERROR, rc,
			"xenstore cannot be reached: run it as root, in dom0, with xenstored "
			"running");
		end_process(dp, rc == -ENOMEM ? EXIT_CODE_HOST : EXIT_CODE_NO_XEN, GUEST_LEAVE);
		return false;
	}
	rc = store_link_watch(dp->link, "@releaseDomain", TOKEN_DOMAIN);
	return !end_on(dp, rc, "cannot watch for the domain's end");
}

int device_process_new(struct device_process **out, struct event_base *base,
		       const struct options *opts, struct log *log,
		       const struct device_process_env *env)
{
	struct device_process *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return -ENOMEM;
	dp->base = base;
	dp->opts = opts;
	dp->log = log;
	dp->env = *env;
	if (!dp->env.discovery_ms)
		dp->env.discovery_ms = DISCOVERY_MS;
	*out = dp;
	if (end_on(dp, make_events(dp), "cannot make events"))
		return 0;
	if (open_hv(dp) && open_store(dp))
		look_for_device(dp);
	return 0;
}

void device_process_free(struct device_process *dp)
{
	if (!dp)
		return;
	end_process(dp, EXIT_CODE_DONE, guest_in_use(&dp->guest) ? GUEST_LEAVE : GUEST_REMOVE);
	control_free(dp->control);
	stop_auto(dp);
	store_link_free(dp->link);
	free(dp);
}

bool device_process_ended(const struct device_process *dp, enum exit_code *code)
{
	*code = dp->code;
	return dp->ended;
}

bool device_process_serving(const struct device_process *dp)
{
	return dp->serving;
}
