// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that kicks one queue again and again and notes how long each round trip takes.
 *
 * A round is what a driver does for one request: put a buffer in the ring, write QueueNotify, wait for the interrupt,
 * read InterruptStatus, look at the used ring, write InterruptACK. The buffer says how many rounds the device wants;
 * when they are done, one last buffer carries the times, in ticks of the counter, and the guest stops.
 */
#include <stdint.h>

#include "../guest/bare-mmio.h"
#include "kick.h"

static volatile struct desc desc[QUEUE_SIZE] __attribute__((aligned(4096)));
static volatile struct avail avail __attribute__((aligned(4096)));
static volatile struct used used __attribute__((aligned(4096)));
static volatile uint32_t request __attribute__((aligned(4096)));
static volatile uint32_t times[KICK_ROUNDS_MAX];

void guest_main(void);

#if defined(__aarch64__)
#define GICD 0x03001000ul

static uint64_t now(void)
{
	uint64_t value;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

/* Group 1 with affinity routing, SPIs 32-63 edge-triggered and enabled; then this CPU's interface. */
static void init_interrupts(void)
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

/* An edge is over when it is taken. */
static void end_interrupt(void)
{
}
#else
#define APIC 0xfee00000ul
#define IOAPIC 0xfec00000ul
#define GSI 47u

/* Set by the handler in bare-start-x86.S, which vector 48 leads to. */
extern volatile uint32_t interrupted;

static uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* The line as level-triggered, active low, to vector 48 of this processor's local APIC. */
static void init_interrupts(void)
{
	write32(APIC + 0xf0, 0x1ff);
	write32(IOAPIC, 0x10 + 2 * GSI + 1);
	write32(IOAPIC + 0x10, 0);
	write32(IOAPIC, 0x10 + 2 * GSI);
	write32(IOAPIC + 0x10, 1u << 15 | 1u << 13 | 48);
}

static void wait_interrupt(void)
{
	for (;;) {
		__asm__ volatile("cli" : : : "memory");
		if (interrupted)
			break;
		__asm__ volatile("sti; hlt" : : : "memory");
	}
	interrupted = 0;
}

/* The device has let the line go: sooner it would come again. */
static void end_interrupt(void)
{
	write32(APIC + 0xb0, 0);
}
#endif

/* One round trip. Return: ticks */
static uint32_t make_round(const volatile void *buf, uint32_t len, uint16_t flags)
{
	uint16_t idx = avail.idx;
	uint64_t start;

	desc[0].addr = (uintptr_t)buf;
	desc[0].len = len;
	desc[0].flags = flags;
	avail.ring[idx % QUEUE_SIZE] = 0;
	start = now();
	barrier();
	avail.idx = (uint16_t)(idx + 1);
	barrier();
	write32(BASE + 0x50, 0);
	do {
		wait_interrupt();
		write32(BASE + 0x64, read32(BASE + 0x60));
		end_interrupt();
		barrier();
	} while (used.idx == idx);
	return (uint32_t)(now() - start);
}

void guest_main(void)
{
	uint32_t rounds;

	init_interrupts();
	start_device(0);
	start_queue(0, desc, &avail, &used);
	start_driver();
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
