/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers of a device that the host answers for: nobody here is woken by an access of theirs.
 *
 * Source: virtio 1.2, 4.2.2 MMIO Device Register Layout.
 */
#ifndef XENVIRTIO_REGISTERS_H
#define XENVIRTIO_REGISTERS_H

#include <xenvirtio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct xenvirtio_irq_registers - InterruptStatus and InterruptACK of one virtio-mmio device
 * @base:      of its window: reads of 4 bytes at +0x60, writes of 4 bytes at +0x64
 * @irq:       as set_irq takes it
 * @held:      the line stays up until the last bit is acknowledged; else one edge an interrupt
 * @used_fd:   eventfd; a write sets bit 0 (used buffers) and interrupts
 * @config_fd: another one; a write sets bit 1 (configuration change) and interrupts
 * @status:    the register's value at first; raises nothing
 */
struct xenvirtio_irq_registers {
	struct xenvirtio_gpa base;
	uint32_t irq;
	bool held;
	int used_fd;
	int config_fd;
	uint32_t status;
};

/**
 * struct xenvirtio_field_register - 4 bytes of its configuration space
 * @addr:    guest-physical, aligned
 * @word:    aligned, in writable memory that is there until the field is taken away. Changes at any time with @written
 * @written: the driver's writes of 4 bytes are kept in @word; else its reads of 4 bytes give what is in @word
 * @fd:      with @written: eventfd that is signalled after each write; -1: none
 */
struct xenvirtio_field_register {
	struct xenvirtio_gpa addr;
	uint32_t *word;
	bool written;
	int fd;
};

/** of one device */
#define XENVIRTIO_HOST_FIELDS_MAX 8u

/**
 * struct xenvirtio_host_field - the same, as the author of a device says it
 * @offset:  in the configuration space, aligned
 * @word:    its value in the byte order of this machine
 * @written: as above
 */
struct xenvirtio_host_field {
	uint32_t offset;
	uint32_t *word;
	bool written;
};

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_REGISTERS_H */
