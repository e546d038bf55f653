// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attempts on what can be used up, and on other processes.
 */
#include "config.h"

#include "drill/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MUCH_SPACE ((size_t)5 << 30)
/* behind each state file there is, and not far behind */
#define FAR_OFFSET ((off_t)1 << 20)
#define PIECE ((size_t)1 << 20)
#define PIECES 4096

static int came(long ret)
{
	return ret < 0 ? -errno : 0;
}

/* All there are, by numbers alone, as a process does that may not ask which of them are files. */
static int truncate_far(const struct drill *d, unsigned int arg)
{
	int ret = -ENODEV;

	for (int fd = 3; fd < DRILL_DESCRIPTORS && ret; fd++) {
		int now = came(ftruncate(fd, FAR_OFFSET));

		if (now != -EBADF && now != -EINVAL)
			ret = now;
	}
	return ret;
}

/* Without fstat(): what can be mapped is no device that takes all bytes. */
static bool is_file(int fd)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (at != MAP_FAILED)
		munmap(at, 4096);
	return at != MAP_FAILED;
}

static int write_far(const struct drill *d, unsigned int arg)
{
	int ret = -ENODEV;

	for (int fd = 3; fd < DRILL_DESCRIPTORS && ret; fd++) {
		int now = is_file(fd) ? came(pwrite(fd, "", 1, FAR_OFFSET)) : -EINVAL;

		if (now != -EINVAL)
			ret = now;
	}
	return ret;
}

/* Touched, since what is only promised costs nobody anything. */
static int allocate(const struct drill *d, unsigned int arg)
{
	static char *piece[PIECES];
	int nr = 0, ret = 0;

	while (nr < PIECES && !ret) {
		piece[nr] = malloc(PIECE);
		if (!piece[nr]) {
			ret = -errno;
			break;
		}
		for (size_t at = 0; at < PIECE; at += 4096)
			((volatile char *)piece[nr])[at] = 1;
		nr++;
	}
	while (nr--)
		free(piece[nr]);
	return ret;
}

static int map_space(const struct drill *d, unsigned int arg)
{
	void *at = mmap(NULL, MUCH_SPACE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	munmap(at, MUCH_SPACE);
	return 0;
}

static int raise_limit(const struct drill *d, unsigned int what)
{
	struct rlimit r = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	return came(setrlimit((__rlimit_resource_t)what, &r));
}

static int signal_thread(const struct drill *d, unsigned int arg)
{
	return came(syscall(SYS_tgkill, d->broker, d->broker, SIGKILL));
}

static int kill_broker(const struct drill *d, unsigned int arg)
{
	return came(kill(d->broker, SIGKILL));
}

static int kill_all(const struct drill *d, unsigned int arg)
{
	return came(kill(-1, SIGKILL));
}

static int open_name(const struct drill *d, unsigned int which)
{
	static const char *const name[] = {"/dev/xen/privcmd", "/dev/xen/gntdev", "/dev/mem", "/proc/1/mem", "/run/xen-vballoon"};

	return came(open(name[which], O_RDONLY | O_CLOEXEC));
}

const struct drill_attempt drill_use[] = {
	{"state-file-write-far", write_far, 0, false},
	{"state-file-truncate-far", truncate_far, 0, false},
	{"memory-touched", allocate, 0, false},
	{"address-space", map_space, 0, false},
	{"raise-limit-of-files", raise_limit, RLIMIT_NOFILE, false},
	{"raise-limit-of-processes", raise_limit, RLIMIT_NPROC, false},
	{"raise-limit-of-memory", raise_limit, RLIMIT_DATA, false},
	{"tgkill-broker", signal_thread, 0, false},
	{"kill-broker", kill_broker, 0, false},
	{"kill-all", kill_all, 0, false},
	{"open-privcmd", open_name, 0, false},
	{"open-gntdev", open_name, 1, false},
	{"open-mem", open_name, 2, false},
	{"open-proc-1-mem", open_name, 3, false},
	{"open-state-dir", open_name, 4, false},
	{0},
};
