// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A daemon of one device type: command line in, exit code out.
 */
#include "config.h"

#include "backend/daemon.h"
#include "backend/base/ready-fd.h"
#include "backend/base/upgrade-words.h"
#include "backend/confined.h"
#include "backend/keep.h"
#include "backend/metrics/metrics-collect.h"
#include "backend/metrics/metrics.h"
#include "backend/process/device-process.h"
#include "backend/self-test.h"
#include "backend/service/launcher.h"
#include "backend/service/service-notify.h"
#include "backend/service/supervisor.h"
#include "backend/service/upgrade-door.h"
#include "backend/with-backends.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int open_xen_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return xenvirtio_hv_open_xen(hv, domid, log->xtl);
}

static int open_xen_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

/* Of whoever waits with --ready-fd. */
struct waiter {
	int fd; /* 0: nobody does */
	struct log *log;
};

static void tell_waiter(void *opaque)
{
	struct waiter *waiter = opaque;
	int rc = waiter->fd ? ready_fd_tell(waiter->fd) : 0;

	if (rc)
		log_msg(waiter->log, LOG_LEVEL_WARNING, rc, "--ready-fd %d: nobody is told",
			waiter->fd);
	waiter->fd = 0;
}

static enum exit_code serve(const struct device_type *type, const struct options *opts,
			    struct log *log, const struct device_process_env *world)
{
	struct waiter waiter = {.fd = opts->ready_fd, .log = log};
	struct device_process_env env = *world;
	enum exit_code code = EXIT_CODE_HOST;
	struct device_process *dp = NULL;
	struct event_base *base;

	env.ready = tell_waiter;
	env.ready_opaque = &waiter;
	base = event_base_new();
	if (!base || device_process_new(&dp, base, type, opts, log, &env)) {
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

static enum exit_code serve_one(const struct device_type *type, const struct options *opts, struct log *log, int argc, char **argv,
				int *signal)
{
	const struct device_process_env env = {
		.open_hv = open_xen_hv,
		.open_store = open_xen_store,
		.unconfined = "anything: --no-sandbox",
	};

	if (!opts->no_sandbox && !opts->no_restart)
		return keep_device(opts, log, argc, argv, signal);
	if (!opts->no_sandbox)
		return confined_serve(type, opts, log, serve, signal);
	log_msg(log, LOG_LEVEL_WARNING, 0,
		"--no-sandbox: a fault in this process is one in dom0, with all that it may do");
	return serve(type, opts, log, &env);
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

/* Who waits, waits for the service, and its metrics are of all guests; the last word of a command
 * line counts. */
static const char *const service_words[] = {"--metrics=none", "--ready-fd=none", "--no-restart", NULL};

static int count_words(const char *const *words)
{
	int nr = 0;

	while (words && words[nr])
		nr++;
	return nr;
}

static void add_words(char **at, const char *const *words)
{
	for (int i = 0; i < count_words(words); i++)
		at[i] = (char *)(uintptr_t)words[i];
}

/* The command line for device processes, to be freed; NULL: out of memory. */
static char **make_words(const struct device_type *type, const struct with_backends *w, int argc, char **argv, int *nr)
{
	int common = count_words(service_words), own = count_words(type->service_words), more = count_words(w->words);
	char **words = calloc((size_t)(argc + common + own + more + 1), sizeof(*words));

	if (!words)
		return NULL;
	memcpy(words, argv, (size_t)argc * sizeof(*argv));
	add_words(words + argc, service_words);
	add_words(words + argc + common, type->service_words);
	add_words(words + argc + common + own, w->words);
	*nr = argc + common + own + more;
	return words;
}

/* What whoever started this process left open, a directory perhaps, is nothing for a device process to hold. */
static void close_inherited(const struct options *opts)
{
	unsigned int ready = opts->ready_fd ? (unsigned int)opts->ready_fd : STDERR_FILENO;

	if (ready > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, ready - 1, 0);
	close_range(ready + 1, ~0u, 0);
}

/* What stands beside the supervisor, and needs the figures of all guests. */
struct overview {
	const struct device_type *type;
	struct metrics_collect *collect;
	struct metrics *metrics;
	struct xenvirtio_hv *hv; /* for the host's memory; NULL: not told */
	void *service;		 /* the type's */
};

static int read_host_free(void *opaque, uint64_t *kib)
{
	struct overview *o = opaque;
	struct xenvirtio_host_info host;
	int rc = o->hv && XENVIRTIO_HV_HAS(o->hv, host_info) ? o->hv->ops->host_info(o->hv, &host)
							      : -ENOSYS;

	if (!rc)
		*kib = host.free_pages * (XENVIRTIO_PAGE_SIZE / 1024);
	return rc;
}

static int open_metrics(struct overview *o, struct event_base *base, const struct options *opts,
			struct log *log)
{
	struct metrics_config cfg = {
		.base = base,
		.log = log,
		.address = &opts->metrics,
		.group = opts->program->group,
		.figures = o->type->figures_type,
		.collect = metrics_collect_run,
		.opaque = o->collect,
		.host_free = read_host_free,
		.host_opaque = o,
	};

	/* where the host's memory cannot be seen, as from a driver domain, it has no sample */
	if (o->type->figures_type->host_free && open_xen_hv(NULL, &o->hv, 0, log))
		o->hv = NULL;
	return metrics_open(&o->metrics, &cfg);
}

/* Guests are served also where these cannot be. */
static void open_overview(struct overview *o, struct event_base *base, const struct options *opts,
			  struct log *log)
{
	struct device_service service = {
		.base = base,
		.log = log,
		.opts = opts,
		.collect = metrics_collect_run,
		.open_hv = open_xen_hv,
	};
	int rc = metrics_collect_new(&o->collect, base, o->type->figures_type, opts->state_dir, 0);

	if (rc) {
		log_msg(log, LOG_LEVEL_WARNING, rc, "figures of all guests are not collected");
		return;
	}
	if (opts->metrics.len)
		rc = open_metrics(o, base, opts, log);
	if (rc)
		log_msg(log, LOG_LEVEL_WARNING, rc, "no metrics are served: --metrics");
	service.collect_opaque = o->collect;
	if (o->type->service_new && o->type->service_new(&o->service, &service))
		o->service = NULL;
}

static void close_overview(struct overview *o)
{
	metrics_free(o->metrics);
	xenvirtio_hv_close(o->hv);
	if (o->type->service_free)
		o->type->service_free(o->service);
	metrics_collect_free(o->collect);
}

static int begin_upgrade(void *opaque, const struct upgrade_wish *wish, const struct upgrade_listener *listener)
{
	return supervisor_upgrade(opaque, wish, listener);
}

/* Guests are served also where it cannot be opened. */
static struct upgrade_door *open_upgrade_door(struct event_base *base, struct supervisor *sup, const struct options *opts, struct log *log)
{
	const struct upgrade_door_config cfg = {
		.base = base,
		.log = log,
		.dir = opts->state_dir,
		.name = UPGRADE_SERVICE_NAME,
		.group = opts->program->group,
		.begin = begin_upgrade,
		.opaque = sup,
	};
	struct upgrade_door *door = NULL;
	int rc = upgrade_door_open(&door, &cfg);

	if (rc)
		log_msg(log, LOG_LEVEL_WARNING, rc, "no upgrades: cannot listen at %s/" UPGRADE_SERVICE_NAME, opts->state_dir);
	return door;
}

static enum exit_code supervise(const struct device_type *type, const struct options *opts,
				struct log *log, int argc, char **argv)
{
	int nr_words = 0;
	struct with_backends backends = {0};
	struct event_base *base = event_base_new();
	enum exit_code code = base ? with_backends_open(&backends, base, opts, log) : EXIT_CODE_HOST;
	char **words = code ? NULL : make_words(type, &backends, argc, argv, &nr_words);
	struct overview overview = {.type = type};
	struct launcher_exec exec = {0};
	struct launcher launcher;
	struct waiter waiter = {.fd = opts->ready_fd, .log = log};
	const struct supervisor_env env = {
		.open_store = open_xen_store,
		.launcher = &launcher,
		.notify = notify_manager,
		.pause = pause_domain,
		.unpause = unpause_domain,
		.ready = tell_waiter,
		.companion = backends.companion,
		.opaque = &waiter,
	};
	struct supervisor *sup = NULL;
	struct upgrade_door *door = NULL;

	/* told */
	if (base && code)
		goto out;
	code = EXIT_CODE_HOST;
	if (!base || !words || launcher_init(&launcher, &exec, nr_words, words, opts->state_dir) ||
	    supervisor_new(&sup, base, opts, log, &env)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		goto out;
	}
	if (!supervisor_ended(sup, &code)) {
		open_overview(&overview, base, opts, log);
		door = open_upgrade_door(base, sup, opts, log);
		if (event_base_dispatch(base) < 0)
			log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	}
	if (!supervisor_ended(sup, &code))
		code = EXIT_CODE_HOST;
out:
	close_overview(&overview);
	supervisor_free(sup);
	upgrade_door_close(door);
	with_backends_close(&backends);
	launcher_fini(&exec);
	free(words);
	if (base)
		event_base_free(base);
	return code;
}

int daemon_main(const struct device_type *type, int argc, char **argv)
{
	struct options *opts = calloc(1, type->options_bytes);
	enum command_line_result line;
	enum exit_code code;
	struct log log;
	char why[256];
	int answer, end_signal = 0;

	if (!opts) {
		fprintf(stderr, "%s: out of memory\n", type->program->name);
		return EXIT_CODE_HOST;
	}
	type->options_default(opts);
	line = command_line_parse(type->command_line, opts, argc, argv, why, sizeof(why));
	answer = command_line_answer(type->command_line, line, why);
	if (answer >= 0) {
		free(opts);
		return answer;
	}
	if (opts->ready_fd)
		ready_fd_hide(opts->ready_fd);
	if ((opts->domid && !opts->no_sandbox) || opts->self_test)
		close_inherited(opts);
	/* a peer that went away is an answer of write(), not a death */
	signal(SIGPIPE, SIG_IGN);
	/* whoever started it may have ignored it, and then nobody learns how a child ended */
	signal(SIGCHLD, SIG_DFL);
	if (log_open(&log, opts->program, opts->log_level, opts->syslog)) {
		fprintf(stderr, "%s: out of memory\n", type->program->name);
		free(opts);
		return EXIT_CODE_HOST;
	}
	/* the supervisor starts /proc/self/exe, which ps would show as "exe" */
	prctl(PR_SET_NAME, type->program->name);
	if (opts->self_test)
		code = self_test(opts, &log, stdout);
	else
		code = opts->domid ? serve_one(type, opts, &log, argc, argv, &end_signal) : supervise(type, opts, &log, argc, argv);
	log_close(&log);
	free(opts);
	/* as the device ended: whoever waits for this process learns of it */
	if (end_signal) {
		signal(end_signal, SIG_DFL);
		raise(end_signal);
	}
	return code;
}
