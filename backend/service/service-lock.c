// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The supervisor's lock, see service-lock.h. The file is never removed: whoever waits for a lock on
 * a file without a name would have another one than its successor.
 */
#include "backend/service/service-lock.h"
#include "backend/base/state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define PID_TEXT_MAX 24

static pid_t read_owner(int fd)
{
	char text[PID_TEXT_MAX];
	ssize_t bytes = pread(fd, text, sizeof(text) - 1, 0);

	if (bytes <= 0)
		return 0;
	text[bytes] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

static int lock_file(int fd, pid_t *owner)
{
	char text[PID_TEXT_MAX];
	int bytes;

	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		*owner = read_owner(fd);
		return -EBUSY;
	}
	bytes = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0))
		return -errno;
	return pwrite(fd, text, (size_t)bytes, 0) == bytes ? 0 : -ENOSPC;
}

int service_lock_take(const char *dir, const char *group, int *fd, pid_t *owner)
{
	char path[256];
	int rc = snprintf(path, sizeof(path), "%s/service.lock", dir);

	*owner = 0;
	*fd = -1;
	if ((size_t)rc >= sizeof(path))
		return -ENAMETOOLONG;
	rc = state_file_make_dir(dir, group);
	if (rc)
		return rc;
	*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0)
		return -errno;
	rc = lock_file(*fd, owner);
	if (rc) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

void service_lock_drop(int fd)
{
	if (fd >= 0)
		close(fd);
}
