// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A keeper's child: fork(), so that it is tied to its parent before it is another program. The parent has no threads.
 */
#include "config.h"

#include "backend/service/keeper-start.h"
#include "backend/base/exit-code.h"
#include "backend/service/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/** what the child is told of as --ready-fd; nothing else is left open to it but what 0 to 2 are */
#define READY_FD 3
#define READY_WORD "--ready-fd=3"

static void become_program(const struct launcher_exec *exec, unsigned int flags, pid_t parent, int ready)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_CODE_HOST);
	setpgid(0, 0);
	if (ready != READY_FD && dup2(ready, READY_FD) < 0)
		_exit(EXIT_CODE_HOST);
	close_range(READY_FD + 1, ~0u, 0);
	signal(SIGPIPE, SIG_DFL);
	for (int i = 1; i < SIGRTMIN; i++) {
		struct sigaction now;

		/* what its parent was started with, as by nohup, stays; its handlers are not the child's */
		if (!sigaction(i, NULL, &now) && now.sa_handler != SIG_IGN)
			signal(i, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(exec->path, exec->argv);
	if (flags & LAUNCHER_TAKE_OVER)
		_exit(UPGRADE_EXIT_NOT_RUN);
	/* a guest that is served is not left because its program was removed */
	execv(LAUNCHER_SELF, exec->argv);
	_exit(EXIT_CODE_HOST);
}

int keeper_start(const struct launcher_exec *exec, unsigned int flags, struct process *p, int *ready)
{
	static char no_restart[] = "--no-restart", ready_word[] = READY_WORD, take_over[] = "--take-over";
	pid_t parent = getpid();
	sigset_t all, mask;
	int ends[2], rc;

	if (pipe(ends))
		return -errno;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	exec->argv[exec->argc] = no_restart;
	exec->argv[exec->argc + 1] = ready_word;
	exec->argv[exec->argc + 2] = flags & LAUNCHER_TAKE_OVER ? take_over : NULL;
	/* the handlers of this process write to what a child has as well, until it is another program */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	p->pid = fork();
	if (p->pid == 0)
		become_program(exec, flags, parent, ends[1]);
	rc = p->pid < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	exec->argv[exec->argc] = exec->argv[exec->argc + 1] = exec->argv[exec->argc + 2] = NULL;
	close(ends[1]);
	p->fd = rc ? -1 : pidfd_open(p->pid, 0);
	if (!rc && p->fd < 0) {
		rc = -errno;
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	if (rc)
		close(ends[0]);
	else
		*ready = ends[0];
	return rc;
}
