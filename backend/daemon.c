// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vballoond: command line in, exit code out. Everything else is in libvballoond, which tests
 * link as well.
 */
#include "config.h"

#include "backend/devices/balloon/sizing/auto.h"
#include "backend/process/device-process.h"
#include "backend/service/launcher.h"
#include "backend/metrics/metrics-collect.h"
#include "backend/metrics/metrics.h"
#include "backend/devices/balloon/sizing/orders.h"
#include "backend/service/service-notify.h"
#include "backend/service/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static int open_xen_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return xenvirtio_hv_open_xen(hv, domid, log->xtl);
}

static int open_xen_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

static enum exit_code serve(const struct options *opts, struct log *log)
{
	const struct device_process_env env = {
		.open_hv = open_xen_hv,
		.open_store = open_xen_store,
	};
	enum exit_code code = EXIT_CODE_HOST;
	struct device_process *dp = NULL;
	struct event_base *base;

	base = event_base_new();
	if (!base || device_process_new(&dp, base, opts, log, &env)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		goto out;
	}
	if (!device_process_ended(dp, &code) && event_base_dispatch(base) < 0)
		log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	if (!device_process_ended(dp, &code))
		code = EXIT_CODE_HOST;
out:
	device_process_free(dp);
	if (base)
		event_base_free(base);
	return code;
}

static void notify_manager(void *opaque, const char *text)
{
	service_notify(text);
}

/* One of the seam's operations on a domain that is not opened otherwise. */
static int on_domain(uint32_t domid, struct log *log, bool pause)
{
	struct xenvirtio_hv *hv;
	int rc = xenvirtio_hv_open_xen(&hv, domid, log->xtl);

	if (rc)
		return rc;
	rc = pause ? hv->ops->pause(hv) : hv->ops->unpause(hv);
	xenvirtio_hv_close(hv);
	return rc;
}

static int pause_domain(void *opaque, uint32_t domid, struct log *log)
{
	return on_domain(domid, log, true);
}

static int unpause_domain(void *opaque, uint32_t domid, struct log *log)
{
	return on_domain(domid, log, false);
}

/* What the service does itself: the last word of a command line counts. */
static const char *const service_words[] = {"--metrics=none", "--no-auto"};
#define SERVICE_WORDS (sizeof(service_words) / sizeof(service_words[0]))

/* The command line for device processes, to be freed; NULL: out of memory. */
static char **make_words(int argc, char **argv)
{
	char **words = calloc((size_t)argc + SERVICE_WORDS + 1, sizeof(*words));

	if (words) {
		memcpy(words, argv, (size_t)argc * sizeof(*argv));
		for (size_t i = 0; i < SERVICE_WORDS; i++)
			words[(size_t)argc + i] = (char *)(uintptr_t)service_words[i];
	}
	return words;
}

/* What stands beside the supervisor, and needs the figures of all guests. */
struct overview {
	struct metrics_collect *collect;
	struct metrics *metrics;
	struct autopilot *autopilot;
	struct orders *orders;
	struct xenvirtio_hv *hv; /* of dom0, for the host's memory */
};

static int read_host_free(void *opaque, uint64_t *kib)
{
	struct overview *o = opaque;
	struct xenvirtio_host_info host;
	int rc = o->hv->ops->host_info(o->hv, &host);

	if (!rc)
		*kib = host.free_pages * (XENVIRTIO_PAGE_SIZE / 1024);
	return rc;
}

static void send_order(void *opaque, const struct figures *f, uint64_t kib)
{
	struct overview *o = opaque;

	orders_send(o->orders, f->domid, f->devid, kib);
}

static int open_metrics(struct overview *o, struct event_base *base, const struct options *opts,
			struct log *log)
{
	struct metrics_config cfg = {
		.base = base,
		.log = log,
		.address = &opts->metrics,
		.collect = metrics_collect_run,
		.opaque = o->collect,
	};

	return metrics_open(&o->metrics, &cfg);
}

static int open_auto(struct overview *o, struct event_base *base, const struct options *opts,
		     struct log *log)
{
	struct auto_config cfg = {
		.base = base,
		.log = log,
		.policy = auto_policy(opts->auto_low_percent, opts->auto_high_percent,
				      opts->auto_floor_kib, opts->overcommit,
				      opts->stats_interval_s * 1000),
		.interval_ms = opts->stats_interval_s * 1000,
		.collect = metrics_collect_run,
		.collect_opaque = o->collect,
		.host_free = read_host_free,
		.order = send_order,
		.opaque = o,
	};
	int rc = open_xen_hv(NULL, &o->hv, 0, log);

	if (rc) {
		o->hv = NULL;
		return rc;
	}
	rc = orders_new(&o->orders, base, log, opts->state_dir);
	return rc ? rc : auto_new(&o->autopilot, &cfg);
}

/* Guests are served also where these cannot be. */
static void open_overview(struct overview *o, struct event_base *base, const struct options *opts,
			  struct log *log)
{
	int collect, rc;

	if (!opts->metrics.len && !opts->automatic)
		return;
	collect = metrics_collect_new(&o->collect, base, opts->state_dir, 0);
	rc = collect;
	if (!rc && opts->metrics.len)
		rc = open_metrics(o, base, opts, log);
	if (rc && opts->metrics.len)
		log_msg(log, LOG_LEVEL_WARNING, rc, "no metrics are served: --metrics");
	if (!opts->automatic)
		return;
	rc = collect ? collect : open_auto(o, base, opts, log);
	if (rc)
		log_msg(log, LOG_LEVEL_WARNING, rc, "targets are not chosen: --auto");
}

static void close_overview(struct overview *o)
{
	metrics_free(o->metrics);
	metrics_collect_free(o->collect);
	auto_free(o->autopilot);
	orders_free(o->orders);
	xenvirtio_hv_close(o->hv);
}

static enum exit_code supervise(const struct options *opts, struct log *log, int argc, char **argv)
{
	char **words = make_words(argc, argv);
	struct overview overview = {0};
	struct launcher_exec exec = {0};
	struct launcher launcher;
	const struct supervisor_env env = {
		.open_store = open_xen_store,
		.launcher = &launcher,
		.notify = notify_manager,
		.pause = pause_domain,
		.unpause = unpause_domain,
	};
	enum exit_code code = EXIT_CODE_HOST;
	struct supervisor *sup = NULL;
	struct event_base *base;

	base = event_base_new();
	if (!base || !words ||
	    launcher_init(&launcher, &exec, argc + (int)SERVICE_WORDS, words, opts->state_dir) ||
	    supervisor_new(&sup, base, opts, log, &env)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		goto out;
	}
	if (!supervisor_ended(sup, &code)) {
		open_overview(&overview, base, opts, log);
		if (event_base_dispatch(base) < 0)
			log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	}
	if (!supervisor_ended(sup, &code))
		code = EXIT_CODE_HOST;
out:
	close_overview(&overview);
	supervisor_free(sup);
	launcher_fini(&exec);
	free(words);
	if (base)
		event_base_free(base);
	return code;
}

int main(int argc, char **argv)
{
	struct options opts;
	enum command_line_result line;
	enum exit_code code;
	struct log log;
	char why[256];
	int answer;

	line = options_parse(&opts, argc, argv, why, sizeof(why));
	answer = command_line_answer(&options_command_line, line, why);
	if (answer >= 0)
		return answer;
	/* a peer that went away is an answer of write(), not a death */
	signal(SIGPIPE, SIG_IGN);
	if (log_open(&log, opts.log_level, opts.syslog)) {
		fprintf(stderr, "xen-vballoond: out of memory\n");
		return EXIT_CODE_HOST;
	}
	/* the supervisor starts /proc/self/exe, which ps would show as "exe" */
	prctl(PR_SET_NAME, "xen-vballoond");
	code = opts.domid ? serve(&opts, &log) : supervise(&opts, &log, argc, argv);
	log_close(&log);
	return code;
}
