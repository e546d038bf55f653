// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing and reading copies. All integers are little-endian on the file.
 */
#include "tools/copy/copy-image.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const char magic[8] = {'X', 'V', 'C', 'O', 'P', 'Y', '1', '\n'};

struct file_header {
	char magic[8];
	uint32_t domid;
	uint32_t page_bytes;
	uint64_t ram_frames;
};

struct file_record {
	uint32_t kind;
	uint32_t zero;
	uint64_t gfn;
	uint64_t nr;
};

static int write_all(struct copy_writer *w, const void *buf, size_t len)
{
	const char *at = buf;

	while (len) {
		ssize_t done = write(w->fd, at, len);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			at += done;
			len -= (size_t)done;
			w->bytes += (uint64_t)done;
		}
	}
	return 0;
}

int copy_write_header(struct copy_writer *w, uint32_t domid, uint64_t ram_frames)
{
	struct file_header header = {
		.domid = htole32(domid),
		.page_bytes = htole32(XENVIRTIO_PAGE_SIZE),
		.ram_frames = htole64(ram_frames),
	};

	memcpy(header.magic, magic, sizeof(magic));
	return write_all(w, &header, sizeof(header));
}

int copy_write(struct copy_writer *w, enum copy_kind kind, struct xenvirtio_run run,
	       const void *payload, size_t payload_bytes)
{
	const struct file_record record = {
		.kind = htole32(kind),
		.gfn = htole64(run.start.v),
		.nr = htole64(run.nr),
	};
	int rc = write_all(w, &record, sizeof(record));

	if (!rc && kind == COPY_KIND_DATA)
		w->data_pages += run.nr;
	return rc ? rc : write_all(w, payload, payload_bytes);
}

int copy_write_end(struct copy_writer *w, uint64_t round)
{
	return copy_write(w, COPY_KIND_END,
			  (struct xenvirtio_run){xenvirtio_gfn(round), w->data_pages}, NULL, 0);
}

uint64_t copy_checksum(const void *page)
{
	const uint64_t *word = page;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < XENVIRTIO_PAGE_SIZE / sizeof(*word); i++) {
		sum = (sum ^ word[i]) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	return sum;
}

/* --- reading --- */

/* Of @len bytes at @at: the file is as long. */
static int read_all(int fd, void *buf, size_t len, uint64_t at)
{
	char *to = buf;

	while (len) {
		ssize_t got = pread(fd, to, len, (off_t)at);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (!got)
			return -EIO;
		if (got > 0) {
			to += got;
			at += (uint64_t)got;
			len -= (size_t)got;
		}
	}
	return 0;
}

/* The position of a run that is inside one range; false: it is not. */
static bool find_run(const struct copy_index *idx, uint64_t gfn, uint64_t nr, uint64_t *pos)
{
	uint64_t base = 0;

	for (size_t i = 0; i < idx->nr_ranges; i++) {
		uint64_t start = idx->range[i].start.v, end_incl = idx->range[i].end_incl.v;

		if (gfn >= start && gfn <= end_incl) {
			*pos = base + (gfn - start);
			return nr && nr <= end_incl - gfn + 1;
		}
		base += end_incl - start + 1;
	}
	return false;
}

static unsigned int bytes_per_frame(uint32_t kind)
{
	if (kind == COPY_KIND_DATA)
		return XENVIRTIO_PAGE_SIZE;
	return kind == COPY_KIND_UNUSED_SUMS ? sizeof(uint64_t) : 0;
}

/* Note one record at @at, and go behind it. Return: 0; -EBADMSG with @why */
static int take_record(struct copy_index *idx, const struct file_record *record, uint64_t *at,
		       bool *ended, const char **why)
{
	uint32_t kind = le32toh(record->kind);
	uint64_t nr = le64toh(record->nr), pos, bytes;

	*at += sizeof(*record);
	*ended = kind == COPY_KIND_END;
	*why = "a record is of no known kind";
	if (kind < COPY_KIND_DATA || kind > COPY_KIND_END || record->zero)
		return -EBADMSG;
	if (*ended) {
		*why = "rounds are not in order";
		return le64toh(record->gfn) == idx->rounds++ ? 0 : -EBADMSG;
	}
	*why = "it names frames this guest does not have: is it another guest's?";
	if (!find_run(idx, le64toh(record->gfn), nr, &pos))
		return -EBADMSG;
	/* no overflow: no guest has that many frames */
	bytes = nr * bytes_per_frame(kind);
	*why = "it ends in the middle of a record";
	if (bytes > idx->bytes - *at)
		return -EBADMSG;
	for (uint64_t i = 0; i < nr; i++) {
		idx->kind[pos + i] = (uint8_t)kind;
		idx->at[pos + i] = *at + i * bytes_per_frame(kind);
	}
	*at += bytes;
	return 0;
}

static int read_records(struct copy_index *idx, int fd, const char **why)
{
	uint64_t at = sizeof(struct file_header);
	struct file_record record;
	bool ended = false;
	int rc = 0;

	while (!rc && idx->bytes - at >= sizeof(record)) {
		rc = read_all(fd, &record, sizeof(record), at);
		if (!rc)
			rc = take_record(idx, &record, &at, &ended, why);
	}
	if (rc)
		return rc;
	*why = "it is not complete";
	return ended && at == idx->bytes ? 0 : -EBADMSG;
}

int copy_index_read(struct copy_index *idx, int fd, const char **why)
{
	struct file_header header;
	struct stat st;
	int rc;

	for (size_t i = 0; i < idx->nr_ranges; i++)
		idx->nr_frames += idx->range[i].end_incl.v - idx->range[i].start.v + 1;
	if (fstat(fd, &st))
		return -errno;
	*why = "it is no copy of a guest's memory";
	idx->bytes = (uint64_t)st.st_size;
	if (!S_ISREG(st.st_mode) || idx->bytes < sizeof(header))
		return -EBADMSG;
	rc = read_all(fd, &header, sizeof(header), 0);
	if (rc)
		return rc;
	if (memcmp(header.magic, magic, sizeof(magic)) != 0 ||
	    le32toh(header.page_bytes) != XENVIRTIO_PAGE_SIZE)
		return -EBADMSG;
	idx->kind = calloc(idx->nr_frames, sizeof(*idx->kind));
	idx->at = calloc(idx->nr_frames, sizeof(*idx->at));
	if (!idx->kind || !idx->at)
		return -ENOMEM;
	return read_records(idx, fd, why);
}

void copy_index_fini(struct copy_index *idx)
{
	free(idx->kind);
	free(idx->at);
	idx->kind = NULL;
	idx->at = NULL;
}
