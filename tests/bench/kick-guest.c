// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that kicks one queue again and again and notes how long each round trip takes.
 *
 * A round is what a driver does for one request: put a buffer in the ring, write QueueNotify, wait for the interrupt,
 * read InterruptStatus, look at the used ring, write InterruptACK. The buffer says how many rounds the device wants;
 * when they are done, one last buffer carries the times, in ticks of the counter, and the guest stops.
 *
 * No libc, no MMU: ordered by barriers alone, memory is uncached, accesses to the device are single loads and stores
 * that the hypervisor can decode.
 */
#include <stdint.h>

#include "kick.h"

#define BASE 0x02000000ul
#define GICD 0x03001000ul

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[KICK_QUEUE_SIZE];
};

struct used {
	uint16_t flags;
	uint16_t idx;
	struct {
		uint32_t id;
		uint32_t len;
	} ring[KICK_QUEUE_SIZE];
};

static volatile struct desc desc[KICK_QUEUE_SIZE] __attribute__((aligned(4096)));
static volatile struct avail avail __attribute__((aligned(4096)));
static volatile struct used used __attribute__((aligned(4096)));
static volatile uint32_t request __attribute__((aligned(4096)));
static volatile uint32_t times[KICK_ROUNDS_MAX];

void guest_main(void);

static void write32(unsigned long address, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static uint32_t read32(unsigned long address)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static void barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

static uint64_t now(void)
{
	uint64_t value;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

/* Group 1 with affinity routing, SPIs 32-63 edge-triggered and enabled; then this CPU's interface. */
static void init_gic(void)
{
	uint64_t sre;

	write32(GICD, 0x12);
	write32(GICD + 0x84, ~0u);
	write32(GICD + 0xc08, 0xaaaaaaaa);
	write32(GICD + 0xc0c, 0xaaaaaaaa);
	write32(GICD + 0x104, ~0u);
	__asm__ volatile("mrs %0, S3_0_C12_C12_5" : "=r"(sre));
	__asm__ volatile("msr S3_0_C12_C12_5, %0; isb" : : "r"(sre | 1));
	__asm__ volatile("msr S3_0_C4_C6_0, %0" : : "r"(0xfful));
	__asm__ volatile("msr S3_0_C12_C12_7, %0; isb" : : "r"(1ul));
}

static void wait_interrupt(void)
{
	uint64_t id;

	for (;;) {
		__asm__ volatile("mrs %0, S3_0_C12_C12_0; dsb sy" : "=r"(id) : : "memory");
		if (id < 1020)
			break;
		__asm__ volatile("wfi" : : : "memory");
	}
	__asm__ volatile("msr S3_0_C12_C12_1, %0; isb" : : "r"(id) : "memory");
}

static void ring_address(unsigned long reg, const volatile void *ring)
{
	write32(BASE + reg, (uint32_t)(uintptr_t)ring);
	write32(BASE + reg + 4, (uint32_t)((uintptr_t)ring >> 32));
}

static void init_device(void)
{
	write32(BASE + 0x70, 0);
	write32(BASE + 0x70, 3);
	write32(BASE + 0x24, 1);
	write32(BASE + 0x20, 1); /* VERSION_1 */
	write32(BASE + 0x70, 11);
	write32(BASE + 0x30, 0);
	write32(BASE + 0x38, KICK_QUEUE_SIZE);
	ring_address(0x80, desc);
	ring_address(0x90, &avail);
	ring_address(0xa0, &used);
	write32(BASE + 0x44, 1);
	write32(BASE + 0x70, 15);
}

/* One round trip. Return: ticks */
static uint32_t make_round(const volatile void *buf, uint32_t len, uint16_t flags)
{
	uint16_t idx = avail.idx;
	uint64_t start;

	desc[0].addr = (uintptr_t)buf;
	desc[0].len = len;
	desc[0].flags = flags;
	avail.ring[idx % KICK_QUEUE_SIZE] = 0;
	start = now();
	barrier();
	avail.idx = (uint16_t)(idx + 1);
	barrier();
	write32(BASE + 0x50, 0);
	do {
		wait_interrupt();
		write32(BASE + 0x64, read32(BASE + 0x60));
		barrier();
	} while (used.idx == idx);
	return (uint32_t)(now() - start);
}

void guest_main(void)
{
	uint32_t rounds;

	/* Memory is what the last domain left. */
	avail.flags = 0;
	avail.idx = 0;
	used.idx = 0;
	init_gic();
	init_device();
	make_round(&request, sizeof(request), 2 /* device-writable */);
	rounds = request;
	if (rounds > KICK_ROUNDS_MAX)
		rounds = KICK_ROUNDS_MAX;
	for (uint32_t i = 0; i < KICK_WARM_UP; i++)
		make_round(&request, sizeof(request), 0);
	for (uint32_t i = 0; i < rounds; i++)
		times[i] = make_round(&request, sizeof(request), 0);
	make_round(times, rounds * sizeof(times[0]), 0);
}
