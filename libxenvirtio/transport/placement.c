// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Places of virtio-mmio devices on x86, see placement.h.
 *
 * Xen swizzles the pins of a PCI slot over 32 GSIs: slot s, pin p is GSI
 * 16 + ((4 s + s / 8 + p) & 31). Slots 31 to 24 have pin A at 47, 43, ... 19; slots 0 to 7 at 16, 20,
 * ... 44.
 */
#include <errno.h>

#include <xenvirtio/placement.h>
#include <xenvirtio/server.h>

#define SLOT_LAST 31u
#define PINS 4u

/* 3 to 7, 10 to 12, 14, 15 */
#define ISA_LINES 0xdcf8u

int xenvirtio_placement_x86(uint32_t devid, struct xenvirtio_gpa *base, uint32_t *irq)
{
	if (devid >= XENVIRTIO_X86_DEVICES_MAX)
		return -ERANGE;
	base->v = XENVIRTIO_X86_BASE + (uint64_t)devid * XENVIRTIO_MMIO_BYTES;
	*irq = XENVIRTIO_X86_PCI_LINES + (SLOT_LAST - devid) * PINS;
	return 0;
}

int xenvirtio_placement_x86_gsi(uint32_t irq, uint32_t *gsi)
{
	uint32_t line, slot;

	if (irq < XENVIRTIO_X86_PCI_LINES) {
		if (!(ISA_LINES >> irq & 1))
			return -EINVAL;
		*gsi = irq;
		return 0;
	}
	if (irq >= XENVIRTIO_X86_LINES_MAX)
		return -EINVAL;
	line = irq - XENVIRTIO_X86_PCI_LINES;
	slot = line / PINS;
	*gsi = 16 + ((line + slot / 8) & 31);
	return 0;
}
