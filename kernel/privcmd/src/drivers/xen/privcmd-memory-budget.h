/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many of guests' frames may be mapped for files of their memory, and are.
 *
 * A frame costs this domain a struct page and its share of page tables, in 128 MiB
 * at a time that it does not get back; or, where the kernel has no addresses to
 * spare (arm64 before Linux 6.12, or without extended regions), a page of its own
 * memory. No control group is charged with that, hence a bound for all. Any context
 * that may be interrupted.
 */
#ifndef _PRIVCMD_MEMORY_BUDGET_H
#define _PRIVCMD_MEMORY_BUDGET_H

#include <linux/types.h>

struct page;
struct privcmd_memory_info;

/* Ask for room for frames. Return: false, and nothing is taken. */
bool privcmd_memory_budget_take(unsigned int nr);
void privcmd_memory_budget_give(unsigned int nr);
/* A page is in use for a frame, +1, or not any more, -1: what does it cost? */
void privcmd_memory_budget_note(struct page *page, int nr);
/* Frames were let go to make room. */
void privcmd_memory_budget_evicted(unsigned int nr);
void privcmd_memory_budget_info(struct privcmd_memory_info *info);

#endif /* _PRIVCMD_MEMORY_BUDGET_H */
