// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The smallest guest with a balloon: from its first instructions on it drives the device, gives 16 pages away and stops.
 *
 * For cases that create many guests: Xen's count of its pages tells that it found its device and that the device works. It
 * looks earlier than any kernel does, so it is the harder test of who is first, guest or device model. Where nobody
 * answers, the first access is an abort without a handler and the count never falls.
 */
#include <stdint.h>

#include "bare-mmio.h"

#define PAGES 16u
#define MUST_TELL_HOST 1u

static volatile struct desc desc[2][QUEUE_SIZE] __attribute__((aligned(4096)));
static volatile struct avail avail[2] __attribute__((aligned(4096)));
static volatile struct used used[2] __attribute__((aligned(4096)));
static volatile uint32_t pfns[PAGES];
static volatile uint8_t given[PAGES][4096] __attribute__((aligned(4096)));

void guest_main(void);

void guest_main(void)
{
	if (read32(BASE) != 0x74726976 || read32(BASE + 8) != 5)
		return;
	start_device(MUST_TELL_HOST);
	for (uint32_t i = 0; i < 2; i++)
		start_queue(i, desc[i], &avail[i], &used[i]);
	start_driver();
	for (uint32_t i = 0; i < PAGES; i++)
		pfns[i] = (uint32_t)((uintptr_t)given[i] >> 12);
	desc[0][0].addr = (uintptr_t)pfns;
	desc[0][0].len = sizeof(pfns);
	desc[0][0].flags = 0;
	avail[0].ring[0] = 0;
	barrier();
	avail[0].idx = 1;
	barrier();
	write32(BASE + 0x50, 0);
}
