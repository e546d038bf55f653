/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-mmio, version 2: virtio 1.2, 4.2. The transport's registers in front of a device.
 *
 * Stateless: what is selected is in the device's state.
 */
#ifndef MMIO_H
#define MMIO_H

#include "device/device-internal.h"

/**
 * mmio_access() - the guest reads or writes @size bytes at @offset of a device's window
 * @offset, @size: hostile
 * @data: what is written, or out: what is read; set on every return
 *
 * What the table does not know reads as all-ones, ignores writes, and is counted.
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
int mmio_access(struct xenvirtio_device *dev, uint64_t offset, uint32_t size, bool read,
		uint64_t *data);
/** mmio_all_ones() - what an access of @size bytes that nobody answers reads as */
uint64_t mmio_all_ones(uint32_t size);

#endif /* MMIO_H */
