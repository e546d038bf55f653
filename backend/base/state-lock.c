// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names of state files. Whoever can write their directory is root: the checks guard against leftovers and bugs.
 */
#include "backend/base/state-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/** times the file is opened again because its last owner was just removing it */
#define OPEN_TRIES 10
/** a process's name, at most 15 characters, with its newline and a NUL */
#define NAME_BYTES 32

int state_lock_path(char *path, size_t size, const char *dir, uint32_t domid, uint32_t devid)
{
	int bytes = snprintf(path, size, "%s/%" PRIu32 "-%" PRIu32 ".state", dir, domid, devid);

	return bytes >= 0 && (size_t)bytes < size ? 0 : -ENAMETOOLONG;
}

/* The file under our lock is still the one of that name. */
static bool still_named(const char *path, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

/*
 * Who took the lock, by the kernel: what the file says is written by a process that a guest may have taken over, and whoever asks
 * ends the one that he is told. Return: 0: it has no such lock, or the file system is one whose numbers are others there
 */
pid_t state_lock_holder(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	unsigned int maj, min;
	unsigned long ino;
	char line[256];
	pid_t holder = 0;
	struct stat st;
	int pid;

	if (!locks)
		return 0;
	while (!holder && !fstat(fd, &st) && fgets(line, sizeof(line), locks)) {
		if (sscanf(line, "%*u: FLOCK ADVISORY WRITE %d %x:%x:%lu", &pid, &maj, &min, &ino) == 4 &&
		    maj == major(st.st_dev) && min == minor(st.st_dev) && ino == st.st_ino)
			holder = pid;
	}
	fclose(locks);
	return holder;
}

pid_t state_lock_owner(int fd)
{
	struct state_header header;
	pid_t holder = state_lock_holder(fd);

	if (holder)
		return holder > 0 ? holder : 0;

	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) || header.magic != STATE_MAGIC)
		return 0;
	return (pid_t)header.owner_pid;
}

static bool read_name(const char *path, char name[NAME_BYTES])
{
	FILE *f = fopen(path, "re");
	bool there = f && fgets(name, NAME_BYTES, f);

	if (f)
		fclose(f);
	return there;
}

bool state_lock_same_program(pid_t pid)
{
	char path[32], ours[NAME_BYTES], theirs[NAME_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (pid == getpid())
		return false;
	/* a host may hide it */
	return !read_name(path, theirs) || !read_name("/proc/self/comm", ours) || strcmp(ours, theirs) == 0;
}

static int take_lock(int fd, pid_t *owner)
{
	int rc = flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;

	if (rc != -EWOULDBLOCK)
		return rc;
	*owner = state_lock_owner(fd);
	if (*owner <= 0 || !kill(*owner, 0) || errno != ESRCH)
		return -EBUSY;
	do
		rc = flock(fd, LOCK_EX) ? -errno : 0;
	while (rc == -EINTR);
	return rc;
}

static int check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : -EPERM;
}

int state_lock(const char *path, pid_t *owner)
{
	*owner = 0;
	for (int i = 0; i < OPEN_TRIES; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), rc;

		if (fd < 0)
			return -errno;
		rc = take_lock(fd, owner);
		if (!rc && still_named(path, fd)) {
			rc = check_file(fd);
			if (!rc)
				return fd;
		}
		close(fd);
		if (rc)
			return rc;
	}
	return -EAGAIN;
}

int state_lock_remove(const char *path, int fd)
{
	/* under the lock: whoever waits for it sees that the name is gone, and makes a new file */
	if (!still_named(path, fd))
		return -ENOENT;
	return unlink(path) ? -errno : 0;
}
