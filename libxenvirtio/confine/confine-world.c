// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Namespaces, the empty root, limits: by their system calls, in the way their manual pages say.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

/** clients of two sockets, each queue's eventfds, Xen's handles */
#define FILES_MAX 256u
/** a state file has some bits a frame: more than the largest guest there can be takes */
#define FILE_BYTES_MAX (UINT64_C(1) << 30)
/** what is allocated: clients, their lines, and what is told of one device */
#define DATA_BYTES_MAX (UINT64_C(256) << 20)
/** the state file, windows to the guest's memory, libraries */
#define SPACE_BYTES_MAX (UINT64_C(4) << 30)

/** the one directory of the empty root, in which a device process is */
#define EMPTY "empty"

int xenvirtio_confine_pids_begin(void)
{
	return unshare(CLONE_NEWPID) ? -errno : 0;
}

int xenvirtio_confine_pids_end(void)
{
	int self = pidfd_open(getpid(), 0), ret;

	if (self < 0)
		return -errno;
	ret = setns(self, CLONE_NEWPID) ? -errno : 0;
	close(self);
	return ret;
}

int xenvirtio_confine_namespaces(const char **missing)
{
	static const struct {
		int flag;
		const char *name;
	} all[] = {
		{CLONE_NEWNET, "network"},
		{CLONE_NEWIPC, "System V IPC"},
		{CLONE_NEWUTS, "the host's name"},
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (unshare(all[i].flag) && !ret) {
			ret = -errno;
			*missing = all[i].name;
		}
	}
	return ret;
}

/* Of a root that is the kernel's own first one, which cannot be taken away: ours stands before it. */
static int cover_root(void)
{
	return mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/") ? -errno : 0;
}

/*
 * One level down: the kernel makes no user namespace for a process whose root is not that of its mount namespace (user_namespaces(7)),
 * and in one of those it would have all capabilities again, over what is its own.
 */
static int go_down(void)
{
	return chroot(EMPTY) || chdir("/") ? -errno : 0;
}

static int leave_old_root(void)
{
	/* both at one place, so that nothing is made for the old one to be at: pivot_root(2) */
	if (syscall(SYS_pivot_root, ".", "."))
		return errno == EINVAL ? cover_root() : -errno;
	return umount2(".", MNT_DETACH) || chdir("/") ? -errno : 0;
}

int xenvirtio_confine_root(const char *dir)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int ret;

	/* here and nowhere else, so that no mount is ever made where others see it */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", flags, "nr_inodes=2,mode=0555") || chdir(dir) || mkdir(EMPTY, 0555) ||
	    mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL))
		return -errno;
	ret = leave_old_root();
	return ret ? ret : go_down();
}

static int limit(int what, uint64_t most)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)what, &now))
		return -errno;
	if (now.rlim_max > most)
		now.rlim_max = most;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &now) ? -errno : 0;
}

int xenvirtio_confine_limits(bool files)
{
	const struct {
		int what;
		uint64_t most;
	} all[] = {
		{RLIMIT_NOFILE, FILES_MAX},
		{RLIMIT_NPROC, 0},
		{RLIMIT_FSIZE, files ? RLIM_INFINITY : FILE_BYTES_MAX},
		{RLIMIT_DATA, DATA_BYTES_MAX},
		{RLIMIT_AS, SPACE_BYTES_MAX},
	};
	int ret = 0;

	/* too long a file is an answer of write(), not a death */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !ret; i++)
		ret = limit(all[i].what, all[i].most);
	return ret;
}
