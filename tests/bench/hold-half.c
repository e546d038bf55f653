// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hold-half MIB: in a guest, take that much memory and give every page of it back or not, as a coin falls; then stay.
 *
 * The pages that stay are locked and the guest is told not to move locked pages, so that its memory is fragmented for good;
 * nor to compact in the background, which would be measured with what is.
 * The coin is a generator with a fixed start: every run holds the same pages of the mapping. Prints "holding PAGES".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	size_t pages = argc == 2 ? strtoul(argv[1], NULL, 10) * (1048576u / PAGE) : 0, held = 0;
	uint64_t coin = UINT64_C(0x9e3779b97f4a7c15);
	unsigned char *memory;

	write_file("/proc/sys/vm/compact_unevictable_allowed", "0");
	write_file("/proc/sys/vm/compaction_proactiveness", "0");
	memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED || madvise(memory, pages * PAGE, MADV_NOHUGEPAGE)) {
		perror("hold-half: mmap");
		return 1;
	}
	for (size_t i = 0; i < pages; i++)
		memory[i * PAGE] = 1;
	for (size_t i = 0; i < pages; i++) {
		/* xorshift64 */
		coin ^= coin << 13;
		coin ^= coin >> 7;
		coin ^= coin << 17;
		if (coin >> 63)
			held++;
		else if (madvise(memory + i * PAGE, PAGE, MADV_DONTNEED))
			return 1;
	}
	/* on fault: what was given back stays so */
	if (mlock2(memory, pages * PAGE, MLOCK_ONFAULT)) {
		perror("hold-half: mlock2");
		return 1;
	}
	printf("holding %zu\n", held);
	fflush(stdout);
	for (;;)
		pause();
}
