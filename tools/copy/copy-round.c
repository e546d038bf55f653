// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first round. The order is the contract: ask which pages are unused, note their checksums if
 * wanted, copy everything else, and only then let the guest have its unused pages back. What it
 * writes meanwhile, to any page, is for a later round.
 */
#include "backend/base/size.h"
#include "tools/copy/copy.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

/* For so long what a driver named is what it holds: ours holds it for two minutes, and begins after it was asked. */
#define HELD_NS (UINT64_C(110) * 1000000000)

struct round {
	struct copy *copy;
	struct skip_list skip;
	uint64_t unused_pages;
	uint64_t absent_pages;
	struct xenvirtio_run absent; /* not written yet: the next may continue it */
	struct ctl_refusal refusal;  /* why nothing is unused; its code is empty when it was told */
	unsigned char *buffer;	     /* a batch */
};

static int flush_absent(struct round *r)
{
	struct xenvirtio_run run = r->absent;

	r->absent.nr = 0;
	r->absent_pages += run.nr;
	return run.nr ? copy_write(&r->copy->writer, COPY_KIND_ABSENT, run, NULL, 0) : 0;
}

static int add_absent(struct round *r, struct xenvirtio_run run)
{
	int rc = 0;

	if (r->absent.nr && r->absent.start.v + r->absent.nr != run.start.v)
		rc = flush_absent(r);
	if (!r->absent.nr)
		r->absent.start = run.start;
	r->absent.nr += run.nr;
	return rc;
}

static int write_run(struct round *r, enum copy_kind kind, struct xenvirtio_run run,
		     const void *payload, size_t bytes)
{
	int rc = flush_absent(r);

	return rc ? rc : copy_write(&r->copy->writer, kind, run, payload, bytes);
}

/* What of a batch goes into the file, in our own memory. Return: its bytes */
static size_t take_mapped(struct round *r, enum copy_kind kind, uint64_t nr,
			  const unsigned char *pages)
{
	uint64_t *sum = (uint64_t *)r->buffer;

	if (kind == COPY_KIND_DATA) {
		memcpy(r->buffer, pages, nr * XENVIRTIO_PAGE_SIZE);
		return nr * XENVIRTIO_PAGE_SIZE;
	}
	r->unused_pages += nr;
	for (uint64_t i = 0; i < nr; i++)
		sum[i] = htole64(copy_checksum(pages + i * XENVIRTIO_PAGE_SIZE));
	return nr * sizeof(*sum);
}

/*
 * Data, or checksums, of a batch. A mapping is all or nothing, so around holes it is cut in halves:
 * what the balloon took is known, what is left are few. Nothing is mapped while the file, or whoever
 * reads a pipe, makes us wait: the guest could not be destroyed meanwhile.
 */
static int copy_batch(struct round *r, enum copy_kind kind, struct xenvirtio_run run)
{
	struct copy *c = r->copy;
	void *pages;
	size_t bytes;
	int rc = copy_map(c, run.start.v, run.nr, &pages);

	if (rc == XENVIRTIO_E_GUEST && run.nr == 1)
		return add_absent(r, run);
	if (rc == XENVIRTIO_E_GUEST) {
		struct xenvirtio_run first = {run.start, run.nr / 2};
		struct xenvirtio_run second = {xenvirtio_gfn(run.start.v + first.nr),
					       run.nr - first.nr};

		rc = copy_batch(r, kind, first);
		return rc ? rc : copy_batch(r, kind, second);
	}
	if (rc)
		return rc;
	bytes = take_mapped(r, kind, run.nr, pages);
	rc = c->hv->ops->unmap(c->hv, pages, run.nr);
	return rc ? rc : write_run(r, kind, run, r->buffer, bytes);
}

/* A checksum of a page that is in use again would be taken for that of one that nobody has touched. */
static enum copy_kind kind_now(const struct round *r, enum copy_kind kind)
{
	return kind == COPY_KIND_UNUSED_SUMS && copy_took_ns(r->copy) >= HELD_NS ? COPY_KIND_DATA : kind;
}

/* Batches begin where superpages do. */
static int copy_run_of(struct round *r, enum copy_kind kind, struct xenvirtio_run run)
{
	int rc = 0;

	while (!rc && run.nr) {
		struct xenvirtio_run batch = {run.start,
					      COPY_BATCH_PAGES - run.start.v % COPY_BATCH_PAGES};

		if (batch.nr > run.nr)
			batch.nr = run.nr;
		rc = copy_batch(r, kind_now(r, kind), batch);
		run.start.v += batch.nr;
		run.nr -= batch.nr;
		if (!rc)
			rc = copy_step(r->copy, batch.nr);
	}
	return rc;
}

static int do_piece(struct round *r, enum copy_kind kind, struct xenvirtio_run piece)
{
	switch (kind) {
	case COPY_KIND_DATA:
		return copy_run_of(r, kind, piece);
	case COPY_KIND_UNUSED:
		if (r->copy->opts->checksums)
			return 0; /* was done */
		r->unused_pages += piece.nr;
		return write_run(r, kind, piece, NULL, 0);
	default:
		return add_absent(r, piece);
	}
}

/* All of the guest's RAM, or with @sums only what is unused. */
static int pass(struct round *r, bool sums)
{
	struct copy *c = r->copy;
	int rc = 0;

	r->skip.next = 0;
	for (size_t i = 0; i < c->nr_ranges; i++) {
		struct xenvirtio_run left = {c->range[i].start,
					     c->range[i].end_incl.v - c->range[i].start.v + 1};

		while (!rc && left.nr) {
			struct xenvirtio_run piece;
			enum copy_kind kind = skip_next(&r->skip, &left, &piece);

			if (!sums)
				rc = do_piece(r, kind, piece);
			else if (kind == COPY_KIND_UNUSED)
				rc = copy_run_of(r, COPY_KIND_UNUSED_SUMS, piece);
		}
	}
	return rc;
}

/* Pages that will be looked at. */
static uint64_t count_pages(struct round *r)
{
	const struct copy *c = r->copy;
	uint64_t pages = 0;

	for (size_t i = 0; i < c->nr_ranges; i++)
		pages += c->range[i].end_incl.v - c->range[i].start.v + 1;
	for (size_t i = 0; i < r->skip.nr; i++) {
		if ((r->skip.run[i].kind == COPY_KIND_ABSENT || !c->opts->checksums) &&
		    pages >= r->skip.run[i].run.nr)
			pages -= r->skip.run[i].run.nr;
	}
	return pages;
}

/* --- what is said --- */

static void print_json(const struct round *r, uint64_t took_ns)
{
	const struct copy *c = r->copy;
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "domid", json_object_new_uint64(c->domid));
	json_object_object_add(json, "copied_kib",
			       json_object_new_uint64(c->writer.data_pages * KIB_PER_PAGE));
	json_object_object_add(json, "unused_kib",
			       json_object_new_uint64(r->unused_pages * KIB_PER_PAGE));
	json_object_object_add(json, "absent_kib",
			       json_object_new_uint64(r->absent_pages * KIB_PER_PAGE));
	json_object_object_add(json, "file_bytes", json_object_new_uint64(c->writer.bytes));
	json_object_object_add(json, "took_ns", json_object_new_uint64(took_ns));
	json_object_object_add(json, "answer_ns", json_object_new_uint64(r->skip.took_ns));
	if (r->refusal.code[0])
		json_object_object_add(json, "refused", json_object_new_string(r->refusal.code));
	fprintf(c->out, "%s\n",
		json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

static void print_text(const struct round *r, uint64_t took_ns)
{
	char copied[SIZE_TEXT_MAX], unused[SIZE_TEXT_MAX], absent[SIZE_TEXT_MAX];
	const struct copy *c = r->copy;

	fprintf(c->out,
		"%s: %s copied in %" PRIu64 ".%03" PRIu64 " s; left out: %s unused, %s not there\n",
		c->who, size_format(c->writer.data_pages * KIB_PER_PAGE, copied),
		took_ns / 1000000000, took_ns / 1000000 % 1000,
		size_format(r->unused_pages * KIB_PER_PAGE, unused),
		size_format(r->absent_pages * KIB_PER_PAGE, absent));
}

/* --- all of it --- */

/* A guest that does not tell has no unused pages. */
static int ask(struct round *r)
{
	struct copy *c = r->copy;
	int rc;

	if (c->opts->no_skip)
		return 0;
	rc = skip_ask(&r->skip, &c->client, &r->refusal);
	if (rc == -EREMOTEIO) {
		ctl_say(&c->ctl, "%s: its unused pages are copied, too: %s", c->who,
			r->refusal.message);
		return 0;
	}
	if (!rc)
		return 0;
	ctl_fail(&c->ctl, c->who, rc, &r->refusal);
	return COPY_SAID;
}

static void let_go(struct copy *c)
{
	if (c->client_open)
		ctl_client_close(&c->client);
	c->client_open = false;
}

static int do_round(struct round *r)
{
	struct copy *c = r->copy;
	uint64_t ram = 0;
	int rc = ask(r);

	if (rc)
		return rc;
	for (size_t i = 0; i < c->nr_ranges; i++)
		ram += c->range[i].end_incl.v - c->range[i].start.v + 1;
	copy_begin_progress(c, count_pages(r));
	rc = copy_write_header(&c->writer, c->domid, ram);
	if (!rc && c->opts->checksums)
		rc = pass(r, true);
	if (!rc)
		rc = pass(r, false);
	let_go(c);
	if (!rc)
		rc = flush_absent(r);
	return rc ? rc : copy_write_end(&c->writer, 0);
}

int copy_round(struct copy *c)
{
	struct round r = {
		.copy = c,
		.buffer = malloc(COPY_BATCH_PAGES * XENVIRTIO_PAGE_SIZE),
	};
	int rc = r.buffer ? do_round(&r) : -ENOMEM;
	uint64_t took_ns = copy_took_ns(c);

	if (!rc) {
		copy_end_progress(c);
		if (c->opts->json)
			print_json(&r, took_ns);
		else
			print_text(&r, took_ns);
	}
	skip_fini(&r.skip);
	free(r.buffer);
	return rc;
}
