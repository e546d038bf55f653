// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of the service. SIGTERM ends the device processes as well, SIGUSR1 the supervisor alone.
 */
#include "backend/service/supervisor-internal.h"

#include "backend/service/service-lock.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_TREE "tree"

#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 30000u
#define SETTLED_MS 1000u
#define START_MS 10000u
#define STOP_MS 10000u
/** libxenstore does not tell that xenstored went away: it is asked, which costs no traffic */
#define TICK_MS 2000u

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))
_Static_assert(sizeof(((struct supervisor *)0)->signal) / sizeof(struct event *) == SIGNALS,
	       "an event for each signal");

static void tell_manager(struct supervisor *sup, const char *text)
{
	if (sup->env.notify)
		sup->env.notify(sup->env.opaque, text);
}

void supervisor_end(struct supervisor *sup, enum exit_code code)
{
	if (sup->ended)
		return;
	sup->ended = true;
	sup->stopping = true;
	sup->code = code;
	event_base_loopbreak(sup->base);
}

static size_t count_processes(struct supervisor *sup)
{
	struct device *dev;
	size_t nr = 0;

	TAILQ_FOREACH (dev, &sup->devices, link)
		nr += device_has_process(dev);
	return nr;
}

void supervisor_one_less(struct supervisor *sup)
{
	if (!count_processes(sup))
		supervisor_end(sup, EXIT_CODE_DONE);
}

static void on_stop_over(void *opaque)
{
	struct supervisor *sup = opaque;
	struct device *dev;

	TAILQ_FOREACH (dev, &sup->devices, link) {
		if (device_has_process(dev))
			log_msg(sup->log, LOG_LEVEL_ERROR, 0,
				"process %ld does not end: left behind", (long)dev->process.pid);
	}
	supervisor_end(sup, EXIT_CODE_HOST);
}

static void stop_all(struct supervisor *sup, int signal)
{
	const struct launcher *launcher = sup->env.launcher;
	struct device *dev;

	if (sup->stopping)
		return;
	sup->stopping = true;
	upgrade_stop(sup);
	tell_manager(sup, "STOPPING=1");
	log_msg(sup->log, LOG_LEVEL_NOTICE, 0,
		"signal %d: %zu device processes are told to end; guests that use their devices wait "
		"at them for the next %s",
		signal, count_processes(sup), sup->opts->program->name);
	TAILQ_FOREACH (dev, &sup->devices, link) {
		if (device_has_process(dev))
			launcher->signal(launcher->opaque, &dev->process, SIGTERM);
		else
			device_gone(dev);
	}
	timer_set(sup->stop, sup->env.stop_ms);
	supervisor_one_less(sup);
}

static void on_end_signal(evutil_socket_t signal, short what, void *opaque)
{
	stop_all(opaque, (int)signal);
}

static void on_leave_signal(evutil_socket_t signal, short what, void *opaque)
{
	struct supervisor *sup = opaque;

	tell_manager(sup, "STOPPING=1");
	log_msg(sup->log, LOG_LEVEL_NOTICE, 0,
		"signal %d: ending alone: %zu device processes serve on", (int)signal,
		count_processes(sup));
	supervisor_end(sup, EXIT_CODE_DONE);
}

static void on_reload_signal(evutil_socket_t signal, short what, void *opaque)
{
	struct supervisor *sup = opaque;
	struct device *dev;

	if (sup->stopping)
		return;
	log_msg(sup->log, LOG_LEVEL_NOTICE, 0,
		"signal %d: what was left alone or waits is tried again", (int)signal);
	TAILQ_FOREACH (dev, &sup->devices, link)
		device_reconsider(dev);
	tree_scan(sup);
}

static void on_starts(void *opaque)
{
	device_start_some(opaque);
}

static void on_tick(void *opaque)
{
	struct supervisor *sup = opaque;

	timer_set(sup->tick, TICK_MS);
	store_link_poll(sup->link);
	if (!sup->stopping)
		life_look(sup);
	log_flush(sup->log);
}

static void on_store_event(void *opaque, const char *path, const char *token)
{
	struct supervisor *sup = opaque;

	if (sup->stopping)
		return;
	tree_event(sup, path);
	/* the first event is that of the watch itself: from here on no device is overlooked */
	if (sup->ready)
		return;
	sup->ready = true;
	tell_manager(sup, "READY=1");
	if (sup->env.companion)
		sup->env.companion->ready(sup->env.companion->opaque);
	if (sup->env.ready)
		sup->env.ready(sup->env.opaque);
}

static void on_store_back(void *opaque)
{
	struct supervisor *sup = opaque;

	/* the watch, set again, leads to a scan; those that queue have been seen */
	timer_set(sup->starts, 0);
}

/* --- beginning --- */

static int make_events(struct supervisor *sup)
{
	static const event_callback_fn callbacks[SIGNALS] = {on_end_signal, on_end_signal,
							     on_reload_signal, on_leave_signal};

	for (size_t i = 0; i < SIGNALS; i++) {
		sup->signal[i] = evsignal_new(sup->base, signals[i], callbacks[i], sup);
		if (!sup->signal[i] || event_add(sup->signal[i], NULL))
			return -ENOMEM;
	}
	sup->starts = timer_new(sup->base, on_starts, sup);
	sup->stop = timer_new(sup->base, on_stop_over, sup);
	sup->tick = timer_new(sup->base, on_tick, sup);
	if (!sup->starts || !sup->stop || !sup->tick || upgrade_init(sup))
		return -ENOMEM;
	timer_set(sup->tick, TICK_MS);
	return 0;
}

static bool take_lock(struct supervisor *sup)
{
	pid_t owner;
	int rc = service_lock_take(sup->opts->state_dir, sup->opts->program->group, &sup->lock,
				   &owner);

	if (!rc)
		return true;
	if (rc == -EBUSY) {
		log_msg(sup->log, LOG_LEVEL_ERROR, 0,
			"the service runs already, as process %ld: stop that, or give another "
			"--state-dir and backend domain",
			(long)owner);
		supervisor_end(sup, EXIT_CODE_BUSY);
		return false;
	}
	log_msg(sup->log, LOG_LEVEL_ERROR, rc, "cannot lock %s/service.lock", sup->opts->state_dir);
	supervisor_end(sup, EXIT_CODE_HOST);
	return false;
}

static void open_store(struct supervisor *sup)
{
	struct store_link_config link = {
		.base = sup->base,
		.log = sup->log,
		.open = sup->env.open_store,
		.open_opaque = sup->env.opaque,
		.event = on_store_event,
		.connected = on_store_back,
		.opaque = sup,
	};
	int rc = store_link_new(&sup->link, &link, true);
	char text[NO_XEN_TEXT_MAX];

	if (rc) {
		sup->link = NULL;
		log_msg(sup->log, LOG_LEVEL_ERROR, 0, "%s", no_xen_store(rc, text));
		supervisor_end(sup, rc == -ENOMEM ? EXIT_CODE_HOST : EXIT_CODE_NO_XEN);
		return;
	}
	rc = store_link_watch(sup->link, SUPERVISOR_TREE, TOKEN_TREE);
	/* a connection that was lost just now comes back, and the watch with it */
	if (rc && rc != -EPIPE) {
		log_msg(sup->log, LOG_LEVEL_ERROR, rc, "cannot watch " SUPERVISOR_TREE);
		supervisor_end(sup, EXIT_CODE_HOST);
	}
}

static void default_times(struct supervisor_env *env)
{
	const struct {
		unsigned int *ms, usual;
	} times[] = {
		{&env->backoff_min_ms, BACKOFF_MIN_MS}, {&env->backoff_max_ms, BACKOFF_MAX_MS},
		{&env->settled_ms, SETTLED_MS},		{&env->start_ms, START_MS},
		{&env->stop_ms, STOP_MS},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (!*times[i].ms)
			*times[i].ms = times[i].usual;
	}
}

int supervisor_new(struct supervisor **out, struct event_base *base, const struct options *opts,
		   struct log *log, const struct supervisor_env *env)
{
	struct supervisor *sup = calloc(1, sizeof(*sup));

	if (!sup)
		return -ENOMEM;
	sup->base = base;
	sup->opts = opts;
	sup->log = log;
	sup->env = *env;
	sup->lock = -1;
	TAILQ_INIT(&sup->devices);
	TAILQ_INIT(&sup->queue);
	default_times(&sup->env);
	*out = sup;
	if (make_events(sup)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot make events");
		supervisor_end(sup, EXIT_CODE_HOST);
		return 0;
	}
	if (sup->env.locked || take_lock(sup))
		open_store(sup);
	return 0;
}

void supervisor_free(struct supervisor *sup)
{
	if (!sup)
		return;
	supervisor_end(sup, EXIT_CODE_DONE);
	upgrade_fini(sup);
	while (!TAILQ_EMPTY(&sup->devices))
		device_free(TAILQ_FIRST(&sup->devices));
	for (size_t i = 0; i < SIGNALS; i++) {
		if (sup->signal[i])
			event_free(sup->signal[i]);
	}
	timer_free(sup->starts);
	timer_free(sup->stop);
	timer_free(sup->tick);
	store_link_free(sup->link);
	service_lock_drop(sup->lock);
	free(sup);
}

bool supervisor_ended(const struct supervisor *sup, enum exit_code *code)
{
	*code = sup->code;
	return sup->ended;
}

void supervisor_count(const struct supervisor *sup, struct supervisor_counts *counts)
{
	const struct device *dev;

	*counts = (struct supervisor_counts){0};
	TAILQ_FOREACH (dev, &sup->devices, link) {
		size_t *const by_state[] = {
			[DEVICE_ALONE] = &counts->alone,
			[DEVICE_QUEUED] = &counts->queued,
			[DEVICE_STARTING] = &counts->starting,
			[DEVICE_SERVING] = &counts->serving,
			[DEVICE_WAITING] = &counts->waiting,
		};

		counts->devices++;
		++*by_state[dev->state];
	}
}
