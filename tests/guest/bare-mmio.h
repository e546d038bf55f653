/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver side of a virtio-mmio device for guests that are nothing else: no libc, no MMU. Ordered by barriers alone,
 * memory is uncached on Arm, accesses to the device are single loads and stores that the hypervisor can decode. The device
 * is where xl puts a guest's first one on Arm; on x86 there is nothing either.
 */
#ifndef BARE_MMIO_H
#define BARE_MMIO_H

#include <stdint.h>

#define BASE 0x02000000ul
#define QUEUE_SIZE 16u

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[QUEUE_SIZE];
};

struct used {
	uint16_t flags;
	uint16_t idx;
	struct {
		uint32_t id;
		uint32_t len;
	} ring[QUEUE_SIZE];
};

#if defined(__aarch64__)
static inline void write32(unsigned long address, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline uint32_t read32(unsigned long address)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}
#else
static inline void write32(unsigned long address, uint32_t value)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

static inline uint32_t read32(unsigned long address)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void barrier(void)
{
	__asm__ volatile("lock; addl $0, (%%esp)" : : : "memory", "cc");
}
#endif

static inline void ring_address(unsigned long reg, const volatile void *ring)
{
	write32(BASE + reg, (uint32_t)(uintptr_t)ring);
	write32(BASE + reg + 4, (uint32_t)((uint64_t)(uintptr_t)ring >> 32));
}

/* features: the low 32; VERSION_1 always. Up to FEATURES_OK; queues and DRIVER_OK are to follow. */
static inline void start_device(uint32_t features)
{
	write32(BASE + 0x70, 0);
	write32(BASE + 0x70, 3);
	write32(BASE + 0x24, 0);
	write32(BASE + 0x20, features);
	write32(BASE + 0x24, 1);
	write32(BASE + 0x20, 1); /* VERSION_1 */
	write32(BASE + 0x70, 11);
}

static inline void start_queue(uint32_t index, const volatile struct desc *desc,
			       volatile struct avail *avail, volatile struct used *used)
{
	/* Memory is what the last domain left. */
	avail->flags = 0;
	avail->idx = 0;
	used->idx = 0;
	write32(BASE + 0x30, index);
	write32(BASE + 0x38, QUEUE_SIZE);
	ring_address(0x80, desc);
	ring_address(0x90, avail);
	ring_address(0xa0, used);
	write32(BASE + 0x44, 1);
}

static inline void start_driver(void)
{
	write32(BASE + 0x70, 15);
}

#endif /* BARE_MMIO_H */
