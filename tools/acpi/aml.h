/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few words of ACPI Machine Language that describe a device: a buffer that grows at its end.
 *
 * Writing beyond the buffer is remembered and not done: ask once, at the end. It knows the language,
 * not what is said in it.
 */
#ifndef TOOLS_AML_H
#define TOOLS_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_BYTES_MAX 4096u

/** struct aml - @full: something did not fit; what is in @byte is of no use */
struct aml {
	uint8_t byte[AML_BYTES_MAX];
	size_t len;
	bool full;
};

void aml_u8(struct aml *aml, uint8_t value);
void aml_u16(struct aml *aml, uint16_t value);
void aml_u32(struct aml *aml, uint32_t value);
/** aml_chars() - @len characters, no zero after them */
void aml_chars(struct aml *aml, const char *text, size_t len);

/** aml_open/aml_close() - what is written in between gets a PkgLength in front */
size_t aml_open(const struct aml *aml);
void aml_close(struct aml *aml, size_t start);

/** aml_integer() - the shortest form */
void aml_integer(struct aml *aml, uint32_t value);
/** aml_string() - ASCII, zero-terminated in AML too */
void aml_string(struct aml *aml, const char *text);
/** aml_name() - Name (@seg, ...): its object is written next; @seg: four characters */
void aml_name(struct aml *aml, const char *seg);

#endif /* TOOLS_AML_H */
