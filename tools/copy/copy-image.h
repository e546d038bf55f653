/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a copy of a guest's memory looks like: a header, then records, one behind the other, so that
 * it can go through a pipe. xenvirtio-copy(8) describes it, FORMAT.
 *
 *   header  "XVCOPY1\n", le32 domid, le32 bytes of a page, le64 frames the guest's RAM can have
 *   record  le32 kind, le32 0, le64 first frame, le64 frames; then what the kind says
 *
 * Later records of a frame take the place of earlier ones. A copy is complete when its last record
 * is an end. What is read may be any file at all.
 */
#ifndef TOOLS_COPY_IMAGE_H
#define TOOLS_COPY_IMAGE_H

#include <stdint.h>
#include <stdio.h>
#include <xenvirtio/extent.h>

enum copy_kind {
	COPY_KIND_DATA = 1,	   /* the pages follow */
	COPY_KIND_UNUSED = 2,	   /* left out */
	COPY_KIND_UNUSED_SUMS = 3, /* left out; a le64 checksum of each follows */
	COPY_KIND_ABSENT = 4,	   /* in the balloon, or no RAM */
	COPY_KIND_END = 5, /* of a round: its number instead of a frame, and pages of data */
};

/** frames of one record of data, and of one mapping */
#define COPY_BATCH_PAGES 512u

struct copy_writer {
	int fd;
	uint64_t bytes;	     /* written */
	uint64_t data_pages; /* of this round */
};

/** copy_write_header() - Return: 0; -errno */
int copy_write_header(struct copy_writer *w, uint32_t domid, uint64_t ram_frames);
/** copy_write() - a record and @payload_bytes behind it. Return: 0; -errno */
int copy_write(struct copy_writer *w, enum copy_kind kind, struct xenvirtio_run run,
	       const void *payload, size_t payload_bytes);
/** copy_write_end() - Return: 0; -errno */
int copy_write_end(struct copy_writer *w, uint64_t round);

/** copy_checksum() - of one page: equal for equal pages, different for different ones but by chance
 */
uint64_t copy_checksum(const void *page);

/** where each frame's newest content is in a file */
struct copy_index {
	struct xenvirtio_gfn_range range[8];
	size_t nr_ranges;
	uint64_t nr_frames;
	uint8_t *kind; /* of each frame, 0: none; frames of all ranges, end to end */
	uint64_t *at;  /* offset of its page, or of its checksum */
	uint64_t rounds;
	uint64_t bytes; /* of the file */
};

/**
 * copy_index_read() - read a whole file
 * @idx:  range and nr_ranges are set; the rest is zero. Freed with copy_index_fini()
 * @why:  out, for -EBADMSG: what is wrong with it
 *
 * Return: 0; -EBADMSG; -errno
 */
int copy_index_read(struct copy_index *idx, int fd, const char **why);
void copy_index_fini(struct copy_index *idx);

#endif /* TOOLS_COPY_IMAGE_H */
