// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Big allocations of a fuzzed program, again and again from the same memory.
 *
 * AddressSanitizer maps each of them anew, and a page that is touched for the first time costs more
 * than all that a short input does. Here they come from a few blocks that take turns, and whose
 * bytes are poisoned but for what is allocated now: a byte too far is seen as ever, and so is one
 * that was freed, until its block has its turn again. Linked in with --wrap; it must not know who
 * allocates.
 */
#include <sanitizer/asan_interface.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 2
#define BLOCK_BYTES (512u << 10)
#define BIG_BYTES (64u << 10)

void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void __real_free(void *at);
void __wrap_free(void *at);

/* What is freed is kept from being used again for so long; 256 MiB would be cold memory. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4";
}

static struct block {
	uint8_t *bytes;
	size_t allocated;
} block[BLOCKS];
static unsigned int turn;

static void *take_block(size_t bytes)
{
	struct block *b = &block[turn++ % BLOCKS];

	if (b->allocated)
		return __real_calloc(1, bytes);
	if (!b->bytes) {
		b->bytes = malloc(BLOCK_BYTES);
		if (!b->bytes)
			return NULL;
		ASAN_POISON_MEMORY_REGION(b->bytes, BLOCK_BYTES);
	}
	b->allocated = bytes;
	ASAN_UNPOISON_MEMORY_REGION(b->bytes, bytes);
	return memset(b->bytes, 0, bytes);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes) || bytes < BIG_BYTES || bytes >= BLOCK_BYTES)
		return __real_calloc(nr, size);
	return take_block(bytes);
}

void __wrap_free(void *at)
{
	for (int i = 0; at && i < BLOCKS; i++) {
		if (at != block[i].bytes)
			continue;
		if (!block[i].allocated)
			abort(); /* freed twice */
		ASAN_POISON_MEMORY_REGION(at, block[i].allocated);
		block[i].allocated = 0;
		return;
	}
	__real_free(at);
}
