// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A root of a few directories, and no rights.
 */
#include "config.h"

#include "backend/service/role-world.h"
#include "backend/base/access.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

#define DIRS_MAX 6
/** below which all is that stays: see libxenvirtio/confine/confine-world.c, go_down() */
#define INSIDE "inside"

static int judge_missing(const struct role_world *world, int rc, const char *what)
{
	if (!rc)
		return 0;
	/* who is not root has no rights to give away, and is told soon enough that he needs them */
	log_msg(world->log, geteuid() && !world->required ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, rc, "the %s: %s%s", world->name, what, world->required ? ": --sandbox=require" : "");
	return world->required ? -EACCES : 0;
}

/* All directories of a path, below the one where this process is. */
static int make_dirs(const char *path)
{
	char part[256];
	int bytes = snprintf(part, sizeof(part), INSIDE "%s", path);

	if (bytes < 0 || (size_t)bytes >= sizeof(part))
		return -ENAMETOOLONG;
	for (char *at = part; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return mkdir(part, 0755) && errno != EEXIST ? -errno : 0;
}

/* @fd: the directory as it was before anything was mounted. */
static int bring_along(int fd, const char *path)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char from[32], to[256];
	int rc = make_dirs(path);

	if (rc)
		return rc;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	snprintf(to, sizeof(to), INSIDE "%s", path);
	return mount(from, to, NULL, MS_BIND, NULL) || mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | flags, NULL) ? -errno : 0;
}

static int bring_all(const struct role_world *world, const int *fds)
{
	int rc = 0;

	for (size_t i = 0; i < world->nr_dirs && !rc; i++) {
		if (fds[i] >= 0)
			rc = bring_along(fds[i], world->dirs[i]);
	}
	return rc;
}

static int leave_old_root(void)
{
	if (!syscall(SYS_pivot_root, ".", "."))
		return umount2(".", MNT_DETACH) ? -errno : 0;
	/* a root that is the kernel's own first one, which cannot be taken away: ours stands before it */
	if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		return -errno;
	return 0;
}

static int move_there(const struct role_world *world, const int *fds)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int rc;

	/* the first of them is there, and hidden until it is brought along */
	if (mount("none", world->dirs[0], "tmpfs", flags, "nr_inodes=64,size=64k,mode=0755") || chdir(world->dirs[0]))
		return -errno;
	rc = bring_all(world, fds);
	if (!rc && mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL))
		rc = -errno;
	if (!rc)
		rc = leave_old_root();
	return rc ? rc : chdir("/") || chroot(INSIDE) || chdir("/") ? -errno : 0;
}

static int change_root(const struct role_world *world)
{
	int fds[DIRS_MAX], rc = world->nr_dirs && world->nr_dirs <= DIRS_MAX ? 0 : -EINVAL;

	for (size_t i = 0; i < world->nr_dirs && !rc; i++)
		rc = world->dirs[i][0] == '/' ? 0 : -ENOTDIR;
	if (!rc && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		rc = -errno;
	if (rc)
		return rc;
	for (size_t i = 0; i < world->nr_dirs; i++)
		fds[i] = open(world->dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = fds[0] < 0 ? -errno : move_there(world, fds);
	for (size_t i = 0; i < world->nr_dirs; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return rc;
}

static int change_user(const struct role_world *world)
{
	size_t nr = world->group == ACCESS_NO_GROUP ? 0 : 1;

	if (setgroups(nr, &world->group))
		return -errno;
	return world->uid && (setresgid(world->uid, world->uid, world->uid) || setresuid(world->uid, world->uid, world->uid)) ? -errno : 0;
}

static int leave_names(const struct role_world *world)
{
	const char *missing = "";
	char text[96];
	int rc = xenvirtio_confine_namespaces(&missing);

	snprintf(text, sizeof(text), "it shares what it needs no part of: %s", missing);
	rc = judge_missing(world, rc, text);
	return rc ? rc : judge_missing(world, change_root(world), "it sees all files and sockets of this host");
}

/* Where somebody else has given them away, capset() may be forbidden as well. */
static int check_rights(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (sets[i].permitted | sets[i].inheritable)
			return -EPERM;
	}
	return 0;
}

static int give_rights_away(const struct role_world *world)
{
	int rc = world->outside ? check_rights() : -EPERM;

	return rc ? xenvirtio_confine_privileges(world->group, 0) : 0;
}

int role_world_enter(const struct role_world *world)
{
	int rc = 0;

	/* lines of the log have a time, by the machine's zone */
	tzset();
	if (!world->outside)
		rc = leave_names(world);
	if (!rc && !world->outside)
		rc = judge_missing(world, xenvirtio_confine_bounds(), "capabilities could come by exec");
	if (!rc && !world->outside)
		rc = judge_missing(world, change_user(world), "it is the user that started it");
	if (!rc)
		rc = judge_missing(world, give_rights_away(world), "capabilities cannot be given away");
	/* the kernel forgets it where a process becomes another user */
	if (!world->outside)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return rc;
}
