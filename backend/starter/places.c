// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of a backend has a name: its socket's directory, its log, the record by which a service after this one finds it.
 */
#include "config.h"

#include "backend/starter/exec.h"
#include "backend/base/backend-socket.h"
#include "backend/base/command-line.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define RECORD ".backend"
#define RECORD_MAX 64
#define STAT_MAX 1024
/** field of /proc/PID/stat, counted from the one after the name, which is the third */
#define STARTTIME (22 - 3)

/* --- the log --- */

/* Whoever else may put links into a directory must not say where root writes. Return: whether links in it are as good as names */
static bool links_are_roots(int dir)
{
	struct stat st;

	return !fstat(dir, &st) && (!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* @path is absolute, and is cut up. Return: a descriptor; -ELOOP a link of others' is in it; -errno */
static int open_to_append(char *path)
{
	int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1, err;
	char *rest = NULL, *name = strtok_r(path, "/", &rest), *next;
	struct stat st;

	for (; dir >= 0 && name && (next = strtok_r(NULL, "/", &rest)); name = next) {
		int flags = O_PATH | O_DIRECTORY | O_CLOEXEC | (links_are_roots(dir) ? 0 : O_NOFOLLOW);
		int below = openat(dir, name, flags);

		err = below < 0 && errno == ENOTDIR && !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode) ? ELOOP : errno;
		close(dir);
		errno = err;
		dir = below;
	}
	if (dir >= 0 && name)
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0640);
	else if (dir >= 0)
		errno = EISDIR;
	err = errno;
	if (dir >= 0)
		close(dir);
	return fd < 0 ? -err : fd;
}

int backend_places_open_log(const struct backend_exec *exec, const struct plan_device *device)
{
	char path[PATH_MAX], parts[PATH_MAX];
	int fd;

	if (!exec->plan->log)
		return STDERR_FILENO;
	if (plan_expand(path, sizeof(path), exec->plan->log, device) < 0)
		fd = -EINVAL;
	else
		fd = open_to_append(strcpy(parts, path));
	if (fd < 0)
		log_msg(exec->log, LOG_LEVEL_ERROR, fd, "cannot log to %s%s", path,
			fd == -ELOOP ? ", by a symbolic link that others than root could make: name the file itself, or a directory of root's" : "");
	return fd;
}

/* --- the socket --- */

static void directory_of(char dir[BACKEND_SOCKET_PATH_MAX], const char *socket)
{
	const char *slash = strrchr(socket, '/');

	snprintf(dir, BACKEND_SOCKET_PATH_MAX, "%.*s", (int)(slash - socket), socket);
}

/* Members of the daemon's group may pass through, and the socket is theirs as well. */
static int give_directory(const struct backend_exec *exec, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	gid_t group = exec->user.group == (gid_t)-1 ? exec->user.gid : exec->user.group;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (fchown(fd, exec->user.uid, group) || fchmod(fd, S_ISGID | 0710))
		rc = -errno;
	close(fd);
	return rc;
}

bool backend_exec_own_dirs(const char *socket)
{
	char dir[BACKEND_SOCKET_PATH_MAX];

	if (strlen(socket) >= sizeof(dir))
		return false;
	directory_of(dir, socket);
	return dir[0] && backend_socket_is_of_one(dir);
}

/*
 * Asked by a connection of another kind, which the kernel refuses as such where there is a socket behind the name, and nobody is disturbed:
 * many a backend takes one connection. By what /proc/net/unix lists it cannot be told: there are names as each one spelled them, also
 * made up, and none of other network namespaces.
 */
static bool somebody_listens(const char *socket_name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	memcpy(at.sun_path, socket_name, strnlen(socket_name, sizeof(at.sun_path) - 1));
	err = fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) ? errno : 0;
	if (fd >= 0)
		close(fd);
	/* what cannot be told may be a backend's */
	return err != ECONNREFUSED && err != ENOENT;
}

/* With the lock files and logs that a backend has put beside its socket; what it has made further down stays, and so does all. */
static void remove_directory(const char *path, uid_t owner)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (!fstat(fd, &st) && (st.st_mode & 07777) == (S_ISGID | 0710) && st.st_uid == owner) {
		while ((entry = readdir(dir)))
			unlinkat(fd, entry->d_name, 0);
		rmdir(path);
	}
	closedir(dir);
}

/* Return: 0; -EEXIST; -errno */
static int make_directory(const struct backend_exec *exec, const char *dir)
{
	int rc = mkdir(dir, 0700) ? -errno : give_directory(exec, dir);

	/* the next attempt would leave it as it is */
	if (rc && rc != -EEXIST)
		rmdir(dir);
	return rc;
}

/* Nobody but root can have made it, nor what is above: so it was a backend's, when the file named another user. */
static void remove_former(const char *dir, const char *above, const struct stat *st)
{
	int fd = open(above[0] ? above : "/", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (links_are_roots(fd))
		remove_directory(dir, st->st_uid);
	close(fd);
}

/* One that there is already is left as it is: it is root's, or of a backend before this one. */
static int provide_directory(const struct backend_exec *exec, const char *dir, const char *socket_name)
{
	char above[BACKEND_SOCKET_PATH_MAX];
	struct stat st;
	int rc;

	directory_of(above, dir);
	if (above[0] && mkdir(above, 0755) && errno != EEXIST)
		return -errno;
	rc = make_directory(exec, dir);
	if (rc != -EEXIST)
		return rc;
	if (lstat(dir, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	/* who has the directory has the socket, and so the guest's memory */
	if (!st.st_uid || st.st_uid == exec->user.uid || st.st_uid == geteuid())
		return 0;
	if (somebody_listens(socket_name))
		return -EADDRINUSE;
	remove_former(dir, above, &st);
	rc = make_directory(exec, dir);
	return rc == -EEXIST ? -EPERM : rc;
}

int backend_places_prepare(const struct backend_exec *exec, const char *socket)
{
	char dir[BACKEND_SOCKET_PATH_MAX];
	struct stat st;
	int rc;

	directory_of(dir, socket);
	rc = exec->own_dirs ? provide_directory(exec, dir, socket) : 0;
	if (rc) {
		log_msg(exec->log, LOG_LEVEL_ERROR, rc, "%s cannot be a backend's, for its socket%s", dir,
			rc == -EPERM ? ": if it is another user's, remove it" : "");
		return rc;
	}
	if (lstat(socket, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		log_msg(exec->log, LOG_LEVEL_ERROR, 0, "%s is no socket: remove it", socket);
		return -ENOTSOCK;
	}
	if (somebody_listens(socket)) {
		log_msg(exec->log, LOG_LEVEL_ERROR, 0, "somebody listens on %s: a backend that nobody knows of is not joined by another: end it",
			socket);
		return -EADDRINUSE;
	}
	return unlink(socket) ? -errno : 0;
}

void backend_places_tidy(const struct backend_exec *exec, const char *socket)
{
	char dir[BACKEND_SOCKET_PATH_MAX];
	struct stat st;

	if (!lstat(socket, &st) && S_ISSOCK(st.st_mode) && !somebody_listens(socket))
		unlink(socket);
	directory_of(dir, socket);
	if (exec->own_dirs)
		remove_directory(dir, exec->user.uid);
}

/* --- the record: which process, and when that began, since numbers come again --- */

static int record_path(char *path, size_t size, const char *dir, uint32_t domid, uint32_t devid)
{
	return (size_t)snprintf(path, size, "%s/%" PRIu32 "-%" PRIu32 RECORD, dir, domid, devid) < size ? 0 : -ENAMETOOLONG;
}

/* A small file, whole. Return: characters; -errno */
static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t bytes;

	if (fd < 0)
		return -errno;
	bytes = read(fd, text, size - 1);
	if (bytes < 0)
		bytes = -errno;
	else
		text[bytes] = '\0';
	close(fd);
	return (int)bytes;
}

static int read_starttime(pid_t pid, unsigned long long *ticks)
{
	char path[64], text[STAT_MAX];
	const char *at;
	int rc;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	rc = read_file(path, text, sizeof(text));
	if (rc < 0)
		return rc;
	/* the name may have blanks and brackets in it */
	at = strrchr(text, ')');
	for (int i = 0; at && i <= STARTTIME; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %llu", ticks) == 1 ? 0 : -EBADMSG;
}

int backend_record_write(const char *state_dir, uint32_t domid, uint32_t devid, pid_t pid)
{
	char path[PATH_MAX], text[RECORD_MAX];
	unsigned long long ticks = 0;
	int rc = record_path(path, sizeof(path), state_dir, domid, devid), fd, len;

	if (!rc)
		rc = read_starttime(pid, &ticks);
	if (rc)
		return rc;
	len = snprintf(text, sizeof(text), "%ld %llu\n", (long)pid, ticks);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write(fd, text, (size_t)len) == len ? 0 : -ENOSPC;
	close(fd);
	if (rc)
		unlink(path);
	return rc;
}

int backend_record_find(const char *state_dir, uint32_t domid, uint32_t devid, struct process *p)
{
	char path[PATH_MAX], text[RECORD_MAX];
	unsigned long long ticks, now;
	long pid;
	int rc = record_path(path, sizeof(path), state_dir, domid, devid);

	if (!rc)
		rc = read_file(path, text, sizeof(text));
	if (rc < 0)
		return rc == -ENOENT ? XENVIRTIO_E_EMPTY : rc;
	if (sscanf(text, "%ld %llu", &pid, &ticks) != 2 || pid <= 1)
		return XENVIRTIO_E_EMPTY;
	p->pid = (pid_t)pid;
	p->fd = pidfd_open(p->pid, 0);
	if (p->fd < 0)
		return errno == ESRCH ? XENVIRTIO_E_EMPTY : -errno;
	/* asked with the descriptor at hand, it is the same one */
	if (!read_starttime(p->pid, &now) && now == ticks)
		return 0;
	close(p->fd);
	p->fd = -1;
	return XENVIRTIO_E_EMPTY;
}

void backend_record_remove(const char *state_dir, uint32_t domid, uint32_t devid)
{
	char path[PATH_MAX];

	if (!record_path(path, sizeof(path), state_dir, domid, devid))
		unlink(path);
}

void backend_record_list(const char *state_dir, void (*found)(void *opaque, uint32_t domid, uint32_t devid), void *opaque)
{
	DIR *dir = opendir(state_dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char name[RECORD_MAX];
		unsigned int domid, devid;

		if (sscanf(entry->d_name, "%u-%u", &domid, &devid) != 2)
			continue;
		snprintf(name, sizeof(name), "%u-%u" RECORD, domid, devid);
		if (strcmp(name, entry->d_name) == 0)
			found(opaque, domid, devid);
	}
	if (dir)
		closedir(dir);
}
