// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last round, on a paused guest: each frame is compared with the newest content the file has of
 * it, and what differs is appended. Then the file holds all of the guest's memory but what was
 * unused when it was asked, and was not touched since.
 *
 * A paused guest writes nothing, and neither does its balloon: what is compared stays so.
 */
#include "backend/base/size.h"
#include "tools/copy/copy.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

enum verdict {
	VERDICT_SAME,	 /* copied, and as it was */
	VERDICT_UNUSED,	 /* left out, and as it was */
	VERDICT_ABSENT,	 /* was not there, and is not */
	VERDICT_GONE,	 /* was there, and is not: in the balloon now */
	VERDICT_WRITTEN, /* copied, and written since */
	VERDICT_USED,	 /* left out, and used since */
	VERDICT_CAME,	 /* was not there, and is */
	VERDICTS,
};

static const struct {
	const char *key;
	const char *text;
} verdicts[VERDICTS] = {
	[VERDICT_SAME] = {"same_kib", "copied, and unchanged"},
	[VERDICT_UNUSED] = {"unused_kib", "left out as unused, and unchanged"},
	[VERDICT_ABSENT] = {"absent_kib", "not there, then and now"},
	[VERDICT_GONE] = {"gone_kib", "there then, in the balloon now"},
	[VERDICT_WRITTEN] = {"written_kib", "copied, and written since: appended"},
	[VERDICT_USED] = {"used_kib", "left out as unused, and used since: appended"},
	[VERDICT_CAME] = {"came_kib", "not there then, there now: appended"},
};

struct verify {
	struct copy *copy;
	struct copy_index idx;
	uint64_t pages[VERDICTS];
	unsigned char page[XENVIRTIO_PAGE_SIZE]; /* of the file */
};

static int read_file(struct verify *v, uint64_t at, void *buf, size_t len)
{
	ssize_t got = pread(v->copy->writer.fd, buf, len, (off_t)at);

	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -EIO;
}

/* What the frame at @pos of the index is, now that @page is there. Return: 0; -errno */
static int judge(struct verify *v, uint64_t pos, const void *page, enum verdict *verdict)
{
	uint64_t sum;
	int rc;

	switch (v->idx.kind[pos]) {
	case COPY_KIND_DATA:
		rc = read_file(v, v->idx.at[pos], v->page, sizeof(v->page));
		*verdict = !rc && memcmp(page, v->page, sizeof(v->page)) == 0 ? VERDICT_SAME
									      : VERDICT_WRITTEN;
		return rc;
	case COPY_KIND_UNUSED_SUMS:
		rc = read_file(v, v->idx.at[pos], &sum, sizeof(sum));
		*verdict =
			!rc && copy_checksum(page) == le64toh(sum) ? VERDICT_UNUSED : VERDICT_USED;
		return rc;
	default:
		*verdict = VERDICT_CAME;
		return 0;
	}
}

static int compare_page(struct verify *v, uint64_t gfn, uint64_t pos, const void *page)
{
	const struct xenvirtio_run run = {xenvirtio_gfn(gfn), 1};
	enum verdict verdict;
	int rc = judge(v, pos, page, &verdict);

	if (rc)
		return rc;
	v->pages[verdict]++;
	if (verdict < VERDICT_WRITTEN)
		return 0;
	return copy_write(&v->copy->writer, COPY_KIND_DATA, run, page, XENVIRTIO_PAGE_SIZE);
}

static int note_hole(struct verify *v, uint64_t gfn, uint64_t pos)
{
	const struct xenvirtio_run run = {xenvirtio_gfn(gfn), 1};
	uint8_t kind = v->idx.kind[pos];

	if (kind == COPY_KIND_ABSENT || !kind) {
		v->pages[VERDICT_ABSENT]++;
		return 0;
	}
	v->pages[VERDICT_GONE]++;
	return copy_write(&v->copy->writer, COPY_KIND_ABSENT, run, NULL, 0);
}

static int compare_batch(struct verify *v, uint64_t gfn, uint64_t pos, uint64_t nr)
{
	struct copy *c = v->copy;
	void *pages;
	int rc = copy_map(c, gfn, nr, &pages), unmapped;

	if (rc == XENVIRTIO_E_GUEST && nr == 1)
		return note_hole(v, gfn, pos);
	if (rc == XENVIRTIO_E_GUEST) {
		rc = compare_batch(v, gfn, pos, nr / 2);
		return rc ? rc : compare_batch(v, gfn + nr / 2, pos + nr / 2, nr - nr / 2);
	}
	if (rc)
		return rc;
	for (uint64_t i = 0; !rc && i < nr; i++)
		rc = compare_page(v, gfn + i, pos + i,
				  (const unsigned char *)pages + i * XENVIRTIO_PAGE_SIZE);
	unmapped = c->hv->ops->unmap(c->hv, pages, nr);
	return rc ? rc : unmapped;
}

static int compare_all(struct verify *v)
{
	struct copy *c = v->copy;
	uint64_t pos = 0;
	int rc = 0;

	copy_begin_progress(c, v->idx.nr_frames);
	for (size_t i = 0; i < c->nr_ranges; i++) {
		uint64_t gfn = c->range[i].start.v, end = c->range[i].end_incl.v + 1;

		while (!rc && gfn < end) {
			uint64_t nr = COPY_BATCH_PAGES - gfn % COPY_BATCH_PAGES;

			nr = nr < end - gfn ? nr : end - gfn;
			rc = compare_batch(v, gfn, pos, nr);
			gfn += nr;
			pos += nr;
			if (!rc)
				rc = copy_step(c, nr);
		}
	}
	return rc;
}

static void print_verdicts(const struct verify *v)
{
	const struct copy *c = v->copy;
	struct json_object *json = json_object_new_object();
	char size[SIZE_TEXT_MAX];

	for (unsigned int i = 0; i < VERDICTS; i++) {
		if (c->opts->json)
			json_object_object_add(json, verdicts[i].key,
					       json_object_new_uint64(v->pages[i] * KIB_PER_PAGE));
		else
			fprintf(c->out, "%10s  %s\n", size_format(v->pages[i] * KIB_PER_PAGE, size),
				verdicts[i].text);
	}
	if (c->opts->json)
		fprintf(c->out, "%s\n",
			json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
}

static bool lacks_checksums(const struct copy_index *idx)
{
	return memchr(idx->kind, COPY_KIND_UNUSED, idx->nr_frames) != NULL;
}

/* Return: 0; COPY_SAID; -errno */
static int read_index(struct verify *v)
{
	struct copy *c = v->copy;
	const char *why;
	int rc;

	memcpy(v->idx.range, c->range, sizeof(c->range));
	v->idx.nr_ranges = c->nr_ranges;
	rc = copy_index_read(&v->idx, c->writer.fd, &why);
	if (!rc && lacks_checksums(&v->idx)) {
		rc = -EBADMSG;
		why = "it has no checksums of what was left out: copy with --checksums";
	}
	if (rc != -EBADMSG)
		return rc;
	ctl_say(&c->ctl, "%s: %s", c->opts->file, why);
	return COPY_SAID;
}

int copy_verify(struct copy *c)
{
	struct verify v = {.copy = c};
	int rc = read_index(&v);

	if (!rc && lseek(c->writer.fd, 0, SEEK_END) < 0)
		rc = -errno;
	if (!rc) {
		rc = compare_all(&v);
		if (!rc)
			rc = copy_write_end(&c->writer, v.idx.rounds);
		/* as it was: the rounds before are whole */
		if (rc && ftruncate(c->writer.fd, (off_t)v.idx.bytes))
			ctl_say(&c->ctl, "%s: its end is broken", c->opts->file);
	}
	if (!rc) {
		copy_end_progress(c);
		print_verdicts(&v);
	}
	copy_index_fini(&v.idx);
	return rc;
}
