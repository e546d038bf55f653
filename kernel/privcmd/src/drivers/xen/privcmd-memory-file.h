/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls about a guest's memory, and the file that is a range of it; the contract
 * is in include/uapi/xen/privcmd-memory.h.
 *
 * The callers have checked that the open file may name the guest.
 */
#ifndef _PRIVCMD_MEMORY_FILE_H
#define _PRIVCMD_MEMORY_FILE_H

#include <linux/errno.h>
#include <linux/kconfig.h>

struct privcmd_hypercall;
struct privcmd_memories;
struct privcmd_memory;
struct privcmd_memory_forget;
struct privcmd_memory_info;

#ifdef CONFIG_XEN_AUTO_XLATE

long privcmd_memory_ioctl(struct privcmd_memories *owner, const struct privcmd_memory *arg);
long privcmd_memory_forget_ioctl(const struct privcmd_memory_forget *arg);
long privcmd_memory_info_get(struct privcmd_memory_info *info);

/*
 * The toolstack is about to make this one. If it destroys a guest, our references to
 * the guest's frames go first: on Arm, Xen begins anew with a list of all frames that
 * are referenced whenever an interrupt is pending (relinquish_memory()), and of a long
 * one it does not see the end.
 */
void privcmd_memory_before_hypercall(const struct privcmd_hypercall *call);

#else

static inline void privcmd_memory_before_hypercall(const struct privcmd_hypercall *call)
{
}

static inline long privcmd_memory_ioctl(struct privcmd_memories *owner,
					const struct privcmd_memory *arg)
{
	return -EOPNOTSUPP;
}

static inline long privcmd_memory_forget_ioctl(const struct privcmd_memory_forget *arg)
{
	return -EOPNOTSUPP;
}

static inline long privcmd_memory_info_get(struct privcmd_memory_info *info)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_XEN_AUTO_XLATE */

#endif /* _PRIVCMD_MEMORY_FILE_H */
