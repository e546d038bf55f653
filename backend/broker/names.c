// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of a device, by the functions that a process without a broker calls itself.
 */
#include "backend/broker/names.h"
#include "backend/base/access.h"
#include "backend/base/backend-socket.h"
#include "backend/base/clock.h"
#include "backend/base/saved-size.h"
#include "backend/base/sockets.h"
#include "backend/base/state-lock.h"
#include "backend/broker/take-over.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/** for one that has the device to end in, where it is ending; and how often that is looked for */
#define ENDING_MS 200u
#define ENDING_LOOK_MS 5u

/* Whoever has it may be ending: it was killed just now, or its parent was. */
static int lock_in_time(const char *path, pid_t *owner)
{
	int ret = state_lock(path, owner);

	for (unsigned int i = 0; ret == -EBUSY && i < ENDING_MS / ENDING_LOOK_MS; i++) {
		clock_wait(-1, ENDING_LOOK_MS);
		ret = state_lock(path, owner);
	}
	return ret;
}

static int open_ours(const struct names *n, const char *path, pid_t *owner)
{
	int ret = state_file_make_dir(n->dir, n->group);

	if (!ret && n->take_over) {
		ret = take_over_state(path, n->queues_max, n->log, owner);
		if (ret)
			return ret;
		ret = lock_in_time(path, owner);
		return ret < 0 ? ret : take_over_look(path, ret);
	}
	return ret ? ret : lock_in_time(path, owner);
}

/* Who has the device by the files of the other program. Return: 0: nobody */
static pid_t find_rival(const struct names *n, uint32_t devid)
{
	char path[STATE_PATH_MAX];
	pid_t pid = 0;
	int fd = -1;

	if (n->rival_dir && !state_lock_path(path, sizeof(path), n->rival_dir, n->domid, devid))
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		pid = state_lock_holder(fd);
		close(fd);
	}
	return pid > 0 ? pid : 0;
}

/* Of two programs that begin at a time each sees the other's lock: looked at with ours taken. */
static int open_state(void *opaque, uint32_t devid, pid_t *owner)
{
	const struct names *n = opaque;
	char path[STATE_PATH_MAX];
	int ret = state_lock_path(path, sizeof(path), n->dir, n->domid, devid);
	int fd = ret ? ret : open_ours(n, path, owner);
	pid_t rival = fd < 0 ? 0 : find_rival(n, devid);

	if (!rival)
		return fd;
	*owner = rival;
	/* one of ours that is left over from another time is none the worse; a new one is none */
	if (!lseek(fd, 0, SEEK_END))
		state_lock_remove(path, fd);
	close(fd);
	return -EBUSY;
}

static int remove_state(void *opaque, uint32_t devid, int fd)
{
	const struct names *n = opaque;
	char path[STATE_PATH_MAX];
	int ret = state_lock_path(path, sizeof(path), n->dir, n->domid, devid);

	return ret ? ret : state_lock_remove(path, fd);
}

static int listen_control(void *opaque, uint32_t devid)
{
	const struct names *n = opaque;
	char path[SOCKETS_PATH_MAX];
	int ret = sockets_path(path, sizeof(path), n->dir, n->domid, devid);

	return ret ? ret : access_listen(path, n->gid, SOCKETS_BACKLOG);
}

static int unlisten_control(void *opaque, uint32_t devid)
{
	const struct names *n = opaque;
	char path[SOCKETS_PATH_MAX];
	int ret = sockets_path(path, sizeof(path), n->dir, n->domid, devid);

	return ret ? ret : unlink(path) ? -errno : 0;
}

static int find_vm(const struct names *n, char vm[64])
{
	return n->read_vm ? n->read_vm(n->opaque, n->domid, vm, 64) : -ENOENT;
}

static int read_size(void *opaque, uint32_t devid, uint64_t *kib)
{
	const struct names *n = opaque;
	char vm[64];
	int ret = find_vm(n, vm);

	return ret ? ret : saved_size_read(n->dir, vm, devid, kib);
}

static int keep_size(void *opaque, uint32_t devid, uint64_t kib)
{
	const struct names *n = opaque;
	char vm[64];
	int ret = find_vm(n, vm);

	return ret ? ret : saved_size_keep(n->dir, vm, devid, kib);
}

static int drop_size(void *opaque, uint32_t devid)
{
	const struct names *n = opaque;
	char vm[64];
	int ret = find_vm(n, vm);

	return ret ? ret : saved_size_drop(n->dir, vm, devid);
}

static int connect_backend(void *opaque, uint32_t devid)
{
	const struct names *n = opaque;
	char path[BACKEND_SOCKET_PATH_MAX];
	int ret = n->backend_socket ? backend_socket_path(path, n->backend_socket, n->domid, devid) : -ENOENT;

	return ret ? ret : backend_socket_connect(path, geteuid(), n->gid);
}

void names_doors(struct doors *doors, const struct names *names)
{
	doors->open_state = open_state;
	doors->remove_state = remove_state;
	doors->listen_control = listen_control;
	doors->unlisten_control = unlisten_control;
	doors->read_size = read_size;
	doors->keep_size = keep_size;
	doors->drop_size = drop_size;
	doors->connect_backend = connect_backend;
	doors->opaque = (void *)(uintptr_t)names;
}
