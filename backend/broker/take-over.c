// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See take-over.h.
 */
#include "config.h"

#include "backend/broker/take-over.h"
#include "backend/base/clock.h"
#include "backend/base/state-fit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Return: 0: nobody has it; -ENOENT; -ENOTSUP it cannot be told who; -errno; else who */
static pid_t find_holder(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	pid_t holder = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_SH | LOCK_NB)) {
		holder = errno == EWOULDBLOCK ? state_lock_holder(fd) : -errno;
		if (holder == 0)
			holder = -ENOTSUP;
	}
	close(fd);
	return holder;
}

/* Return: 0, also where it is no more; -EBUSY; -errno */
static int have_it_end(const char *path, pid_t holder, int process)
{
	int rc;

	/* who has the lock now, with the descriptor at hand, cannot have been taken for another */
	if (find_holder(path) != holder)
		return 0;
	if (!state_lock_same_program(holder))
		return clock_wait(process, 0) > 0 ? 0 : -ENOTSUP;
	if (pidfd_send_signal(process, TAKE_OVER_SIGNAL, NULL, 0))
		return errno == ESRCH ? 0 : -errno;
	do
		rc = clock_wait(process, TAKE_OVER_MS);
	while (rc == -EINTR);
	return rc > 0 ? 0 : rc ? rc : -EBUSY;
}

int take_over_state(const char *path, unsigned int queues_max, struct log *log, pid_t *owner)
{
	const char *why;
	int process, rc = state_fit_file(path, queues_max, &why);
	pid_t holder;

	if (rc == -EBADMSG)
		log_msg(log, LOG_LEVEL_ERROR, 0, "%s cannot be gone on with: %s. The process that has it serves on", path, why);
	if (rc)
		return rc == -ENOENT ? -ESTALE : rc;
	holder = find_holder(path);
	if (holder <= 0) {
		if (holder == -ENOTSUP)
			log_msg(log, LOG_LEVEL_ERROR, 0, "/proc/locks does not say who has %s: it serves on", path);
		return holder;
	}
	*owner = holder;
	process = pidfd_open(holder, 0);
	if (process < 0)
		return errno == ESRCH ? 0 : -errno;
	rc = have_it_end(path, holder, process);
	close(process);
	if (rc == -ENOTSUP)
		log_msg(log, LOG_LEVEL_ERROR, 0, "/proc/locks says that process %ld has %s, which is no process of this program: it is left alone",
			(long)holder, path);
	return rc;
}

int take_over_look(const char *path, int fd)
{
	struct stat st;

	if (!fstat(fd, &st) && st.st_size)
		return fd;
	/* it was removed with the device, and is there again because it was opened */
	state_lock_remove(path, fd);
	close(fd);
	return -ESTALE;
}
