// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A part of the service: fork(), so that it is tied to its parent before it is another program. The parent has no threads.
 */
#include "config.h"

#include "backend/service/role-start.h"
#include "backend/base/exit-code.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

static void heard_signals(sigset_t *set)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
}

void role_hear(void)
{
	sigset_t set;

	heard_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void become_program(const struct launcher_exec *exec, int sock)
{
	sigset_t set;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* it may have died before */
	if (recv(sock, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0)
		_exit(EXIT_CODE_HOST);
	setpgid(0, 0);
	if (sock != ROLE_SOCKET && dup2(sock, ROLE_SOCKET) < 0)
		_exit(EXIT_CODE_HOST);
	close_range(ROLE_SOCKET + 1, ~0u, 0);
	for (int i = 1; i < SIGRTMIN; i++)
		signal(i, SIG_DFL);
	heard_signals(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	execv(LAUNCHER_SELF, exec->argv);
	_exit(EXIT_CODE_HOST);
}

static int fork_part(const struct launcher_exec *exec, int sock, int other, struct process *p)
{
	sigset_t all, mask;
	int rc;

	/* the handlers of this process write to what a child has as well, until it is another program */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	p->pid = fork();
	if (p->pid == 0) {
		/* its own copy would keep it from seeing that its parent is no more */
		close(other);
		become_program(exec, sock);
	}
	rc = p->pid < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	p->fd = rc ? -1 : pidfd_open(p->pid, 0);
	if (rc || p->fd >= 0)
		return rc;
	rc = -errno;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	return rc;
}

int role_start(const struct launcher_exec *exec, const char *word, bool pids, struct process *p, int *sock)
{
	static char no_ready[] = "--ready-fd=none";
	int pair[2], rc;

	/* the other end has no close-on-exec: it is the one that stays open */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -errno;
	pids = pids && !xenvirtio_confine_pids_begin();
	exec->argv[exec->argc] = no_ready;
	exec->argv[exec->argc + 1] = (char *)(uintptr_t)word;
	rc = fork_part(exec, pair[1], pair[0], p);
	exec->argv[exec->argc] = exec->argv[exec->argc + 1] = NULL;
	/* device processes are of this process's own namespace again */
	if (pids && xenvirtio_confine_pids_end() && !rc) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
		close(p->fd);
		rc = -EPERM;
	}
	close(pair[1]);
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	if (rc)
		close(pair[0]);
	else
		*sock = pair[0];
	return rc;
}
