/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device has a name for in the file system, and a process that opens nothing by name gets from somebody who does:
 * descriptors. Where a structure has no doors its owner goes by the names himself. Knows no process and no protocol.
 */
#ifndef BACKEND_DOORS_H
#define BACKEND_DOORS_H

#include <stdint.h>
#include <sys/types.h>

/**
 * struct doors - of one device
 * @open_state:      the state file, locked; as state_lock(), state-lock.h
 * @remove_state:    its name, if it is still that of @fd, which has the lock. Return: 0; -errno
 * @listen_control:  the control socket, as access_listen(). Return: the descriptor; -errno
 * @unlisten_control: its name. Return: 0; -errno
 * @read_size, @keep_size, @drop_size: of the guest that is served, as in saved-size.h
 * @connect_backend: to the device's backend, as backend_socket_connect(), but for how often: -EBUSY not yet again
 * @metrics:         the listener of --metrics, which whoever serves them takes; or -errno
 * @reads:           the file that the type reads of its own, from its beginning, which it closes; or -errno
 * @uid, @group:     who may connect, beside root, access.h
 */
struct doors {
	int (*open_state)(void *opaque, uint32_t devid, pid_t *owner);
	int (*remove_state)(void *opaque, uint32_t devid, int fd);
	int (*listen_control)(void *opaque, uint32_t devid);
	int (*unlisten_control)(void *opaque, uint32_t devid);
	int (*read_size)(void *opaque, uint32_t devid, uint64_t *kib);
	int (*keep_size)(void *opaque, uint32_t devid, uint64_t kib);
	int (*drop_size)(void *opaque, uint32_t devid);
	int (*connect_backend)(void *opaque, uint32_t devid);
	void *opaque;
	int metrics;
	int reads;
	uid_t uid;
	gid_t group;
};

#endif /* BACKEND_DOORS_H */
