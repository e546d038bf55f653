/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the program `memory` share: correct arguments, hypercalls, and the guests.
 */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

#include <stdint.h>
#include <sys/ioctl.h>

#include <xen/privcmd-memory.h>
#include "xen.h"

#define PAGE 4096ul
/* Of guests of 16 MiB, from GUEST_RAM_GFN on: what is surely there, and what is surely not */
#define RAM_PAGES 3072ul
#define HOLE_PAGES 1024ul
#define HOLE_PAGE 8192ul
/* A page that nothing of the guest's is in */
#define TEST_PAGE 2048ul
#define CHUNK_PAGES 512ul

struct world {
	struct server server; /* of the guest that runs */
	uint16_t dom;
	uint16_t other; /* a guest that does not run */
	const char *destroy;
};

static inline struct privcmd_memory good_memory(uint16_t dom)
{
	return (struct privcmd_memory){.gfn = GUEST_RAM_GFN, .nr_frames = RAM_PAGES, .dom = dom};
}

static inline int memory_ioctl(int privcmd, struct privcmd_memory arg)
{
	return ioctl(privcmd, IOCTL_PRIVCMD_MEMORY, &arg);
}

/* A file of @nr pages from @first on, and all of it mapped. */
int memory_new(int privcmd, uint16_t dom, unsigned long first, unsigned long nr);
char *memory_map(int fd, unsigned long nr);
/* A copy of an argument with one member changed. */
#define WITH(good, member, value)            \
	({                                   \
		typeof(good) with_ = (good); \
		with_.member = (value);      \
		with_;                       \
	})

int forget_pages(int privcmd, uint16_t dom, unsigned long first, unsigned long nr);
struct privcmd_memory_info memory_info(int privcmd);

/* Xen's count of the guest's frames; -1 with ESRCH for none. */
long guest_frames(int privcmd, uint16_t dom);
/* Is there such a domain at all, be it a dead one? */
bool guest_exists(int privcmd, uint16_t dom);
/* Take pages out of the guest, and put some there: how many. */
long release_pages(int privcmd, uint16_t dom, unsigned long first, unsigned long nr);
long populate_pages(int privcmd, uint16_t dom, unsigned long first, unsigned long nr);

static inline uint32_t word_at(const char *va)
{
	return __atomic_load_n((const uint32_t *)va, __ATOMIC_RELAXED);
}

static inline void set_word_at(char *va, uint32_t value)
{
	__atomic_store_n((uint32_t *)va, value, __ATOMIC_RELAXED);
}

void test_memory_args(struct world *w);
void test_memory_file(struct world *w);
void test_memory_map(struct world *w);
void test_memory_processes(struct world *w);
void test_memory_forget(struct world *w);
void test_memory_budget(struct world *w);
void test_memory_end(struct world *w);

#endif /* TEST_MEMORY_H */
