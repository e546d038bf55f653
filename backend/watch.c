// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The watcher: a supervisor, and what its type does beside it, without a right of its own.
 */
#include "config.h"

#include "backend/base/access.h"
#include "backend/base/ready-fd.h"
#include "backend/base/upgrade-words.h"
#include "backend/metrics/metrics-collect.h"
#include "backend/roles.h"
#include "backend/service/launch-client.h"
#include "backend/service/launch-socket.h"
#include "backend/service/role-start.h"
#include "backend/service/role-world.h"
#include "backend/service/service-notify.h"
#include "backend/service/supervisor.h"
#include "backend/service/upgrade-door.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/** where xenstored listens, by how libxenstore was built */
#define XENSTORED_DIR "/run/xenstored"
#define XENSTORED_DIR_BEFORE "/var/run/xenstored"

struct watch {
	const struct device_type *type;
	const struct options *opts;
	struct log *log;
	struct event_base *base;
	int sock;
	bool alone; /* it is in a unit of its own */
	int ready_fd; /* of whoever waits for it, then; 0: nobody does */
	struct launch_client launcher;
	struct event *lost;
	struct supervisor *sup;
	struct metrics_collect *collect;
	void *service; /* the type's */
	struct upgrade_door *upgrades; /* NULL: nobody can ask for any */
	struct doors doors;
};

/* --- what it has in the place of rights --- */

/* Without a launcher a watcher is of no use: both start again. */
static void end_without_launcher(struct watch *w)
{
	log_msg(w->log, LOG_LEVEL_ERROR, 0, "the launcher is gone: device processes serve on, and this process ends");
	_exit(EXIT_CODE_HOST);
}

static int ask_or_end(void *opaque, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct watch *w = opaque;

	if (launch_exchange_socket(&w->sock, req, answer, fd))
		end_without_launcher(w);
	return 0;
}

static void on_launcher_gone(evutil_socket_t sock, short what, void *opaque)
{
	end_without_launcher(opaque);
}

static void *wait_for_cancel(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* libxenstore cancels its thread, and libc loads a library for that: while there are files. Return: 0; -errno */
static int warm_up(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, wait_for_cancel, NULL);

	if (!err)
		err = pthread_cancel(thread);
	if (!err)
		err = pthread_join(thread, NULL);
	return -err;
}

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

static int pause_domain(void *opaque, uint32_t domid, struct log *log)
{
	struct watch *w = opaque;

	return launch_client_pause(&w->launcher, domid);
}

static int unpause_domain(void *opaque, uint32_t domid, struct log *log)
{
	struct watch *w = opaque;

	return launch_client_unpause(&w->launcher, domid);
}

static void tell_manager(void *opaque, const char *text)
{
	struct watch *w = opaque;

	if (w->alone)
		service_notify(text);
	if (strcmp(text, "READY=1") != 0) {
		launch_client_tell(&w->launcher, LAUNCH_STOPPING);
		return;
	}
	launch_client_tell(&w->launcher, LAUNCH_READY);
	if (w->ready_fd)
		ready_fd_tell(w->ready_fd);
	w->ready_fd = 0;
}

static int listen_control(void *opaque, uint32_t devid)
{
	struct watch *w = opaque;

	return launch_client_listener(&w->launcher, LAUNCH_LISTENER_SERVICE);
}

/* The launcher does, when all has ended. */
static int unlisten_control(void *opaque, uint32_t devid)
{
	return 0;
}

/* --- the hypervisor, of which there is one figure --- */

struct host_hv {
	struct xenvirtio_hv hv;
	struct watch *watch;
};

static void close_host(struct xenvirtio_hv *hv)
{
	free(hv);
}

static int host_info(struct xenvirtio_hv *hv, struct xenvirtio_host_info *info)
{
	struct watch *w = ((struct host_hv *)hv)->watch;
	uint64_t kib;
	int rc = launch_client_host_free(&w->launcher, &kib);

	*info = (struct xenvirtio_host_info){0};
	if (!rc)
		info->free_pages = kib / (XENVIRTIO_PAGE_SIZE / 1024);
	return rc;
}

static const struct xenvirtio_hv_ops host_ops = {
	.version = XENVIRTIO_HV_VERSION,
	.size = sizeof(struct xenvirtio_hv_ops),
	.close = close_host,
	.host_info = host_info,
};

static int open_host(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct host_hv *host = calloc(1, sizeof(*host));
	uint64_t kib;
	int rc;

	if (!host)
		return -ENOMEM;
	*host = (struct host_hv){.hv.ops = &host_ops, .watch = opaque};
	rc = launch_client_host_free(&host->watch->launcher, &kib);
	if (rc) {
		free(host);
		return rc;
	}
	*hv = &host->hv;
	return 0;
}

/* --- the beginning --- */

/* Guests are served also where this cannot be. */
static void open_service(struct watch *w)
{
	struct device_service service = {
		.base = w->base,
		.log = w->log,
		.opts = w->opts,
		.collect = metrics_collect_run,
		.open_hv = open_host,
		.doors = &w->doors,
		.opaque = w,
	};
	int rc;

	if (!w->type->service_new)
		return;
	rc = metrics_collect_new(&w->collect, w->base, w->type->figures_type, w->opts->state_dir, 0);
	if (rc) {
		log_msg(w->log, LOG_LEVEL_WARNING, rc, "figures of all guests are not collected");
		return;
	}
	service.collect_opaque = w->collect;
	if (w->type->service_new(&w->service, &service))
		w->service = NULL;
}

static int begin_upgrade(void *opaque, const struct upgrade_wish *wish, const struct upgrade_listener *listener)
{
	return supervisor_upgrade(opaque, wish, listener);
}

/* Likewise. */
static void open_upgrades(struct watch *w)
{
	struct upgrade_door_config cfg = {
		.base = w->base,
		.log = w->log,
		.dir = w->opts->state_dir,
		.name = UPGRADE_SERVICE_NAME,
		.group = w->opts->program->group,
		.begin = begin_upgrade,
		.opaque = w->sup,
	};
	int rc = launch_client_listener(&w->launcher, LAUNCH_LISTENER_UPGRADE);

	if (rc >= 0) {
		cfg.lent = rc;
		rc = upgrade_door_open(&w->upgrades, &cfg);
	}
	if (rc)
		log_msg(w->log, LOG_LEVEL_WARNING, rc, "no upgrades: cannot listen at %s/" UPGRADE_SERVICE_NAME, w->opts->state_dir);
}

static int meet_launcher(struct watch *w)
{
	int rc;

	w->alone = !w->opts->role_fd;
	w->sock = w->alone ? launch_socket_connect(w->opts->state_dir) : w->opts->role_fd;
	if (w->sock < 0) {
		log_msg(w->log, LOG_LEVEL_ERROR, w->sock, "%s/" LAUNCH_SOCKET_NAME ": no launcher is there: start %s --role=launch",
			w->opts->state_dir, w->opts->program->name);
		return w->sock;
	}
	rc = launch_client_open(&w->launcher, ask_or_end, w, w->opts->state_dir);
	if (rc)
		log_msg(w->log, LOG_LEVEL_ERROR, rc, "the launcher is of another version: start it again first");
	return rc;
}

/* Return: 0; -EACCES */
static int leave_rights(struct watch *w, struct role_world *world)
{
	static const char *dirs[] = {NULL, XENSTORED_DIR, XENSTORED_DIR_BEFORE};

	dirs[0] = w->opts->state_dir;
	*world = (struct role_world){
		.name = "watcher",
		.dirs = dirs,
		.nr_dirs = sizeof(dirs) / sizeof(dirs[0]),
		.group = access_group(w->opts->program->group),
		.outside = w->alone,
		.required = w->opts->sandbox_required,
		.log = w->log,
	};
	w->doors = (struct doors){
		.listen_control = listen_control,
		.unlisten_control = unlisten_control,
		.opaque = w,
		.metrics = -ENOENT,
		.reads = -ENOENT,
		.uid = geteuid(),
		.group = world->group,
	};
	if (!w->opts->no_sandbox)
		return warm_up() ? -EACCES : role_world_enter(world);
	log_msg(w->log, LOG_LEVEL_WARNING, 0, "--no-sandbox: the service keeps all of its rights");
	return 0;
}

static int start(struct watch *w)
{
	const struct supervisor_env env = {
		.open_store = open_store,
		.launcher = &w->launcher.launcher,
		.notify = tell_manager,
		.pause = pause_domain,
		.unpause = unpause_domain,
		.companion = w->launcher.has_companion ? &w->launcher.companion : NULL,
		.locked = true,
		.opaque = w,
	};
	int rc;

	w->base = event_base_new();
	w->lost = w->base ? event_new(w->base, w->sock, EV_READ, on_launcher_gone, w) : NULL;
	rc = w->lost ? event_add(w->lost, NULL) : -ENOMEM;
	if (!rc)
		rc = supervisor_new(&w->sup, w->base, w->opts, w->log, &env);
	if (rc)
		log_msg(w->log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
	return rc;
}

static void stop(struct watch *w)
{
	if (w->type->service_free)
		w->type->service_free(w->service);
	metrics_collect_free(w->collect);
	supervisor_free(w->sup);
	upgrade_door_close(w->upgrades);
	launch_client_close(&w->launcher);
	if (w->lost)
		event_free(w->lost);
	if (w->base)
		event_base_free(w->base);
}

enum exit_code watch_all(const struct device_type *type, const struct options *opts, struct log *log)
{
	struct watch w = {.type = type, .opts = opts, .log = log, .ready_fd = opts->ready_fd};
	enum exit_code code = EXIT_CODE_HOST;
	struct role_world world;

	prctl(PR_SET_NAME, WATCHER_NAME);
	if (meet_launcher(&w))
		return EXIT_CODE_HOST;
	if (leave_rights(&w, &world))
		return EXIT_CODE_NO_XEN;
	if (!start(&w) && !supervisor_ended(w.sup, &code)) {
		open_service(&w);
		open_upgrades(&w);
		if (!opts->no_sandbox && role_world_seal(&world, true)) {
			stop(&w);
			return EXIT_CODE_NO_XEN;
		}
		role_hear();
		if (event_base_dispatch(w.base) < 0)
			log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	}
	if (w.sup && !supervisor_ended(w.sup, &code))
		code = EXIT_CODE_HOST;
	stop(&w);
	return code;
}
