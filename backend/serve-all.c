// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The launcher. Of signals it passes on to the watcher what asks for the service's end or for another look.
 */
#include "config.h"

#include "backend/base/access.h"
#include "backend/base/clock.h"
#include "backend/base/no-xen.h"
#include "backend/base/ready-fd.h"
#include "backend/base/upgrade-words.h"
#include "backend/metrics/metrics.h"
#include "backend/roles.h"
#include "backend/service/device-cgroup.h"
#include "backend/service/launch-server.h"
#include "backend/service/launch-socket.h"
#include "backend/service/launcher.h"
#include "backend/service/role-start.h"
#include "backend/service/service-lock.h"
#include "backend/service/service-notify.h"
#include "backend/base/timer.h"
#include "backend/with-backends.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/** before a part that died is started again: at once the first time, then so long, and twice as long each time after that */
#define WAIT_MS 100u
#define WAIT_MAX_MS 30000u
/** one that has lived so long has no history */
#define WELL_MS 1000u
/** for a listener of a launcher that was killed a moment ago; and how often that is looked for */
#define ENDING_MS 200u
#define ENDING_LOOK_MS 5u

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct all;

/* A child that is no device process. */
struct part {
	struct all *all;
	const char *name;
	const char *word;
	unsigned int may;
	bool wanted;
	struct process p; /* fd -1: there is none */
	struct event *ended;
	struct launch_peer *peer; /* NULL: its connection is closed */
	bool bad;		  /* for what came through it */
	struct timer *again;
	unsigned int wait_ms;
	uint64_t since_ms;
};

struct all {
	const struct device_type *type;
	const struct options *opts;
	struct log *log;
	struct event_base *base;
	struct with_backends backends;
	struct launcher launcher;
	struct launcher_exec devices; /* command line of device processes */
	struct device_cgroups cgroups;
	struct launcher_exec parts;   /* of watcher and metrics */
	struct launch_server *server;
	struct part watcher, meter;
	struct event *signal[SIGNALS];
	struct event *connects; /* to @door */
	int door;		/* -1: the watcher is a child */
	int lock;
	int listener[LAUNCH_LISTENERS];
	int ready_fd; /* 0: nobody waits */
	int end_signal; /* that asked for the end; 0: none has */
	bool ended;
	enum exit_code code;
};

static void end_all(struct all *a, enum exit_code code)
{
	if (a->ended)
		return;
	a->ended = true;
	a->code = code;
	event_base_loopbreak(a->base);
}

/* --- what takes rights --- */

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

static int read_host_free(void *opaque, uint64_t *kib)
{
	struct all *a = opaque;
	struct xenvirtio_host_info host;
	struct xenvirtio_hv *hv;
	int rc = xenvirtio_hv_open_xen(&hv, 0, a->log->xtl);

	if (rc)
		return rc;
	rc = XENVIRTIO_HV_HAS(hv, host_info) ? hv->ops->host_info(hv, &host) : -ENOSYS;
	if (!rc)
		*kib = host.free_pages * (XENVIRTIO_PAGE_SIZE / 1024);
	xenvirtio_hv_close(hv);
	return rc;
}

/* Of a listener in the state directory. False: there is none */
static bool listener_path(const struct all *a, enum launch_listener which, char *path, size_t size)
{
	const char *name = which == LAUNCH_LISTENER_UPGRADE ? UPGRADE_SERVICE_NAME : which == LAUNCH_LISTENER_SERVICE ? a->type->service_socket : NULL;

	return name && snprintf(path, size, "%s/%s", a->opts->state_dir, name) < (int)size;
}

static int listen_for_watcher(struct all *a, enum launch_listener which)
{
	gid_t group = access_group(a->opts->program->group);
	char path[256];
	int fd;

	if (!listener_path(a, which, path, sizeof(path)))
		return -ENOENT;
	fd = access_listen(path, group, SOMAXCONN);
	for (unsigned int i = 0; fd == -EADDRINUSE && i < ENDING_MS / ENDING_LOOK_MS; i++) {
		clock_wait(-1, ENDING_LOOK_MS);
		fd = access_listen(path, group, SOMAXCONN);
	}
	return fd;
}

/* One that had it may have shut it, which it is then for all. */
static bool is_shut(int fd)
{
	struct pollfd listener = {.fd = fd};

	return poll(&listener, 1, 0) > 0 && listener.revents & (POLLHUP | POLLERR);
}

/* Kept for the next one of its kind. */
static int lend_listener(void *opaque, enum launch_listener which)
{
	struct all *a = opaque;
	int *fd = &a->listener[which];

	if (*fd >= 0 && which != LAUNCH_LISTENER_METRICS && is_shut(*fd)) {
		close(*fd);
		*fd = -1;
	}
	if (*fd < 0 && which != LAUNCH_LISTENER_METRICS)
		*fd = listen_for_watcher(a, which);
	/* nor may it be one that waits */
	if (*fd >= 0)
		fcntl(*fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return *fd;
}

static void close_listeners(struct all *a)
{
	char path[256];

	if (a->listener[LAUNCH_LISTENER_METRICS] >= 0)
		metrics_unlisten(&a->opts->metrics);
	for (size_t i = 0; i < LAUNCH_LISTENERS; i++) {
		if (a->listener[i] < 0)
			continue;
		if (listener_path(a, (enum launch_listener)i, path, sizeof(path)))
			unlink(path);
		close(a->listener[i]);
	}
}

/* --- parts --- */

static void on_part_ended(evutil_socket_t fd, short what, void *opaque);

static void start_part(struct part *part)
{
	struct all *a = part->all;
	bool again = part->since_ms != 0;
	int sock, rc = role_start(&a->parts, part->word, !a->opts->no_sandbox, &part->p, &sock);

	part->bad = false;
	if (!rc) {
		part->since_ms = clock_now_ms();
		part->peer = launch_server_peer(a->server, sock, part->may);
		part->ended = event_new(a->base, part->p.fd, EV_READ, on_part_ended, part);
		if (part->peer && part->ended && !event_add(part->ended, NULL))
			return;
		rc = -ENOMEM;
	}
	log_msg(a->log, LOG_LEVEL_ERROR, rc, "cannot start the %s", part->name);
	if (!again || rc == -ENOMEM)
		end_all(a, EXIT_CODE_HOST);
	else
		timer_set(part->again, WAIT_MAX_MS);
}

static void on_again(void *opaque)
{
	start_part(opaque);
}

static void start_again(struct part *part, const struct process_end *end, pid_t pid)
{
	char text[PROCESS_END_TEXT_MAX];

	if (clock_now_ms() - part->since_ms >= WELL_MS)
		part->wait_ms = 0;
	process_end_text(end, text);
	log_msg(part->all->log, LOG_LEVEL_ERROR, 0, "the %s, process %ld, %s: started again in %u ms", part->name, (long)pid, text, part->wait_ms);
	timer_set(part->again, part->wait_ms);
	part->wait_ms = !part->wait_ms ? WAIT_MS : part->wait_ms > WAIT_MAX_MS / 2 ? WAIT_MAX_MS : part->wait_ms * 2;
}

static void forget_part(struct part *part, struct process_end *end)
{
	struct all *a = part->all;

	if (part->ended)
		event_free(part->ended);
	part->ended = NULL;
	if (part->peer)
		launch_server_drop(part->peer);
	part->peer = NULL;
	a->launcher.reap(a->launcher.opaque, &part->p, end);
	part->p.fd = -1;
}

/* The end is asked for, and there is nobody who knows of guests. A watcher in a unit of its own is asked itself. */
static void end_without_watcher(struct all *a)
{
	if (a->door < 0 && a->end_signal != SIGUSR1)
		launch_server_end_processes(a->server);
	end_all(a, EXIT_CODE_DONE);
}

static void on_part_ended(evutil_socket_t fd, short what, void *opaque)
{
	struct part *part = opaque;
	struct all *a = part->all;
	pid_t pid = part->p.pid;
	struct process_end end;

	forget_part(part, &end);
	if (part == &a->meter) {
		/* it has said why */
		if (end.signalled)
			start_again(part, &end, pid);
		return;
	}
	/* one that was cut off may have ended by that, before it was killed */
	if (!end.signalled && !part->bad) {
		end_all(a, end.known ? (enum exit_code)end.value : EXIT_CODE_HOST);
		return;
	}
	if (a->end_signal) {
		end_without_watcher(a);
		return;
	}
	with_backends_asker_died(&a->backends);
	start_again(part, &end, pid);
}

static void on_connection_gone(void *opaque, struct launch_peer *peer, bool bad)
{
	struct all *a = opaque;
	struct part *part = peer == a->watcher.peer ? &a->watcher : &a->meter;

	if (part->peer != peer)
		return;
	part->peer = NULL;
	part->bad = bad;
	if (a->door >= 0)
		with_backends_asker_died(&a->backends);
	/* it ends by itself, if it did nothing wrong */
	if (bad && part->p.fd >= 0)
		a->launcher.signal(a->launcher.opaque, &part->p, SIGKILL);
}

/* --- what the watcher says --- */

static void start_meter(struct all *a)
{
	int *fd = &a->listener[LAUNCH_LISTENER_METRICS];

	if (!a->opts->metrics.len || *fd >= 0 || a->meter.p.fd >= 0)
		return;
	*fd = metrics_listen_in_time(&a->opts->metrics, a->opts->program->group);
	if (*fd < 0)
		log_msg(a->log, LOG_LEVEL_WARNING, *fd, "no metrics are served: --metrics");
	else
		start_part(&a->meter);
}

static void hear_word(void *opaque, enum launch_word word)
{
	struct all *a = opaque;
	int rc = 0;

	/* one in a unit of its own says it to systemd itself */
	if (a->door < 0)
		service_notify(word == LAUNCH_READY ? "READY=1" : "STOPPING=1");
	if (word != LAUNCH_READY)
		return;
	if (a->ready_fd)
		rc = ready_fd_tell(a->ready_fd);
	if (rc)
		log_msg(a->log, LOG_LEVEL_WARNING, rc, "--ready-fd %d: nobody is told", a->ready_fd);
	a->ready_fd = 0;
	start_meter(a);
}

/* --- signals --- */

static void on_signal(evutil_socket_t signal, short what, void *opaque)
{
	struct all *a = opaque;

	if (signal != SIGHUP)
		a->end_signal = (int)signal;
	if (a->watcher.p.fd >= 0) {
		a->launcher.signal(a->launcher.opaque, &a->watcher.p, (int)signal);
	} else if (signal != SIGHUP) {
		end_without_watcher(a);
	}
}

/* --- a watcher that is no child --- */

static void on_connect(evutil_socket_t door, short what, void *opaque)
{
	struct all *a = opaque;
	/* the metrics are root by number where there is no group, and see this socket: they are to be no watcher when there is none */
	int sock = launch_socket_accept((int)door, a->meter.p.fd >= 0 ? a->meter.p.pid : 0);
	char byte;

	if (sock < 0) {
		if (sock != -EAGAIN)
			log_limited(a->log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, sock, "a process that may not ask the launcher");
		return;
	}
	if (a->watcher.peer) {
		log_limited(a->log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, 0, "the launcher has a watcher: another is refused");
		close(sock);
		return;
	}
	if (recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
		close(sock);
		return;
	}
	a->watcher.peer = launch_server_peer(a->server, sock, a->watcher.may);
}

static int open_door(struct all *a)
{
	a->door = launch_socket_listen(a->opts->state_dir);
	if (a->door < 0) {
		log_msg(a->log, LOG_LEVEL_ERROR, a->door, "%s/" LAUNCH_SOCKET_NAME, a->opts->state_dir);
		return a->door;
	}
	a->connects = event_new(a->base, a->door, EV_READ | EV_PERSIST, on_connect, a);
	if (!a->connects || event_add(a->connects, NULL))
		return -ENOMEM;
	service_notify("READY=1");
	return 0;
}

/* --- beginning and end --- */

/* Who waits, waits for the service, and its metrics are of all guests; the last word of a command line counts. */
static const char *const service_words[] = {"--role=all", "--metrics=none", "--ready-fd=none", "--no-restart", NULL};

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

static enum exit_code take_lock(struct all *a)
{
	pid_t owner;
	int rc = service_lock_take(a->opts->state_dir, a->opts->program->group, &a->lock, &owner);

	if (rc == -EBUSY)
		log_msg(a->log, LOG_LEVEL_ERROR, 0,
			"the service runs already, as process %ld: stop that, or give another --state-dir and backend domain", (long)owner);
	else if (rc)
		log_msg(a->log, LOG_LEVEL_ERROR, rc, "cannot lock %s/service.lock", a->opts->state_dir);
	return rc == -EBUSY ? EXIT_CODE_BUSY : rc ? EXIT_CODE_HOST : EXIT_CODE_DONE;
}

static int hear_signals(struct all *a)
{
	for (size_t i = 0; i < SIGNALS; i++) {
		a->signal[i] = evsignal_new(a->base, signals[i], on_signal, a);
		if (!a->signal[i] || event_add(a->signal[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

static int make_server(struct all *a)
{
	const struct launch_server_config cfg = {
		.base = a->base,
		.log = a->log,
		.launcher = &a->launcher,
		.pause = pause_domain,
		.unpause = unpause_domain,
		.host_free = read_host_free,
		.listener = lend_listener,
		.tell = hear_word,
		.companion = a->backends.companion,
		.gone = on_connection_gone,
		.opaque = a,
	};

	a->watcher.again = timer_new(a->base, on_again, &a->watcher);
	a->meter.again = timer_new(a->base, on_again, &a->meter);
	return !a->watcher.again || !a->meter.again || hear_signals(a) ? -ENOMEM : launch_server_new(&a->server, &cfg);
}

static void end_part(struct part *part)
{
	struct all *a = part->all;

	if (part->p.fd >= 0) {
		a->launcher.signal(a->launcher.opaque, &part->p, SIGKILL);
		waitid(P_PIDFD, (id_t)part->p.fd, &(siginfo_t){0}, WEXITED);
		forget_part(part, &(struct process_end){0});
	}
	timer_free(part->again);
}

static void close_all(struct all *a)
{
	end_part(&a->meter);
	end_part(&a->watcher);
	launch_server_free(a->server);
	for (size_t i = 0; i < SIGNALS; i++) {
		if (a->signal[i])
			event_free(a->signal[i]);
	}
	if (a->connects)
		event_free(a->connects);
	if (a->door >= 0) {
		launch_socket_unlisten(a->opts->state_dir);
		close(a->door);
	}
	close_listeners(a);
	with_backends_close(&a->backends);
	device_cgroups_close(&a->cgroups);
	launcher_fini(&a->devices);
	launcher_fini(&a->parts);
	service_lock_drop(a->lock);
	if (a->base)
		event_base_free(a->base);
}

static struct part make_part(struct all *a, const char *name, const char *word, unsigned int may)
{
	return (struct part){.all = a, .name = name, .word = word, .may = may, .p.fd = -1};
}

/* Of what a device's processes use up together, where systemd has this to give. */
static void open_cgroups(struct all *a)
{
	int rc = a->opts->no_sandbox ? -ENOENT : device_cgroups_open(&a->cgroups, "/proc/self/cgroup", "/sys/fs/cgroup");

	if (rc)
		log_msg(a->log, LOG_LEVEL_INFO, rc, "devices have no cgroups of their own: that takes a unit of systemd 254 with Delegate= and DelegateSubgroup=");
	else
		a->devices.cgroups = &a->cgroups;
	a->devices.log = a->log;
}

/* @words: for device processes. Return: EXIT_CODE_DONE: go on */
static enum exit_code begin(struct all *a, int nr_words, char **words, int argc, char **argv)
{
	struct launcher unused;
	enum exit_code code;

	if (!words || launcher_init(&a->launcher, &a->devices, nr_words, words, a->opts->state_dir) ||
	    launcher_init(&unused, &a->parts, argc, argv, a->opts->state_dir) || make_server(a)) {
		log_msg(a->log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		return EXIT_CODE_HOST;
	}
	code = take_lock(a);
	if (code)
		return code;
	open_cgroups(a);
	if (a->opts->role == ROLE_LAUNCH)
		return open_door(a) ? EXIT_CODE_HOST : EXIT_CODE_DONE;
	start_part(&a->watcher);
	return a->ended ? a->code : EXIT_CODE_DONE;
}

enum exit_code serve_all(const struct device_type *type, const struct options *opts, struct log *log, int argc, char **argv)
{
	struct all *a = calloc(1, sizeof(*a));
	enum exit_code code = EXIT_CODE_HOST;
	char **words;
	int nr = 0;

	if (!a)
		return EXIT_CODE_HOST;
	*a = (struct all){.type = type, .opts = opts, .log = log, .door = -1, .lock = -1, .cgroups.dir = -1, .ready_fd = opts->ready_fd};
	for (size_t i = 0; i < LAUNCH_LISTENERS; i++)
		a->listener[i] = -1;
	a->watcher = make_part(a, "watcher", ROLE_WORD("watch"), LAUNCH_MAY_WATCH);
	a->meter = make_part(a, "process of the metrics", ROLE_WORD("meter"), LAUNCH_MAY_METER);
	a->base = event_base_new();
	if (a->base)
		code = with_backends_open(&a->backends, a->base, opts, log);
	words = a->base && !code ? make_words(type, &a->backends, argc, argv, &nr) : NULL;
	if (a->base && !code)
		code = begin(a, nr, words, argc, argv);
	if (!code && event_base_dispatch(a->base) < 0)
		log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	if (!code)
		code = a->ended ? a->code : EXIT_CODE_HOST;
	close_all(a);
	free(words);
	free(a);
	return code;
}
