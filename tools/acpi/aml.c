// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The encoder, see aml.h. Source: ACPI 6.5, 20.2 AML Grammar Definition.
 *
 * A package's length stands in front of it and counts itself, in one to four bytes; so a package is
 * written first and moved up by what its length takes.
 */
#include "tools/acpi/aml.h"

#include <string.h>

#define OP_ZERO 0x00
#define OP_ONE 0x01
#define OP_NAME 0x08
#define PREFIX_BYTE 0x0a
#define PREFIX_WORD 0x0b
#define PREFIX_DWORD 0x0c
#define PREFIX_STRING 0x0d

#define NAME_SEG_CHARS 4

void aml_chars(struct aml *aml, const char *text, size_t len)
{
	if (aml->full || len > sizeof(aml->byte) - aml->len) {
		aml->full = true;
		return;
	}
	memcpy(aml->byte + aml->len, text, len);
	aml->len += len;
}

void aml_u8(struct aml *aml, uint8_t value)
{
	aml_chars(aml, (const char *)&value, 1);
}

void aml_u16(struct aml *aml, uint16_t value)
{
	aml_u8(aml, (uint8_t)value);
	aml_u8(aml, (uint8_t)(value >> 8));
}

void aml_u32(struct aml *aml, uint32_t value)
{
	aml_u16(aml, (uint16_t)value);
	aml_u16(aml, (uint16_t)(value >> 16));
}

size_t aml_open(const struct aml *aml)
{
	return aml->len;
}

/* Two bits of the first byte say how many follow; it has 6 bits of a short length, 4 of a longer. */
static size_t encode_length(uint8_t *out, size_t body)
{
	size_t bytes = 1, length;

	if (body + 1 < 1u << 6) {
		out[0] = (uint8_t)(body + 1);
		return 1;
	}
	while (body + bytes + 1 >= (size_t)1 << (4 + 8 * bytes))
		bytes++;
	length = body + bytes + 1;
	out[0] = (uint8_t)(bytes << 6 | (length & 0xf));
	for (size_t i = 0; i < bytes; i++)
		out[1 + i] = (uint8_t)(length >> (4 + 8 * i));
	return bytes + 1;
}

void aml_close(struct aml *aml, size_t start)
{
	uint8_t length[8];
	size_t body = aml->len - start, bytes;

	if (aml->full)
		return;
	bytes = encode_length(length, body);
	/* room for it, whatever is moved over it next */
	aml_chars(aml, (const char *)length, bytes);
	if (aml->full)
		return;
	memmove(aml->byte + start + bytes, aml->byte + start, body);
	memcpy(aml->byte + start, length, bytes);
}

void aml_integer(struct aml *aml, uint32_t value)
{
	if (value <= 1) {
		aml_u8(aml, value ? OP_ONE : OP_ZERO);
	} else if (value <= UINT8_MAX) {
		aml_u8(aml, PREFIX_BYTE);
		aml_u8(aml, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		aml_u8(aml, PREFIX_WORD);
		aml_u16(aml, (uint16_t)value);
	} else {
		aml_u8(aml, PREFIX_DWORD);
		aml_u32(aml, value);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	aml_u8(aml, PREFIX_STRING);
	aml_chars(aml, text, strlen(text) + 1);
}

void aml_name(struct aml *aml, const char *seg)
{
	aml_u8(aml, OP_NAME);
	aml_chars(aml, seg, NAME_SEG_CHARS);
}
