// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table, see ssdt.h. In ACPI's source language a device is
 *
 *	Device (VIO0) {
 *		Name (_HID, "LNRO0005")
 *		Name (_UID, Zero)
 *		Name (_CRS, ResourceTemplate () {
 *			Memory32Fixed (ReadWrite, 0xFEA00000, 0x200)
 *			Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 47 }
 *		})
 *	}
 *
 * Shared: Xen ors all that is on a line. Active high: Xen's I/O APIC model knows no other.
 * Source: ACPI 6.5, 5.2.6 (header), 6.4.3 (resources), 20.2 (encoding).
 */
#include "tools/acpi/ssdt.h"

#include <xenvirtio/server.h>

#define OP_SCOPE 0x10
#define OP_BUFFER 0x11
#define OP_EXTENDED 0x5b
#define OP_DEVICE 0x82

#define RESOURCE_MEMORY32_FIXED 0x86
#define RESOURCE_INTERRUPT 0x89
#define RESOURCE_END 0x79

#define MEMORY_READ_WRITE 1
#define INTERRUPT_CONSUMER 1u
#define INTERRUPT_SHARED 8u

#define HEADER_LENGTH_AT 4u
#define HEADER_CHECKSUM_AT 9u

static void add_header(struct aml *aml)
{
	aml_chars(aml, "SSDT", 4);
	aml_u32(aml, 0); /* length */
	aml_u8(aml, 2);	 /* revision: integers of 64 bits */
	aml_u8(aml, 0);	 /* checksum */
	aml_chars(aml, "XENVIO", 6);
	aml_chars(aml, "VIRTMMIO", 8);
	aml_u32(aml, 1);
	aml_chars(aml, "XVIO", 4);
	aml_u32(aml, 1);
}

static void finish_header(struct aml *aml)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < 4; i++)
		aml->byte[HEADER_LENGTH_AT + i] = (uint8_t)(aml->len >> 8 * i);
	for (size_t i = 0; i < aml->len; i++)
		sum = (uint8_t)(sum + aml->byte[i]);
	aml->byte[HEADER_CHECKSUM_AT] = (uint8_t)-sum;
}

static void add_resources(struct aml *aml, const struct ssdt_device *device)
{
	struct aml list = { .len = 0 };
	size_t start;

	aml_u8(&list, RESOURCE_MEMORY32_FIXED);
	aml_u16(&list, 9);
	aml_u8(&list, MEMORY_READ_WRITE);
	aml_u32(&list, device->base);
	aml_u32(&list, XENVIRTIO_MMIO_BYTES);
	aml_u8(&list, RESOURCE_INTERRUPT);
	aml_u16(&list, 6);
	aml_u8(&list, INTERRUPT_CONSUMER | INTERRUPT_SHARED);
	aml_u8(&list, 1);
	aml_u32(&list, device->gsi);
	/* a checksum of 0 is not looked at */
	aml_u8(&list, RESOURCE_END);
	aml_u8(&list, 0);

	aml_u8(aml, OP_BUFFER);
	start = aml_open(aml);
	aml_integer(aml, (uint32_t)list.len);
	aml_chars(aml, (const char *)list.byte, list.len);
	aml_close(aml, start);
}

static void add_device(struct aml *aml, const struct ssdt_device *device, uint32_t number)
{
	const char name[] = { 'V', 'I', 'O', "0123456789ABCDEF"[number % SSDT_DEVICES_MAX] };
	size_t start;

	aml_u8(aml, OP_EXTENDED);
	aml_u8(aml, OP_DEVICE);
	start = aml_open(aml);
	aml_chars(aml, name, sizeof(name));
	aml_name(aml, "_HID");
	aml_string(aml, "LNRO0005");
	aml_name(aml, "_UID");
	aml_integer(aml, number);
	aml_name(aml, "_CRS");
	add_resources(aml, device);
	aml_close(aml, start);
}

void ssdt_build(struct aml *aml, const struct ssdt_device *device, size_t nr)
{
	size_t start;

	*aml = (struct aml){ .len = 0 };
	add_header(aml);
	aml_u8(aml, OP_SCOPE);
	start = aml_open(aml);
	aml_chars(aml, "\\_SB_", 5);
	for (size_t i = 0; i < nr; i++)
		add_device(aml, &device[i], (uint32_t)i);
	aml_close(aml, start);
	if (!aml->full)
		finish_header(aml);
}
