/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The size that somebody named for a guest, while the guest is no domain: between xl save and xl
 * restore, or from one boot to the next. Kept in the state directory by the guest's UUID, which xl
 * gives to the new domain as well: <dir>/<uuid>-<devid>.size, a number of KiB and a newline.
 *
 * A device process has it by its broker, who knows the UUID by himself (doors.h). What is found is believed only if it is as this file writes it, and is ours alone. It knows
 * neither xenstore nor the hypervisor.
 */
#ifndef BACKEND_SAVED_SIZE_H
#define BACKEND_SAVED_SIZE_H

#include <stdint.h>

/**
 * saved_size_keep() - whole or not at all, over one that is there
 * @vm: the guest's path in xenstore, "/vm/<uuid>"
 *
 * Return: 0; -EINVAL @vm is none; -errno
 */
int saved_size_keep(const char *dir, const char *vm, uint32_t devid, uint64_t kib);
/**
 * saved_size_read() - what was kept
 *
 * Return: 0; -ENOENT there is none; -EBADMSG, -EPERM it is not what we write; -EINVAL; -errno
 */
int saved_size_read(const char *dir, const char *vm, uint32_t devid, uint64_t *kib);

/** saved_size_drop() - there is none any more. Return: as saved_size_read() */
int saved_size_drop(const char *dir, const char *vm, uint32_t devid);

#endif /* BACKEND_SAVED_SIZE_H */
