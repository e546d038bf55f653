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
 * in the balloon a moment ago come round. Between rounds it rests, as the balloon is what is
 * tested. Every word of a page differs from every other word of all pages and generations: a page
 * lost, exchanged or left from before is seen, and counted once: it is written again. SIGUSR1 makes
 * it lose a page of its own, which must be found in the same round. The status has how many page
 * frames were different ones, of all that were checked.
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
#define REST_US 100000u
/* page frames that are told from each other: 16 GiB */
#define FRAMES_MAX (UINT64_C(1) << 22)
/* the kept pages are written anew after so many rounds */
#define ROUNDS_PER_GENERATION 4u

static volatile sig_atomic_t over, lose_one;
static uint64_t frame_seen[FRAMES_MAX / 64], nr_frames;

static void on_term(int signal)
{
	over = 1;
}

static void on_usr1(int signal)
{
	lose_one = 1;
}

static uint64_t first_word(uint64_t page, uint64_t generation)
{
	return (page << 20 ^ generation << 48) * UINT64_C(0x9e3779b97f4a7c15);
}

static void fill_page(uint64_t *at, uint64_t word)
{
	for (unsigned int i = 0; i < PAGE_WORDS; i++)
		at[i] = word + i;
}

static void fill(uint64_t *at, uint64_t pages, uint64_t generation)
{
	for (uint64_t page = 0; page < pages; page++)
		fill_page(at + page * PAGE_WORDS, first_word(page, generation));
}

/* Return: pages that were not as they were written; they are again */
static uint64_t count_lost(uint64_t *at, uint64_t pages, uint64_t generation)
{
	uint64_t lost = 0;

	for (uint64_t page = 0; page < pages; page++, at += PAGE_WORDS) {
		uint64_t word = first_word(page, generation), wrong = 0;

		for (unsigned int i = 0; i < PAGE_WORDS; i++)
			wrong |= at[i] ^ (word + i);
		if (!wrong)
			continue;
		fprintf(stderr, "page %" PRIu64 " of generation %" PRIu64 " is lost\n", page,
			generation);
		fill_page(at, word);
		lost++;
	}
	return lost;
}

/* Those frames behind @at that were not seen before. Without privileges they are not shown. */
static void see_frames(const uint64_t *at, uint64_t pages)
{
	static uint64_t entries[512];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t first = (uintptr_t)at / PAGE_BYTES;

	for (uint64_t done = 0; fd >= 0 && done < pages;) {
		uint64_t want = pages - done < 512 ? pages - done : 512;
		ssize_t got = pread(fd, entries, want * 8, (off_t)((first + done) * 8));

		if (got < 8)
			break;
		for (ssize_t i = 0; i < got / 8; i++) {
			uint64_t frame = entries[i] & ((UINT64_C(1) << 55) - 1);
			uint64_t bit = UINT64_C(1) << frame % 64;

			if (!frame || frame >= FRAMES_MAX || frame_seen[frame / 64] & bit)
				continue;
			frame_seen[frame / 64] |= bit;
			nr_frames++;
		}
		done += (uint64_t)got / 8;
	}
	if (fd >= 0)
		close(fd);
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
	see_frames(at, bytes / PAGE_BYTES);
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
	char text[160];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), len;

	len = snprintf(text, sizeof(text),
		       "generation=%" PRIu64 " rounds=%" PRIu64 " checked=%" PRIu64
		       " frames=%" PRIu64 " lost=%" PRIu64 "\n",
		       generation, rounds, pages, nr_frames, lost);
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
	signal(SIGUSR1, on_usr1);
	while (!over) {
		uint64_t bytes = half_of_free_bytes();

		if (rounds % ROUNDS_PER_GENERATION == 0)
			fill(kept, keep_pages, ++generation);
		/* what a page looks like that was in the balloon while it was in use */
		if (lose_one)
			madvise(kept + keep_pages / 2 * PAGE_WORDS, PAGE_BYTES, MADV_DONTNEED);
		lose_one = 0;
		lost += round_with(bytes, UINT64_C(1) << 15 | (rounds & 0x7fff));
		compact();
		see_frames(kept, keep_pages);
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
	uint64_t *words = bytes < PAGE_BYTES
				  ? MAP_FAILED
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
