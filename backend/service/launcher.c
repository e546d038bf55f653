// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device processes as children: posix_spawn() and process descriptors.
 *
 * A child is the program that is installed where this one came from: after an upgrade that is another version, which takes the state
 * of its predecessors. Where none is any more, it is the one that runs, since a guest waits. A child inherits standard
 * error and nothing else, and no death signal: it serves on when the supervisor dies.
 */
#include "config.h"

#include "backend/service/launcher.h"
#include "backend/base/log.h"
#include "backend/base/state-file.h"
#include "backend/base/state-lock.h"
#include "backend/service/device-cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD_MAX 32
/** that are added to a command line at most */
#define LAUNCHER_WORDS 4

static int set_up(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files)
{
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setsigmask(attr, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &all);
	if (!err)
		err = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
							     POSIX_SPAWN_SETSIGDEF);
	/* not every library marks its descriptors */
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return err;
}

static int spawn(struct launcher_exec *exec, unsigned int flags, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err;

	err = posix_spawnattr_init(&attr);
	if (err)
		return -err;
	err = posix_spawn_file_actions_init(&files);
	if (!err) {
		err = set_up(&attr, &files);
		if (!err)
			err = posix_spawn(pid, exec->path, &files, &attr, exec->argv, environ);
		/* a guest that is served is left to what serves it */
		if (err == ENOENT && !(flags & LAUNCHER_TAKE_OVER))
			err = posix_spawn(pid, LAUNCHER_SELF, &files, &attr, exec->argv, environ);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attr);
	return -err;
}

/* A guest is served also where this cannot be. */
static void contain(const struct launcher_exec *exec, uint32_t domid, uint32_t devid, pid_t pid)
{
	int rc = exec->cgroups ? device_cgroups_add(exec->cgroups, domid, devid, pid) : 0;

	if (rc && rc != -ESRCH)
		log_limited(exec->log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, rc, "device %" PRIu32 " of domain %" PRIu32 " has no cgroup with limits", devid,
			    domid);
}

static int start_child(void *opaque, uint32_t domid, uint32_t devid, unsigned int flags, struct process *p)
{
	static char take_over[] = "--take-over";
	struct launcher_exec *exec = opaque;
	char domid_word[WORD_MAX], devid_word[WORD_MAX];
	int rc;

	snprintf(domid_word, sizeof(domid_word), "--domid=%" PRIu32, domid);
	snprintf(devid_word, sizeof(devid_word), "--devid=%" PRIu32, devid);
	exec->argv[exec->argc] = domid_word;
	exec->argv[exec->argc + 1] = devid_word;
	exec->argv[exec->argc + 2] = flags & LAUNCHER_TAKE_OVER ? take_over : NULL;
	rc = spawn(exec, flags, &p->pid);
	for (int i = 0; i < LAUNCHER_WORDS; i++)
		exec->argv[exec->argc + i] = NULL;
	if (rc)
		return rc;
	/* nobody else waits for it, so the number is its own */
	p->fd = pidfd_open(p->pid, 0);
	if (p->fd < 0) {
		rc = -errno;
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
		return rc;
	}
	contain(exec, domid, devid, p->pid);
	return 0;
}

static void detach_process(void *opaque, struct process *p)
{
	close(p->fd);
	p->fd = -1;
}

static int attach_owner(void *opaque, uint32_t domid, uint32_t devid, struct process *p)
{
	struct launcher_exec *exec = opaque;
	struct pollfd ended = {.events = POLLIN};
	pid_t owner, same;
	int rc = state_file_owner(exec->state_dir, domid, devid, &owner);

	if (rc != -EBUSY)
		return rc ? rc : XENVIRTIO_E_EMPTY;
	if (owner <= 0)
		return XENVIRTIO_E_AGAIN;
	p->pid = owner;
	p->fd = pidfd_open(owner, 0);
	if (p->fd < 0)
		return errno == ESRCH ? XENVIRTIO_E_AGAIN : -errno;
	ended.fd = p->fd;
	/* of one that has ended, and that somebody else has not waited for yet, there is nothing to come */
	if (poll(&ended, 1, 0) > 0) {
		detach_process(opaque, p);
		return XENVIRTIO_E_AGAIN;
	}
	/* who holds the lock now, with the descriptor at hand, cannot have been taken for another */
	rc = state_file_owner(exec->state_dir, domid, devid, &same);
	if (rc == -EBUSY && same == owner && state_lock_same_program(owner))
		return 0;
	close(p->fd);
	p->fd = -1;
	return XENVIRTIO_E_AGAIN;
}

static int read_life(void *opaque, uint32_t domid, uint32_t devid, uint64_t *mark)
{
	const struct launcher_exec *exec = opaque;

	return state_file_life(exec->state_dir, domid, devid, mark);
}

static void signal_process(void *opaque, const struct process *p, int signal)
{
	/* it may have ended just now: the descriptor tells */
	pidfd_send_signal(p->fd, signal, NULL, 0);
}

static void reap_child(void *opaque, struct process *p, struct process_end *end)
{
	const struct launcher_exec *exec = opaque;
	siginfo_t info = {0};

	*end = (struct process_end){0};
	if (!waitid(P_PIDFD, (id_t)p->fd, &info, WEXITED | WNOHANG) && info.si_pid) {
		end->known = true;
		end->signalled = info.si_code != CLD_EXITED;
		end->value = info.si_status;
	}
	detach_process(opaque, p);
	if (exec->cgroups)
		device_cgroups_sweep(exec->cgroups);
}

/* One that was removed already has " (deleted)" behind it: then it is that name without. */
static void find_program(char *path, size_t size)
{
	static const char gone[] = " (deleted)";
	ssize_t len = readlink(LAUNCHER_SELF, path, size);

	if (len < 0 || (size_t)len >= size) {
		snprintf(path, size, "%s", LAUNCHER_SELF);
		return;
	}
	path[len] = '\0';
	if ((size_t)len > strlen(gone) && strcmp(path + len - strlen(gone), gone) == 0)
		path[(size_t)len - strlen(gone)] = '\0';
}

int launcher_init(struct launcher *launcher, struct launcher_exec *exec, int argc, char **argv,
		  const char *state_dir)
{
	*exec = (struct launcher_exec){.argc = argc, .state_dir = state_dir};
	find_program(exec->path, sizeof(exec->path));
	exec->argv = calloc((size_t)argc + LAUNCHER_WORDS + 1, sizeof(*exec->argv));
	if (!exec->argv)
		return -ENOMEM;
	memcpy(exec->argv, argv, (size_t)argc * sizeof(*argv));
	*launcher = (struct launcher){
		.start = start_child,
		.attach = attach_owner,
		.life = read_life,
		.runs = launcher_runs,
		.signal = signal_process,
		.reap = reap_child,
		.detach = detach_process,
		.opaque = exec,
	};
	return 0;
}

void launcher_fini(struct launcher_exec *exec)
{
	free(exec->argv);
	exec->argv = NULL;
}
