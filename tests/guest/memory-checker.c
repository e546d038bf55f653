// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What runs in a guest whose balloon moves: memory that must keep what was written to it.
 *
 *   memory-checker KEEP_MIB STATUS_FILE    until SIGTERM; exit status 0 when nothing was lost
 *   memory-checker hog MIB                 fill and check that much, once
 *   memory-checker find MIB GENERATION FILE  how many pages of that generation a file holds
 *
 * KEEP_MIB are written once a generation and read back again and again, so that they live through
 * many sizes of the balloon and are moved by compaction, which each round forces. Beside them each
 * round takes half of what is free, or 8 MiB, fills it, reads it and gives it back: pages that were
 * in the balloon a moment ago come round. Between rounds it rests, as the balloon is what is tested.
 * Every word of a page differs from every other word of all pages
 * and generations: a page lost, exchanged or left from before is seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
#define MIB_BYTES (UINT64_C(1) << 20)
#define CHURN_BYTES_MAX (8 * MIB_BYTES)
#define REST_US 400000u
/* the kept pages are written anew after so many rounds */
#define ROUNDS_PER_GENERATION 4u

static volatile sig_atomic_t over;

static void on_term(int signal)
{
	over = 1;
}

static uint64_t first_word(uint64_t page, uint64_t generation)
{
	return (page << 20 ^ generation << 48) * UINT64_C(0x9e3779b97f4a7c15);
}

static void fill(uint64_t *at, uint64_t pages, uint64_t generation)
{
	for (uint64_t page = 0; page < pages; page++) {
		uint64_t word = first_word(page, generation);

		for (unsigned int i = 0; i < PAGE_WORDS; i++)
			*at++ = word + i;
	}
}

/* Return: pages that are not as they were written */
static uint64_t count_lost(const uint64_t *at, uint64_t pages, uint64_t generation)
{
	uint64_t lost = 0;

	for (uint64_t page = 0; page < pages; page++) {
		uint64_t word = first_word(page, generation), wrong = 0;

		for (unsigned int i = 0; i < PAGE_WORDS; i++)
			wrong |= *at++ ^ (word + i);
		if (wrong)
			fprintf(stderr, "page %" PRIu64 " of generation %" PRIu64 " is lost\n",
				page, generation);
		lost += wrong != 0;
	}
	return lost;
}

static uint64_t *take(uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return at;
}

static uint64_t round_with(uint64_t bytes, uint64_t generation)
{
	uint64_t *at = take(bytes), lost;

	fill(at, bytes / PAGE_BYTES, generation);
	lost = count_lost(at, bytes / PAGE_BYTES, generation);
	munmap(at, bytes);
	return lost;
}

static uint64_t half_of_free_bytes(void)
{
	struct sysinfo info;
	uint64_t bytes;

	if (sysinfo(&info))
		return PAGE_BYTES;
	bytes = (uint64_t)info.freeram * info.mem_unit / 2 / PAGE_BYTES * PAGE_BYTES;
	if (bytes > CHURN_BYTES_MAX)
		return CHURN_BYTES_MAX;
	return bytes ? bytes : PAGE_BYTES;
}

static void compact(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1) {
		perror("compact_memory");
		exit(2);
	}
	close(fd);
}

static void report(const char *path, uint64_t rounds, uint64_t pages, uint64_t lost,
		   uint64_t generation)
{
	char text[128];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), len;

	len = snprintf(text, sizeof(text),
		       "generation=%" PRIu64 " rounds=%" PRIu64 " checked=%" PRIu64
		       " lost=%" PRIu64 "\n",
		       generation, rounds, pages, lost);
	if (fd < 0 || write(fd, text, (size_t)len) != len) {
		perror(path);
		exit(2);
	}
	close(fd);
}

static int check(uint64_t keep_bytes, const char *path)
{
	uint64_t *kept = take(keep_bytes), keep_pages = keep_bytes / PAGE_BYTES;
	uint64_t rounds = 0, pages = 0, lost = 0, generation = 0;

	signal(SIGTERM, on_term);
	while (!over) {
		uint64_t bytes = half_of_free_bytes();

		if (rounds % ROUNDS_PER_GENERATION == 0)
			fill(kept, keep_pages, ++generation);
		lost += round_with(bytes, UINT64_C(1) << 15 | (rounds & 0x7fff));
		compact();
		lost += count_lost(kept, keep_pages, generation);
		pages += bytes / PAGE_BYTES + keep_pages;
		report(path, ++rounds, pages, lost, generation);
		usleep(REST_US);
	}
	return lost != 0;
}

static bool is_page(const uint64_t *at, uint64_t word)
{
	for (unsigned int i = 0; i < PAGE_WORDS; i++) {
		if (at[i] != word + i)
			return false;
	}
	return true;
}

/* Pages may begin at any multiple of 8 bytes. Each is counted once. */
static int find(uint64_t pages, uint64_t generation, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	uint64_t *words = bytes < PAGE_BYTES ? MAP_FAILED
					     : mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	bool *found = calloc(pages, sizeof(*found));
	uint64_t nr = 0;

	if (words == MAP_FAILED || !found) {
		perror(path);
		return 2;
	}
	for (uint64_t at = 0; at + PAGE_WORDS <= (uint64_t)bytes / 8; at++) {
		/* the product's inverse: which page would begin so */
		uint64_t page = (words[at] * UINT64_C(0xf1de83e19937733d) ^ generation << 48) >> 20;

		if (page >= pages || !is_page(words + at, first_word(page, generation)))
			continue;
		nr += !found[page];
		found[page] = true;
		at += PAGE_WORDS - 1;
	}
	printf("%" PRIu64 "\n", nr);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "find") == 0)
		return find(strtoull(argv[2], NULL, 10) * MIB_BYTES / PAGE_BYTES,
			    strtoull(argv[3], NULL, 10), argv[4]);
	if (argc != 3) {
		fputs("usage: memory-checker KEEP_MIB STATUS_FILE | hog MIB | "
		      "find MIB GENERATION FILE\n",
		      stderr);
		return 2;
	}
	if (strcmp(argv[1], "hog") == 0)
		return round_with(strtoull(argv[2], NULL, 10) * MIB_BYTES, 0xffff) != 0;
	return check(strtoull(argv[1], NULL, 10) * MIB_BYTES, argv[2]);
}
