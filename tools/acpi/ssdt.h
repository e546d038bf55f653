/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI table that tells an x86 guest of its virtio-mmio devices: an SSDT with one LNRO0005 device
 * each, a window and a level-triggered, active-high interrupt.
 */
#ifndef TOOLS_SSDT_H
#define TOOLS_SSDT_H

#include "tools/acpi/aml.h"

/** bytes of the header every ACPI table begins with */
#define SSDT_HEADER_BYTES 36u
/** devices in one table: a hexadecimal digit of the name */
#define SSDT_DEVICES_MAX 16u

struct ssdt_device {
	uint32_t base;
	uint32_t gsi;
};

/**
 * ssdt_build() - the whole table, checksum and all
 * @nr: 1 to SSDT_DEVICES_MAX; number i is \_SB.VIO<i>, with _UID i
 */
void ssdt_build(struct aml *aml, const struct ssdt_device *device, size_t nr);

#endif /* TOOLS_SSDT_H */
