/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One supervisor a state directory: <dir>/service.lock, locked while it lives, its number in it.
 *
 * The lock goes with the process, however that ends; the file stays. Device processes do not have
 * it: they have a lock of their own each (state-file.h).
 */
#ifndef BACKEND_SERVICE_LOCK_H
#define BACKEND_SERVICE_LOCK_H

#include <sys/types.h>

/**
 * service_lock_take() - be the one
 * @group: who may look into the directory, if it has to be made
 * @fd:    out; service_lock_drop() it
 * @owner: out; with -EBUSY the process that has it, 0 if it cannot be told
 *
 * Return: 0; -EBUSY; -errno
 */
int service_lock_take(const char *dir, const char *group, int *fd, pid_t *owner);
/** service_lock_drop() - -1 is fine */
void service_lock_drop(int fd);

#endif /* BACKEND_SERVICE_LOCK_H */
