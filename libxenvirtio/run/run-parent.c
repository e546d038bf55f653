// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parent: xenstore, signals, the domain's end, and children one after the other. It reads no byte of the guest's, and of what a
 * child says only that it serves, and how it ended.
 */
#define _GNU_SOURCE /* strsignal() */
#include "config.h"

#include "run/run-parent.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

/* What the child may ask no more. Return: 0; XENVIRTIO_E_GONE; -errno */
static int look_at_domain(struct run *run, bool ranges)
{
	struct run_shared *shared = run->shared;
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *hv;
	int ret = run->env->open_hv(run->env->opaque, &hv, run->opts.domid);

	if (ret)
		return ret;
	ret = hv->ops->domain_info(hv, &info);
	if (!ret && info.dying)
		ret = XENVIRTIO_E_GONE;
	if (!ret && ranges) {
		shared->info = info;
		ret = hv->ops->ram_ranges(hv, shared->range, RUN_RANGES_MAX, &shared->nr);
	}
	/* never open across a fork: a child's restriction would be the parent's */
	xenvirtio_hv_close(hv);
	return ret;
}

static int64_t now(const struct parent *p)
{
	return p->run->env->now_ms(p->run->env->opaque);
}

static void close_sock(struct parent *p)
{
	if (p->sock >= 0)
		close(p->sock);
	p->sock = -1;
}

/* The end has a reason; a child is let take its ioreq server along. */
void parent_end(struct parent *p, int code)
{
	if (p->ending)
		return;
	p->ending = true;
	p->code = code;
	close_sock(p);
	p->kill_at = now(p) + END_MS;
	p->over = !p->pid;
}

static int fork_child(struct parent *p)
{
	struct run *run = p->run;
	int ends[2], pids;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pids = run->opts.sandbox == RUN_NO_SANDBOX ? -ECANCELED : xenvirtio_confine_pids_begin();
	if (pids != -ECANCELED && run_judge(run, pids, "the device's process sees the numbers of others")) {
		close(ends[0]);
		close(ends[1]);
		return -EACCES;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(run_child(run, ends[1]));
	}
	if (!pids && xenvirtio_confine_pids_end())
		run_say(run, 0, "cannot leave the child's namespace of process numbers: another child cannot be started");
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	p->pidfd = pidfd_open(pid, 0);
	if (p->pidfd < 0) {
		int rc = -errno;

		/* nobody would hear of its end */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(ends[0]);
		p->left = true;
		return rc;
	}
	p->pid = pid;
	p->sock = ends[0];
	return 0;
}

/* The guest waits meanwhile, so the first time there is no wait at all. @told: it had served */
static void child_died(struct parent *p, const char *how, bool told)
{
	int64_t wait;

	if (told && now(p) - p->serving_since >= WELL_MS)
		p->deaths = 0;
	if (++p->deaths > DEATHS_MAX) {
		run_say(p->run, 0, "the device's process %s: the %uth time without a minute of service: given up", how, p->deaths);
		parent_end(p, XENVIRTIO_EXIT_HOST);
		return;
	}
	wait = p->deaths == 1 ? 0 : INT64_C(1000) << (p->deaths - 2);
	if (wait)
		run_say(p->run, 0, "the device's process %s: another goes on with the guest's device in %d s", how, (int)(wait / 1000));
	else
		run_say(p->run, 0, "the device's process %s: another goes on with the guest's device at once", how);
	p->run->life++;
	p->restart_at = now(p) + wait;
}

static void start_child(struct parent *p)
{
	int ret = look_at_domain(p->run, true);

	p->restart_at = NEVER;
	if (ret == XENVIRTIO_E_GONE) {
		parent_end(p, XENVIRTIO_EXIT_DONE);
		return;
	}
	if (!ret)
		ret = fork_child(p);
	if (!ret)
		return;
	run_say(p->run, ret, "cannot start the device's process");
	/* a guest that was served is not given up for what may pass */
	if (p->run->life && ret != -EACCES)
		child_died(p, "could not be started", false);
	else
		parent_end(p, ret == -EACCES ? XENVIRTIO_EXIT_NO_XEN : XENVIRTIO_EXIT_HOST);
}

static void child_ended(struct parent *p)
{
	bool told = p->serves;
	siginfo_t info = { 0 };
	char how[80];

	waitid(P_PID, (id_t)p->pid, &info, WEXITED);
	close(p->pidfd);
	p->pidfd = -1;
	p->pid = 0;
	close_sock(p);
	p->serves = false;
	p->kill_at = NEVER;
	/*
	 * Looked for whatever it says: it read what the guest wrote. But one that never served, and ended by itself, has made nothing,
	 * and what another backend made is not ours.
	 */
	p->left = info.si_code != CLD_EXITED || told || p->run->life;
	if (p->ending) {
		p->over = true;
		return;
	}
	if (look_at_domain(p->run, false) == XENVIRTIO_E_GONE) {
		parent_end(p, XENVIRTIO_EXIT_DONE);
		return;
	}
	/* it has said why, and the next one would find the same; but a host that fails once the guest was served may do better */
	if (info.si_code == CLD_EXITED && !told && info.si_status != XENVIRTIO_EXIT_DONE &&
	    !(p->run->life && info.si_status == XENVIRTIO_EXIT_HOST)) {
		parent_end(p, info.si_status);
		return;
	}
	if (info.si_code == CLD_EXITED)
		snprintf(how, sizeof(how), "ended with %d", info.si_status);
	else
		snprintf(how, sizeof(how), "was killed by signal %d (%s)", info.si_status, strsignal(info.si_status));
	child_died(p, how, told);
}

static void child_serves(struct parent *p)
{
	const struct run *run = p->run;
	char byte;

	/* nothing more is read from it: its end comes by the pidfd */
	if (p->serves || recv(p->sock, &byte, 1, MSG_DONTWAIT) != 1)
		return;
	p->serves = true;
	p->serving_since = now(p);
	parent_tell_state(p, XENVIRTIO_XENBUS_CONNECTED);
	if (p->served)
		return;
	p->served = true;
	run_say(run, 0, "serving device %" PRIu32 " of domain %" PRIu32 " at %#" PRIx64 ", interrupt %" PRIu32, run->bus.devid,
		run->opts.domid, run->bus.base.v, run->bus.irq);
	parent_tell_ready(p);
}

static void take_signal(struct parent *p)
{
	struct signalfd_siginfo info;

	if (read(p->signals, &info, sizeof(info)) != sizeof(info))
		return;
	run_say(p->run, 0, "signal %u: the device is taken away", info.ssi_signo);
	parent_end(p, XENVIRTIO_EXIT_DONE);
}

static void domain_check(struct parent *p)
{
	if (look_at_domain(p->run, false) != XENVIRTIO_E_GONE)
		return;
	run_say(p->run, 0, "domain %" PRIu32 " is gone", p->run->opts.domid);
	parent_end(p, XENVIRTIO_EXIT_DONE);
}

static int earliest(const struct parent *p)
{
	const int64_t at[] = { p->restart_at, p->kill_at, p->store_at, p->find_until };
	int64_t first = NEVER;

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		first = at[i] < first ? at[i] : first;
	if (first == NEVER)
		return -1;
	first -= now(p);
	return first > 0 ? (int)first : 0;
}

static void on_time(struct parent *p)
{
	int64_t t = now(p);

	if (t >= p->kill_at && p->pid) {
		run_say(p->run, 0, "the device's process does not end: it is killed");
		kill(p->pid, SIGKILL);
		p->kill_at = NEVER;
	}
	if (t >= p->store_at) {
		parent_store_again(p);
		domain_check(p);
	}
	if (!p->ending && t >= p->find_until)
		parent_find_over(p);
	if (!p->ending && t >= p->restart_at)
		start_child(p);
}

static void turn(struct parent *p)
{
	struct pollfd fds[] = {
		{ .fd = p->ending ? -1 : p->signals, .events = POLLIN },
		{ .fd = p->store ? p->store->ops->fd(p->store) : -1, .events = POLLIN },
		{ .fd = p->pidfd, .events = POLLIN },
		{ .fd = p->serves ? -1 : p->sock, .events = POLLIN },
	};

	if (p->run->env->wait(p->run->env->opaque, fds, 4, earliest(p)) < 0 && errno != EINTR) {
		run_say(p->run, -errno, "cannot wait");
		parent_end(p, XENVIRTIO_EXIT_HOST);
	}
	if (fds[3].revents & POLLIN)
		child_serves(p);
	if (fds[2].revents)
		child_ended(p);
	if (fds[0].revents)
		take_signal(p);
	if (fds[1].revents && parent_store_events(p))
		domain_check(p);
	if (p->found && !p->started && !p->ending) {
		p->started = true;
		start_child(p);
	}
	on_time(p);
}

/* Return: -1: it is there; else how it ends */
static int first_look(struct run *run)
{
	int rc = look_at_domain(run, false);

	if (!rc)
		return -1;
	if (rc == XENVIRTIO_E_GONE) {
		run_say(run, 0, "domain %" PRIu32 " does not exist: xl list shows those that do", run->opts.domid);
		return XENVIRTIO_EXIT_NO_DEVICE;
	}
	run_say_no_xen(run, rc);
	return XENVIRTIO_EXIT_NO_XEN;
}

int run_parent(struct run *run)
{
	struct parent p = { .run = run, .sock = -1, .pidfd = -1, .restart_at = NEVER, .kill_at = NEVER, .store_at = NEVER, .find_until = NEVER };
	struct signalfd_siginfo again;
	sigset_t set, before;
	int code = first_look(run);

	if (code >= 0)
		return code;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* children are ended by their parent alone */
	sigprocmask(SIG_BLOCK, &set, &before);
	p.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	parent_store_open(&p);
	while (!p.over)
		turn(&p);
	if (p.left)
		run_remove_server(run);
	if (p.served)
		parent_tell_state(&p, XENVIRTIO_XENBUS_CLOSED);
	xenvirtio_store_close(p.store);
	/* a second signal that asked for the same */
	while (read(p.signals, &again, sizeof(again)) > 0)
		;
	close(p.signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return p.code;
}
