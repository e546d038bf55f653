// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vballoond: command line in, exit code out. Everything else is in libvballoond, which tests
 * link as well.
 */
#include "config.h"

#include "backend/device-process.h"
#include "backend/launcher.h"
#include "backend/metrics-collect.h"
#include "backend/metrics.h"
#include "backend/service-notify.h"
#include "backend/supervisor.h"

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

/* Device processes leave the metrics to the service: the last word of a command line counts. */
static char **without_metrics(int argc, char **argv)
{
	static char none[] = "--metrics=none";
	char **words = calloc((size_t)argc + 2, sizeof(*words));

	if (words) {
		memcpy(words, argv, (size_t)argc * sizeof(*argv));
		words[argc] = none;
	}
	return words;
}

static void open_metrics(struct metrics **m, struct metrics_collect **collect,
			 struct event_base *base, const struct options *opts, struct log *log)
{
	struct metrics_config cfg = {
		.base = base,
		.log = log,
		.address = &opts->metrics,
		.collect = metrics_collect_run,
	};
	int rc;

	if (!opts->metrics.len)
		return;
	rc = metrics_collect_new(collect, base, opts->state_dir, 0);
	cfg.opaque = *collect;
	if (!rc)
		rc = metrics_open(m, &cfg);
	if (rc)
		log_msg(log, LOG_LEVEL_WARNING, rc, "no metrics are served: --metrics");
}

static enum exit_code supervise(const struct options *opts, struct log *log, int argc, char **argv)
{
	char **words = opts->metrics.len ? without_metrics(argc, argv) : argv;
	struct metrics_collect *collect = NULL;
	struct metrics *metrics = NULL;
	struct launcher_exec exec = {0};
	struct launcher launcher;
	const struct supervisor_env env = {
		.open_store = open_xen_store,
		.launcher = &launcher,
		.notify = notify_manager,
	};
	enum exit_code code = EXIT_CODE_HOST;
	struct supervisor *sup = NULL;
	struct event_base *base;

	base = event_base_new();
	if (!base || !words ||
	    launcher_init(&launcher, &exec, argc + (words != argv), words, opts->state_dir) ||
	    supervisor_new(&sup, base, opts, log, &env)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		goto out;
	}
	if (!supervisor_ended(sup, &code)) {
		open_metrics(&metrics, &collect, base, opts, log);
		if (event_base_dispatch(base) < 0)
			log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	}
	if (!supervisor_ended(sup, &code))
		code = EXIT_CODE_HOST;
out:
	metrics_free(metrics);
	metrics_collect_free(collect);
	supervisor_free(sup);
	launcher_fini(&exec);
	if (words != argv)
		free(words);
	if (base)
		event_base_free(base);
	return code;
}

int main(int argc, char **argv)
{
	struct options opts;
	enum exit_code code;
	struct log log;
	char why[256];

	switch (options_parse(&opts, argc, argv, why, sizeof(why))) {
	case OPTIONS_HELP:
		options_help(stdout);
		return EXIT_CODE_DONE;
	case OPTIONS_VERSION:
		puts("xen-vballoond (" PACKAGE_NAME ") " PACKAGE_VERSION);
		return EXIT_CODE_DONE;
	case OPTIONS_WRONG:
		fprintf(stderr, "xen-vballoond: %s\n", why);
		return EXIT_CODE_USAGE;
	case OPTIONS_RUN:
		break;
	}
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
