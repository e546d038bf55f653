/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a guest's virtio-mmio devices are when the toolstack does not say: x86 HVM guests.
 *
 * libxl lays devices out on Arm and writes base and irq into the backend's node. On x86 it writes
 * 0 for both, and nothing but an ACPI table tells the guest, so the table's writer and the backend
 * must agree by themselves. Both ask here. Pure arithmetic, the same on every host.
 *
 * Windows are below the I/O APIC, in a gap that hvmloader, Xen and QEMU leave alone. Lines are pin A
 * of the PCI slots from 31 down: QEMU fills slots from 0 up, and no GSI of one is one of the other.
 */
#ifndef XENVIRTIO_PLACEMENT_H
#define XENVIRTIO_PLACEMENT_H

#include <xenvirtio/error.h>
#include <xenvirtio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** the first device's window; the others follow at XENVIRTIO_MMIO_BYTES */
#define XENVIRTIO_X86_BASE 0xfea00000u
/** devices that have a place by default */
#define XENVIRTIO_X86_DEVICES_MAX 8u
/** lines as hv.set_irq takes them: below, ISA; from here on pins of PCI slots, four a slot */
#define XENVIRTIO_X86_PCI_LINES 16u
#define XENVIRTIO_X86_LINES_MAX (XENVIRTIO_X86_PCI_LINES + 32u * 4u)

/**
 * xenvirtio_placement_x86() - the place of a device on x86
 * @devid: its number in xl.cfg's virtio=[...], from 0
 * @base:  out
 * @irq:   out; as hv.set_irq takes it
 *
 * Return: 0; -ERANGE there are XENVIRTIO_X86_DEVICES_MAX places
 */
int xenvirtio_placement_x86(uint32_t devid, struct xenvirtio_gpa *base, uint32_t *irq);

/**
 * xenvirtio_placement_x86_gsi() - what the guest calls a line
 * @irq: as hv.set_irq takes it
 * @gsi: out; for the guest's ACPI tables
 *
 * ISA lines of a device that every guest has (timer, cascade, real-time clock, ACPI, coprocessor,
 * keyboard) are refused: their drivers do not share.
 * Return: 0; -EINVAL
 * Source: Xen, hvm_pci_intx_gsi()
 */
int xenvirtio_placement_x86_gsi(uint32_t irq, uint32_t *gsi);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_PLACEMENT_H */
