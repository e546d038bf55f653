/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The size that is kept for a guest while it is no domain (base/saved-size.h), by the doors of its device process, or by name.
 */
#ifndef BACKEND_BALLOON_KEPT_SIZE_H
#define BACKEND_BALLOON_KEPT_SIZE_H

#include "backend/devices/balloon/daemon/balloon-daemon.h"

/** kept_size_read(), kept_size_keep(), kept_size_drop() - as those of saved-size.h, of @d's guest and device */
int kept_size_read(struct balloon_daemon *d, uint64_t *kib);
int kept_size_keep(struct balloon_daemon *d, uint64_t kib);
int kept_size_drop(struct balloon_daemon *d);

#endif /* BACKEND_BALLOON_KEPT_SIZE_H */
