// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper, see keeper.h.
 */
#include "backend/service/keeper.h"

#include "backend/base/clock.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** who served so long has begun well: earlier deaths are forgotten */
#define WELL_MS 1000u
/** before the second start in a row; twice as long before each after that */
#define WAIT_MS 100u

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct kept {
	struct keeper *k;
	struct process p; /* fd -1: none */
	struct event *ended;
	int ready; /* -1: nothing more is heard from it */
	struct event *said;
	bool serves;
	uint64_t since_ms;
};

struct keeper {
	struct event_base *base;
	struct log *log;
	struct keeper_env env;
	struct event *signal[SIGNALS];
	struct timer *restart;
	struct kept child[2];
	struct kept *now;  /* whose device it is */
	struct kept *next; /* one that is to take over, while there is one */
	struct {
		bool running;
		bool begun;
		bool force;
		bool given_up; /* on the next one, which is to end */
		uint32_t domid, devid;
		struct upgrade_listener listener;
		struct timer *timer; /* until begun, for that; then how long it may take */
	} upgrade;
	unsigned int deaths; /* in a row */
	bool served;	     /* some child has */
	bool stopping;
	bool ended;
	enum exit_code code;
	int end_signal;
};

static void end_keeper(struct keeper *k, enum exit_code code)
{
	if (k->ended)
		return;
	k->ended = true;
	k->code = code;
	event_base_loopbreak(k->base);
}

static void stop_listening(struct kept *c)
{
	if (c->said)
		event_free(c->said);
	c->said = NULL;
	if (c->ready >= 0)
		close(c->ready);
	c->ready = -1;
}

static void end_upgrade(struct keeper *k, enum upgrade_result result, const char *why)
{
	struct upgrade_listener listener = k->upgrade.listener;

	if (!k->upgrade.running)
		return;
	k->upgrade.running = false;
	timer_stop(k->upgrade.timer);
	if (result == UPGRADE_DONE)
		log_msg(k->log, LOG_LEVEL_NOTICE, 0, "upgraded: process %ld serves", (long)k->now->p.pid);
	else if (result == UPGRADE_REFUSED)
		log_msg(k->log, LOG_LEVEL_WARNING, 0, "not upgraded: %s", why);
	if (listener.told)
		listener.told(listener.opaque, k->upgrade.domid, k->upgrade.devid, result, why);
	if (listener.over)
		listener.over(listener.opaque);
}

/* Nothing more is read from it: its end comes by its descriptor. */
static void on_said(evutil_socket_t fd, short what, void *opaque)
{
	struct kept *c = opaque;
	struct keeper *k = c->k;
	char byte;

	c->serves = read(fd, &byte, 1) == 1;
	stop_listening(c);
	if (!c->serves)
		return;
	c->since_ms = clock_now_ms();
	if (!k->served && k->env.ready)
		k->env.ready(k->env.opaque);
	k->served = true;
	if (k->upgrade.begun && c == k->now)
		end_upgrade(k, UPGRADE_DONE, "");
}

static void on_ended(evutil_socket_t fd, short what, void *opaque);

static int start_kept(struct kept *c, unsigned int flags)
{
	struct keeper *k = c->k;
	int rc = k->env.start(k->env.opaque, flags, &c->p, &c->ready);

	if (rc) {
		c->p.fd = c->ready = -1;
		return rc;
	}
	c->serves = false;
	/* its device may outlive it a while, and be silent: nobody waits for its word */
	evutil_make_socket_nonblocking(c->ready);
	c->ended = event_new(k->base, c->p.fd, EV_READ, on_ended, c);
	c->said = event_new(k->base, c->ready, EV_READ, on_said, c);
	if (c->ended && !event_add(c->ended, NULL) && c->said && !event_add(c->said, NULL))
		return 0;
	/* one whose end nobody would hear of */
	k->env.launcher->signal(k->env.launcher->opaque, &c->p, SIGKILL);
	stop_listening(c);
	if (c->ended)
		event_free(c->ended);
	c->ended = NULL;
	k->env.launcher->detach(k->env.launcher->opaque, &c->p);
	return -ENOMEM;
}

/* The guest waits meanwhile. */
static void child_died(struct keeper *k, const char *how)
{
	unsigned int wait_ms;

	if (++k->deaths > KEEPER_DEATHS_MAX) {
		log_msg(k->log, LOG_LEVEL_ERROR, 0,
			"%s: the %uth time without a second of service: given up. The guest waits at its device for the next %s", how,
			k->deaths, k->log->program ? k->log->program->name : "one");
		end_keeper(k, EXIT_CODE_HOST);
		return;
	}
	wait_ms = k->deaths == 1 ? 0 : WAIT_MS << (k->deaths - 2);
	if (wait_ms)
		log_msg(k->log, LOG_LEVEL_WARNING, 0, "%s: started again in %u ms", how, wait_ms);
	else
		log_msg(k->log, LOG_LEVEL_WARNING, 0, "%s: started again at once", how);
	timer_set(k->restart, wait_ms);
}

static void on_restart(void *opaque)
{
	struct keeper *k = opaque;
	int rc = start_kept(k->now, 0);

	if (!rc)
		return;
	log_msg(k->log, LOG_LEVEL_ERROR, rc, "cannot start the device's processes");
	if (k->served)
		child_died(k, "no process");
	else
		end_keeper(k, EXIT_CODE_HOST);
}

/*
 * What one that served before is told, another would be as well: but what the host lacks just now may come back. Other numbers are
 * none of the program's: the loader's, while a package is being replaced.
 */
static bool is_final(const struct keeper *k, const struct process_end *end)
{
	if (k->stopping || !k->served)
		return true;
	if (!end->known || end->signalled)
		return false;
	switch (end->value) {
	case EXIT_CODE_DONE:
	case EXIT_CODE_USAGE:
	case EXIT_CODE_NO_DEVICE:
	case EXIT_CODE_BUSY:
	case EXIT_CODE_UNSUITABLE:
		return true;
	default:
		return false;
	}
}

static void end_as(struct keeper *k, const struct process_end *end)
{
	if (end->signalled)
		k->end_signal = end->value;
	/* it was there: it is gone by now */
	if (!end->signalled && k->served && end->value == EXIT_CODE_NO_DEVICE)
		end_keeper(k, EXIT_CODE_DONE);
	else
		end_keeper(k, end->signalled || !end->known ? EXIT_CODE_HOST : (enum exit_code)end->value);
}

static void next_ended(struct keeper *k, const struct process_end *end)
{
	char why[UPGRADE_WHY_MAX];

	if (k->upgrade.given_up)
		snprintf(why, sizeof(why), "the process that was to take over was not ready within %u s", UPGRADE_MS / 1000);
	else
		upgrade_why(end, why);
	end_upgrade(k, UPGRADE_REFUSED, why);
}

/* The one that serves has ended, and the next one is there: it has the device now. */
static void hand_on(struct keeper *k)
{
	struct kept *ended = k->now;

	k->now = k->next;
	k->next = ended;
	timer_set(k->upgrade.timer, UPGRADE_MS);
	if (k->now->serves)
		end_upgrade(k, UPGRADE_DONE, "");
}

static void on_ended(evutil_socket_t fd, short what, void *opaque)
{
	struct kept *c = opaque;
	struct keeper *k = c->k;
	pid_t pid = c->p.pid;
	struct process_end end;
	char text[PROCESS_END_TEXT_MAX], how[96];

	/* it may have said that it serves, and died, in one turn */
	if (c->ready >= 0)
		on_said(c->ready, 0, c);
	event_free(c->ended);
	c->ended = NULL;
	k->env.launcher->reap(k->env.launcher->opaque, &c->p, &end);
	if (c == k->next) {
		next_ended(k, &end);
		return;
	}
	if (k->next->p.fd >= 0 && !k->stopping) {
		hand_on(k);
		return;
	}
	end_upgrade(k, UPGRADE_REFUSED, "the process that took over ended before it served");
	if (c->serves && clock_now_ms() - c->since_ms >= WELL_MS)
		k->deaths = 0;
	if (is_final(k, &end)) {
		end_as(k, &end);
		return;
	}
	process_end_text(&end, text);
	snprintf(how, sizeof(how), "process %ld %s", (long)pid, text);
	child_died(k, how);
}

static void on_end_signal(evutil_socket_t signal, short what, void *opaque)
{
	struct keeper *k = opaque;

	k->stopping = true;
	timer_stop(k->restart);
	if (k->next->p.fd >= 0)
		k->env.launcher->signal(k->env.launcher->opaque, &k->next->p, SIGKILL);
	end_upgrade(k, UPGRADE_REFUSED, "the keeper was told to end");
	if (k->now->p.fd >= 0)
		k->env.launcher->signal(k->env.launcher->opaque, &k->now->p, (int)signal);
	else
		end_keeper(k, EXIT_CODE_DONE);
}

/* --- upgrades --- */

/* Why it is not to be begun with; NULL: it may be. */
static const char *look(struct keeper *k, enum upgrade_result *result)
{
	const struct launcher *launcher = k->env.launcher;
	bool installed = k->now->p.fd < 0 || launcher->runs(launcher->opaque, &k->now->p) == LAUNCHER_RUNS_INSTALLED;

	*result = UPGRADE_SAME;
	/* who waits for a start gets what is installed */
	if (installed && (!k->upgrade.force || k->now->p.fd < 0))
		return "";
	*result = UPGRADE_REFUSED;
	if (k->env.no_upgrade)
		return k->env.no_upgrade;
	return k->now->serves && k->next->p.fd < 0 ? NULL : "it is just being started: ask again";
}

static void begin_upgrade(struct keeper *k)
{
	enum upgrade_result result;
	const char *why = look(k, &result);
	char text[UPGRADE_WHY_MAX];
	int rc;

	if (why) {
		end_upgrade(k, result, why);
		return;
	}
	k->upgrade.begun = true;
	rc = start_kept(k->next, LAUNCHER_TAKE_OVER);
	if (!rc) {
		timer_set(k->upgrade.timer, UPGRADE_MS);
		return;
	}
	upgrade_why_not_started(rc, text);
	end_upgrade(k, UPGRADE_REFUSED, text);
}

static void on_upgrade_timer(void *opaque)
{
	struct keeper *k = opaque;

	if (!k->upgrade.begun) {
		begin_upgrade(k);
	} else if (k->next->p.fd < 0) {
		end_upgrade(k, UPGRADE_REFUSED, "the process that took over does not serve yet: see its log");
	} else {
		/* it says how it ended when it has */
		k->upgrade.given_up = true;
		k->env.launcher->signal(k->env.launcher->opaque, &k->next->p, SIGKILL);
	}
}

int keeper_upgrade(struct keeper *k, uint32_t domid, uint32_t devid, bool force, const struct upgrade_listener *listener)
{
	if (k->stopping || k->ended)
		return -ECANCELED;
	if (k->upgrade.running)
		return -EBUSY;
	k->upgrade.running = true;
	k->upgrade.begun = k->upgrade.given_up = false;
	k->upgrade.force = force;
	k->upgrade.domid = domid;
	k->upgrade.devid = devid;
	k->upgrade.listener = *listener;
	timer_set(k->upgrade.timer, 0);
	return 0;
}

/* As nohup(1) has it; of SIGINT a shell says so to all that it starts in the background, and means the terminal's. */
static bool is_unwanted(int signal)
{
	struct sigaction now;

	return signal == SIGHUP && !sigaction(signal, NULL, &now) && now.sa_handler == SIG_IGN;
}

/* Return: 0; -ENOMEM */
static int hear_signals(struct keeper *k)
{
	for (size_t i = 0; i < SIGNALS; i++) {
		if (is_unwanted(signals[i]))
			continue;
		k->signal[i] = evsignal_new(k->base, signals[i], on_end_signal, k);
		if (!k->signal[i] || event_add(k->signal[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

int keeper_new(struct keeper **out, struct event_base *base, struct log *log, const struct keeper_env *env)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->base = base;
	k->log = log;
	k->env = *env;
	for (size_t i = 0; i < 2; i++)
		k->child[i] = (struct kept){.k = k, .p.fd = -1, .ready = -1};
	k->now = &k->child[0];
	k->next = &k->child[1];
	k->restart = timer_new(base, on_restart, k);
	k->upgrade.timer = timer_new(base, on_upgrade_timer, k);
	if (!k->restart || !k->upgrade.timer || hear_signals(k)) {
		keeper_free(k);
		return -ENOMEM;
	}
	*out = k;
	on_restart(k);
	return 0;
}

static void free_child(struct kept *c)
{
	stop_listening(c);
	if (c->ended)
		event_free(c->ended);
	if (c->p.fd >= 0)
		c->k->env.launcher->detach(c->k->env.launcher->opaque, &c->p);
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	k->upgrade.running = false;
	for (size_t i = 0; i < 2; i++)
		free_child(&k->child[i]);
	for (size_t i = 0; i < SIGNALS; i++) {
		if (k->signal[i])
			event_free(k->signal[i]);
	}
	timer_free(k->restart);
	timer_free(k->upgrade.timer);
	free(k);
}

bool keeper_ended(const struct keeper *k, enum exit_code *code, int *signal)
{
	*code = k->code;
	*signal = k->end_signal;
	return k->ended;
}
