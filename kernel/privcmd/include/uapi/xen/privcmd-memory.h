/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * A guest's memory as a file descriptor of /dev/xen/privcmd, for programs and for
 * the kernel.
 *
 * For backends that expect a guest's memory as something to mmap(), vhost-user ones
 * for instance. Ask with IOCTL_PRIVCMD_MEMORY_INFO, which a kernel without all this
 * answers with ENOTTY, before using any of it.
 */
#ifndef _XEN_PRIVCMD_MEMORY_H
#define _XEN_PRIVCMD_MEMORY_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct privcmd_memory - have a range of a guest's memory as a file
 * @gfn: its first frame; frames are 4 KiB and counted as the guest counts them
 * @nr_frames: their number, which must not be 0
 * @flags: zero
 * @dom: the guest
 * @pad: zero
 *
 * The ioctl's result is a new descriptor, close-on-exec, of a file of
 * nr_frames * 4096 bytes that can be seeked (lseek() with SEEK_END says how large
 * it is) and mapped, and nothing else. To map it needs no rights: give the
 * descriptor to whom the guest's memory may be shown.
 *
 * mmap() wants MAP_SHARED and a range within the file. A frame is mapped when it is
 * touched, along with its neighbours; that it is not there, or not memory, is no
 * error, but a page of the kernel's is there instead, zeroed at first and one for
 * the whole file, until that frame is forgotten. Nothing of it can be pinned:
 * O_DIRECT, fixed buffers of io_uring and the like fail with EFAULT. A child has
 * no mapping after fork().
 *
 * It ends, and has only such pages, when the file it was made on is closed or the
 * guest is destroyed: by this domain's toolstack it lets go before that, of one that
 * another domain destroys within a few seconds.
 * SIGBUS comes only of a file shown no mercy by this domain: when it has no memory
 * for another frame, however many others are let go.
 *
 * Return: the descriptor; -1: EINVAL; EPERM not this guest's, ESRCH no such guest,
 * EOPNOTSUPP not in a domain like this one, ENOSPC too many of this file's, EMFILE,
 * ENFILE, ENOMEM.
 */
struct privcmd_memory {
	__u64 gfn;
	__u64 nr_frames;
	__u32 flags;
	__u16 dom;
	__u8 pad[2];
};

#define IOCTL_PRIVCMD_MEMORY		_IOW('P', 0x88, struct privcmd_memory)

/**
 * struct privcmd_memory_range - some frames
 * @gfn: the first one
 * @nr_frames: their number
 */
struct privcmd_memory_range {
	__u64 gfn;
	__u64 nr_frames;
};

/* How many ranges IOCTL_PRIVCMD_MEMORY_FORGET takes at a time */
#define PRIVCMD_MEMORY_RANGES_MAX	1024

/**
 * struct privcmd_memory_forget - map some frames of a guest nowhere any more
 * @ranges: address of @nr_ranges struct privcmd_memory_range
 * @nr_ranges: their number, at most PRIVCMD_MEMORY_RANGES_MAX
 * @flags: zero
 * @dom: the guest
 * @pad: zero
 *
 * In all files there are of the guest's memory, whoever made them. When this
 * returns there is no reference to a frame that Xen has taken out of the guest:
 * call it after the frames were released, for until then another access brings
 * them back. It is no error to name frames that no file has.
 *
 * A frame that was put into the guest since can be seen afterwards, where there
 * was a page of the kernel's before.
 *
 * Return: 0; -1: EINVAL, EPERM, EFAULT, ENOMEM, EOPNOTSUPP. Nothing was done then.
 */
struct privcmd_memory_forget {
	__u64 ranges;
	__u32 nr_ranges;
	__u32 flags;
	__u16 dom;
	__u8 pad[6];
};

#define IOCTL_PRIVCMD_MEMORY_FORGET	_IOW('P', 0x89, struct privcmd_memory_forget)

/* For privcmd_memory_info::features */
#define PRIVCMD_MEMORY_FILES		(1 << 0) /* IOCTL_PRIVCMD_MEMORY works here */

/**
 * struct privcmd_memory_info - what works, and what it costs this domain
 * @features: PRIVCMD_MEMORY_*
 * @nr_files: files there are, of all guests and makers
 * @nr_frames: guests' frames that are mapped for them
 * @nr_frames_max: how many may be: module parameter memory_max_mib
 * @nr_own_frames: for how many of @nr_frames this domain has given up memory of its
 *	own; the others cost 64 bytes of it and their share of page tables each
 * @nr_evicted: frames that were let go to make room for others, so far
 */
struct privcmd_memory_info {
	__u32 features;
	__u32 nr_files;
	__u64 nr_frames;
	__u64 nr_frames_max;
	__u64 nr_own_frames;
	__u64 nr_evicted;
};

#define IOCTL_PRIVCMD_MEMORY_INFO	_IOR('P', 0x8a, struct privcmd_memory_info)

#endif /* _XEN_PRIVCMD_MEMORY_H */
