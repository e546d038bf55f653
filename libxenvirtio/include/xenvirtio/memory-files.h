/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's memory as descriptors, one for each range of RAM: for a process that maps it, a
 * vhost-user backend for instance.
 *
 * Instead of gmem.h, not beside it for the same bytes: there nothing is reached without a check, here
 * the other process has all of the guest. Only some hosts have it (kernel/privcmd on a dom0 that is not
 * PV); ask by opening.
 */
#ifndef XENVIRTIO_MEMORY_FILES_H
#define XENVIRTIO_MEMORY_FILES_H

#include <xenvirtio/hv.h>

#ifdef __cplusplus
extern "C" {
#endif

/** files a guest's RAM has at most: what a vhost-user backend takes */
#define XENVIRTIO_MEMORY_FILES_MAX 8u

/**
 * struct xenvirtio_memory_file - one range
 * @range:  frames; holes are among them
 * @fd:     close-on-exec; to be given to who may see the guest's memory
 * @offset: of the range's first byte in the file, 0 on real Xen; a mapping starts there
 */
struct xenvirtio_memory_file {
	struct xenvirtio_gfn_range range;
	int fd;
	uint64_t offset;
};

/** struct xenvirtio_memory_files - all ranges of a guest, ascending; zeroed memory has none */
struct xenvirtio_memory_files {
	struct xenvirtio_memory_file file[XENVIRTIO_MEMORY_FILES_MAX];
	size_t nr;
};

/**
 * xenvirtio_memory_files_open() - a file for each range of the guest's RAM
 * @hv:    handle to the guest; what is opened ends with it, so it is to be closed last
 * @files: out; to be closed. Empty on failure
 *
 * Costs nothing yet: what is touched is mapped, up to what the host allows for all guests.
 * Return: 0; -ENOSYS this host or this handle has none; -ENOSPC too many ranges or files;
 *         XENVIRTIO_E_GONE; -errno
 */
int xenvirtio_memory_files_open(struct xenvirtio_hv *hv, struct xenvirtio_memory_files *files);

/** xenvirtio_memory_files_close() - close the descriptors; mappings of them stay */
void xenvirtio_memory_files_close(struct xenvirtio_memory_files *files);

/**
 * xenvirtio_memory_files_find() - the file that has an address
 * @files: opened
 * @gpa:   guest-physical; hostile ones are allowed
 * @len:   bytes from there on, at least 1, all in the one file
 *
 * Return: the file; NULL: none has all of that
 */
const struct xenvirtio_memory_file *xenvirtio_memory_files_find(const struct xenvirtio_memory_files *files,
								struct xenvirtio_gpa gpa,
								uint64_t len);

/**
 * xenvirtio_memory_files_forget() - let go of frames that have left the guest, in all files of all processes
 * @hv:    handle to the guest, not a confined one
 * @start: first frame
 * @nr:    frames, at least 1
 *
 * For what the guest has given away or got back by itself; where release_pages and populate_pages of
 * the seam did that, it is forgotten already.
 * Order:  after the frames are gone: until then the next access brings them back
 * Return: 0, also where there are no such files; -EINVAL; -errno
 */
int xenvirtio_memory_files_forget(struct xenvirtio_hv *hv, struct xenvirtio_gfn start, uint64_t nr);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_MEMORY_FILES_H */
