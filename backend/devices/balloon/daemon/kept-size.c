// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See kept-size.h. By its broker a device names no guest: that one knows whose the device is.
 */
#include "backend/devices/balloon/daemon/kept-size.h"
#include "backend/base/doors.h"
#include "backend/base/saved-size.h"

int kept_size_read(struct balloon_daemon *d, uint64_t *kib)
{
	const struct doors *doors = d->host.doors;

	if (doors)
		return doors->read_size(doors->opaque, d->host.bus->devid, kib);
	return saved_size_read(d->opts->common.state_dir, d->vm, d->host.bus->devid, kib);
}

int kept_size_keep(struct balloon_daemon *d, uint64_t kib)
{
	const struct doors *doors = d->host.doors;

	if (doors)
		return doors->keep_size(doors->opaque, d->host.bus->devid, kib);
	return saved_size_keep(d->opts->common.state_dir, d->vm, d->host.bus->devid, kib);
}

int kept_size_drop(struct balloon_daemon *d)
{
	const struct doors *doors = d->host.doors;

	if (doors)
		return doors->drop_size(doors->opaque, d->host.bus->devid);
	return saved_size_drop(d->opts->common.state_dir, d->vm, d->host.bus->devid);
}
