// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a child of the service to a backend. The service has threads: nothing here allocates, locks or logs.
 */
#include "config.h"

#include "backend/starter/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

/* where the socket is meanwhile; it goes with exec */
#define SOCK_FD (STDERR_FILENO + 1)

enum step {
	STEP_SESSION,
	STEP_FILES,
	STEP_LIMITS,
	STEP_GROUPS,
	STEP_USER,
	STEP_RIGHTS,
	STEP_EXEC,
};

const char *backend_step_text(int step)
{
	switch (step) {
	case STEP_SESSION:
		return "cannot begin a session";
	case STEP_FILES:
		return "cannot close what it has no business with";
	case STEP_LIMITS:
		return "cannot be limited as the file says, perhaps since the service may have no more itself (in its unit, LimitNOFILE=)";
	case STEP_GROUPS:
		return "cannot be in its groups";
	case STEP_USER:
		return "cannot become its user";
	case STEP_RIGHTS:
		return "cannot give away its rights";
	case STEP_EXEC:
		return "its program cannot be started";
	default:
		return "failed";
	}
}

static void give_up(int sock, int step, int err)
{
	const struct backend_failure failure = {.step = step, .err = err};

	send(sock, &failure, sizeof(failure), MSG_NOSIGNAL);
	_exit(127);
}

static int default_signals(void)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int nr = 1; nr < NSIG; nr++)
		sigaction(nr, &usual, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Nothing is open then but the three, and @sock as SOCK_FD. */
static int keep_three(int sock, int log)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (log < 0)
		log = null;
	/* out of the way of the numbers that they are to have */
	log = fcntl(log, F_DUPFD, SOCK_FD + 1);
	sock = fcntl(sock, F_DUPFD, SOCK_FD + 1);
	if (null < 0 || log < 0 || sock < 0)
		return -1;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(sock, SOCK_FD) < 0)
		return -1;
	if (close_range(SOCK_FD + 1, ~0u, 0))
		return -1;
	return fcntl(SOCK_FD, F_SETFD, FD_CLOEXEC);
}

static int set_limits(const struct plan *plan)
{
	static const int resource[PLAN_LIMITS] = {
		[PLAN_LIMIT_FILES] = RLIMIT_NOFILE,
		[PLAN_LIMIT_PROCESSES] = RLIMIT_NPROC,
		[PLAN_LIMIT_ADDRESS_SPACE] = RLIMIT_AS,
	};
	const struct rlimit no_core = {0};

	for (int i = 0; i < PLAN_LIMITS; i++) {
		rlim_t most = plan->limit[i] * (i == PLAN_LIMIT_ADDRESS_SPACE ? 1024 : 1);
		const struct rlimit limit = {.rlim_cur = most, .rlim_max = most};

		if (most && setrlimit((__rlimit_resource_t)resource[i], &limit))
			return -1;
	}
	return setrlimit(RLIMIT_CORE, &no_core);
}

/* The service is one of the last that the kernel ends when memory is short; a backend is not. */
static void be_ended_as_others(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t ignored;

	if (fd < 0)
		return;
	ignored = write(fd, "0\n", 2);
	(void)ignored;
	close(fd);
}

static bool already(const struct backend_user *user)
{
	return geteuid() && geteuid() == user->uid && getegid() == user->gid;
}

static int join_groups(const struct backend_user *user)
{
	gid_t more[] = {user->group};

	if (setgroups(user->group == (gid_t)-1 ? 0 : 1, more))
		return -1;
	return setresgid(user->gid, user->gid, user->gid);
}

static int give_rights_away(const struct backend_user *user)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	if (!user->uid)
		return 0;
	/* an old kernel has none of these */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	errno = EPERM;
	return geteuid() != user->uid || getegid() != user->gid || !setuid(0) ? -1 : 0;
}

void backend_become(const struct backend_exec *exec, char *const *argv, int sock, int log)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", home[] = "HOME=/";
	static char *const environment[] = {path, home, NULL};
	const struct backend_user *user = &exec->user;
	char go;

	/* who is signalled as one group has the number of its first process */
	if (setsid() < 0 || default_signals())
		give_up(sock, STEP_SESSION, errno);
	if (keep_three(sock, log))
		give_up(sock, STEP_FILES, errno);
	sock = SOCK_FD;
	/* the service may be no more */
	if (recv(sock, &go, 1, 0) != 1)
		_exit(127);
	be_ended_as_others();
	umask(0007);
	if (chdir("/"))
		give_up(sock, STEP_FILES, errno);
	/* before the right to do that goes; what cannot be had by exec is of no use without no_new_privs, which comes anyway */
	if (user->uid)
		xenvirtio_confine_bounds();
	if (!already(user) && join_groups(user))
		give_up(sock, STEP_GROUPS, errno);
	if (set_limits(exec->plan))
		give_up(sock, STEP_LIMITS, errno);
	if (setresuid(user->uid, user->uid, user->uid))
		give_up(sock, STEP_USER, errno);
	if (give_rights_away(user))
		give_up(sock, STEP_RIGHTS, errno);
	execve(argv[0], argv, environment);
	give_up(sock, STEP_EXEC, errno);
	_exit(127);
}
