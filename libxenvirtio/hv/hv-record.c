// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A sibling that lets another do the work and writes each call and its result to a file.
 *
 * One line a call: "operation arguments = result outputs". Frames are hexadecimal, consecutive ones
 * as first+count; addresses of mappings are left out, so that two runs of the same guest can be
 * compared. The recorder changes nothing: the inner handle sees the same calls in the same order,
 * and trouble with the file is not the guest's trouble.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xenvirtio/hv.h>

#include "hv/hv-check.h"

struct record {
	struct xenvirtio_hv hv;
	struct xenvirtio_hv_ops ops;
	struct xenvirtio_hv *inner;
	FILE *file;
};

static struct record *to_record(struct xenvirtio_hv *hv)
{
	return (struct record *)hv;
}

static void print_frames(FILE *file, const struct xenvirtio_gfn *gfn, size_t nr,
			 unsigned int order)
{
	for (size_t i = 0, run; i < nr; i += run) {
		for (run = 1; i + run < nr; run++) {
			if (gfn[i + run].v != gfn[i].v + ((uint64_t)run << order))
				break;
		}
		fprintf(file, " %" PRIx64, gfn[i].v);
		if (run > 1)
			fprintf(file, "+%zu", run);
	}
}

static void print_request(FILE *file, const struct xenvirtio_ioreq *req)
{
	fprintf(file, " vcpu=%" PRIu32 " type=%u %s addr=%" PRIx64 " size=%" PRIu32
		" count=%" PRIu32 " data=%" PRIx64 "%s",
		req->vcpu, (unsigned int)req->type, req->read ? "read" : "write", req->addr,
		req->size, req->count, req->data, req->data_is_ptr ? " data_is_ptr" : "");
}

static int end_line(FILE *file, int ret)
{
	fputc('\n', file);
	fflush(file);
	return ret;
}

static int print_result(FILE *file, int ret)
{
	fprintf(file, " = %d", ret);
	return end_line(file, ret);
}

static void record_close(struct xenvirtio_hv *hv)
{
	struct record *r = to_record(hv);

	xenvirtio_hv_close(r->inner);
	fprintf(r->file, "close\n");
	fclose(r->file);
	free(r);
}

static void print_domain(FILE *file, const struct xenvirtio_domain_info *info)
{
	fprintf(file, " tot_pages=%" PRIu64 " max_pages=%" PRIu64 " vcpus=%" PRIu32 "%s%s%s", info->tot_pages, info->max_pages,
		info->nr_vcpus, info->dying ? " dying" : "", info->shutdown ? " shutdown" : "", info->paused ? " paused" : "");
}

static int record_domain_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->domain_info(r->inner, info);

	fprintf(r->file, "domain_info = %d", ret);
	if (!ret)
		print_domain(r->file, info);
	return end_line(r->file, ret);
}

static int record_ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range,
			     size_t max, size_t *nr)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->ram_ranges(r->inner, range, max, nr);

	fprintf(r->file, "ram_ranges max=%zu = %d", max, ret);
	for (size_t i = 0; !ret && i < *nr; i++)
		fprintf(r->file, " %" PRIx64 "-%" PRIx64, range[i].start.v, range[i].end_incl.v);
	return end_line(r->file, ret);
}

static int record_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
		      bool writable, void **va)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->map(r->inner, gfn, nr, writable, va);

	fprintf(r->file, "map %s", writable ? "rw" : "ro");
	print_frames(r->file, gfn, nr, 0);
	return print_result(r->file, ret);
}

static int record_unmap(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->unmap(r->inner, va, nr);

	fprintf(r->file, "unmap nr=%zu", nr);
	return print_result(r->file, ret);
}

static int record_revoke(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->revoke(r->inner, va, nr);

	fprintf(r->file, "revoke nr=%zu", nr);
	return print_result(r->file, ret);
}

static int record_frames_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
				 bool *present)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->frames_present(r->inner, gfn, nr, present);

	fprintf(r->file, "frames_present");
	print_frames(r->file, gfn, nr, 0);
	fprintf(r->file, " = %d%s", ret, ret ? "" : " ");
	for (size_t i = 0; !ret && i < nr; i++)
		fputc(present[i] ? '1' : '0', r->file);
	return end_line(r->file, ret);
}

static int record_ioreq_open(struct xenvirtio_hv *hv, const struct xenvirtio_gpa_range *range,
			     size_t nr, uint16_t *id)
{
	struct record *r = to_record(hv);
	uint16_t asked = *id;
	int ret = r->inner->ops->ioreq_open(r->inner, range, nr, id);

	fprintf(r->file, "ioreq_open");
	for (size_t i = 0; i < nr; i++)
		fprintf(r->file, " %" PRIx64 "-%" PRIx64, range[i].start.v, range[i].end_incl.v);
	if (asked == XENVIRTIO_IOREQ_NEW)
		fprintf(r->file, " new = %d", ret);
	else
		fprintf(r->file, " adopt=%u = %d", (unsigned int)asked, ret);
	if (!ret)
		fprintf(r->file, " id=%u", (unsigned int)*id);
	return end_line(r->file, ret);
}

static int record_ioreq_close(struct xenvirtio_hv *hv)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->ioreq_close(r->inner);

	fprintf(r->file, "ioreq_close");
	return print_result(r->file, ret);
}

/* Tells a number and does nothing, at any rate: not recorded. */
static int record_ioreq_fd(struct xenvirtio_hv *hv)
{
	struct record *r = to_record(hv);

	return r->inner->ops->ioreq_fd(r->inner);
}

static int record_ioreq_next(struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->ioreq_next(r->inner, req);

	fprintf(r->file, "ioreq_next = %d", ret);
	if (!ret)
		print_request(r->file, req);
	return end_line(r->file, ret);
}

static int record_ioreq_complete(struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->ioreq_complete(r->inner, req);

	fprintf(r->file, "ioreq_complete");
	print_request(r->file, req);
	return print_result(r->file, ret);
}

static int record_set_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->set_irq(r->inner, irq, level);

	fprintf(r->file, "set_irq irq=%" PRIu32 " level=%d", irq, level);
	return print_result(r->file, ret);
}

static int print_extents(struct record *r, const char *name, const struct xenvirtio_gfn *start,
			 size_t nr, unsigned int order, size_t done, int ret)
{
	fprintf(r->file, "%s order=%u", name, order);
	print_frames(r->file, start, nr, order);
	fprintf(r->file, " = %d done=%zu", ret, done);
	return end_line(r->file, ret);
}

static int record_release_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start,
				size_t nr, unsigned int order, size_t *done)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->release_pages(r->inner, start, nr, order, done);

	return print_extents(r, "release_pages", start, nr, order, *done, ret);
}

static int record_populate_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start,
				 size_t nr, unsigned int order, size_t *done)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->populate_pages(r->inner, start, nr, order, done);

	return print_extents(r, "populate_pages", start, nr, order, *done, ret);
}

static int record_set_max_mem(struct xenvirtio_hv *hv, uint64_t max_kib)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->set_max_mem(r->inner, max_kib);

	fprintf(r->file, "set_max_mem kib=%" PRIu64, max_kib);
	return print_result(r->file, ret);
}

/* Not written down: it asks nothing of the hypervisor. */
static bool record_irq_held(struct xenvirtio_hv *hv)
{
	struct record *r = to_record(hv);

	return XENVIRTIO_HV_HAS(r->inner, irq_held) && r->inner->ops->irq_held(r->inner);
}

/* --- optional operations: present in the recorder where the inner handle has them --- */

static int record_eventfd_features(struct xenvirtio_hv *hv, uint32_t *features)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->eventfd_features(r->inner, features);

	fprintf(r->file, "eventfd_features = %d", ret);
	if (!ret)
		fprintf(r->file, " %" PRIx32, *features);
	return end_line(r->file, ret);
}

static int print_ioeventfd(struct record *r, const char *name, struct xenvirtio_gpa base,
			   uint32_t queue, int ret)
{
	fprintf(r->file, "%s base=%" PRIx64 " queue=%" PRIu32, name, base.v, queue);
	return print_result(r->file, ret);
}

static int record_ioeventfd_add(struct xenvirtio_hv *hv, struct xenvirtio_gpa base,
				uint32_t queue, int fd)
{
	struct record *r = to_record(hv);

	return print_ioeventfd(r, "ioeventfd_add", base, queue,
			       r->inner->ops->ioeventfd_add(r->inner, base, queue, fd));
}

static int record_ioeventfd_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base,
				uint32_t queue, int fd)
{
	struct record *r = to_record(hv);

	return print_ioeventfd(r, "ioeventfd_del", base, queue,
			       r->inner->ops->ioeventfd_del(r->inner, base, queue, fd));
}

static int record_irqfd_add(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->irqfd_add(r->inner, irq, fd);

	fprintf(r->file, "irqfd_add irq=%" PRIu32, irq);
	return print_result(r->file, ret);
}

static int record_irqfd_del(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->irqfd_del(r->inner, irq, fd);

	fprintf(r->file, "irqfd_del irq=%" PRIu32, irq);
	return print_result(r->file, ret);
}

static int record_registers_add(struct xenvirtio_hv *hv,
				const struct xenvirtio_irq_registers *regs)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->registers_add(r->inner, regs);

	fprintf(r->file, "registers_add base=%" PRIx64 " irq=%" PRIu32 " status=%" PRIx32 "%s",
		regs->base.v, regs->irq, regs->status, regs->held ? " held" : "");
	return print_result(r->file, ret);
}

static int record_registers_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base,
				uint32_t *status)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->registers_del(r->inner, base, status);

	fprintf(r->file, "registers_del base=%" PRIx64 " = %d", base.v, ret);
	if (!ret)
		fprintf(r->file, " status=%" PRIx32, *status);
	return end_line(r->file, ret);
}

static int print_field(struct record *r, const char *name, const struct xenvirtio_field_register *field, int ret)
{
	fprintf(r->file, "%s addr=%" PRIx64 "%s", name, field->addr.v, field->written ? " written" : "");
	return print_result(r->file, ret);
}

static int record_field_add(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	struct record *r = to_record(hv);

	return print_field(r, "field_add", field, r->inner->ops->field_add(r->inner, field));
}

static int record_field_del(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	struct record *r = to_record(hv);

	return print_field(r, "field_del", field, r->inner->ops->field_del(r->inner, field));
}

static int record_pod_info(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->pod_info(r->inner, info);

	fprintf(r->file, "pod_info = %d", ret);
	if (!ret)
		fprintf(r->file, " entries=%" PRIu64 " cache_pages=%" PRIu64, info->entries, info->cache_pages);
	return end_line(r->file, ret);
}

static int record_memory_file(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd,
			      uint64_t *offset)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->memory_file(r->inner, range, fd, offset);

	fprintf(r->file, "memory_file %" PRIx64 "-%" PRIx64 " = %d", range->start.v, range->end_incl.v, ret);
	if (!ret)
		fprintf(r->file, " offset=%" PRIx64, *offset);
	return end_line(r->file, ret);
}

static int record_memory_forget(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->memory_forget(r->inner, range, nr);

	fprintf(r->file, "memory_forget");
	for (size_t i = 0; i < nr; i++)
		fprintf(r->file, " %" PRIx64 "-%" PRIx64, range[i].start.v, range[i].end_incl.v);
	return print_result(r->file, ret);
}

static int record_host_info(struct xenvirtio_hv *hv, struct xenvirtio_host_info *info)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->host_info(r->inner, info);

	fprintf(r->file, "host_info = %d", ret);
	if (!ret)
		fprintf(r->file, " total_pages=%" PRIu64 " free_pages=%" PRIu64, info->total_pages,
			info->free_pages);
	return end_line(r->file, ret);
}

static int record_pause(struct xenvirtio_hv *hv)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->pause(r->inner);

	fprintf(r->file, "pause");
	return print_result(r->file, ret);
}

static int record_unpause(struct xenvirtio_hv *hv)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->unpause(r->inner);

	fprintf(r->file, "unpause");
	return print_result(r->file, ret);
}

static int record_kick_wait(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t idle_us,
			    int fd, uint32_t *queue)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->kick_wait(r->inner, base, idle_us, fd, queue);

	fprintf(r->file, "kick_wait base=%" PRIx64 " idle_us=%" PRIu32 "%s = %d", base.v, idle_us,
		fd < 0 ? "" : " signal", ret);
	if (!ret)
		fprintf(r->file, " queue=%" PRIu32, *queue);
	return end_line(r->file, ret);
}

static int record_move_extents(struct xenvirtio_hv *hv, bool release, uint64_t tot_pages, const struct xenvirtio_extent *extent,
			       size_t nr, struct xenvirtio_domain_info *info, size_t *done)
{
	struct record *r = to_record(hv);
	int ret = r->inner->ops->move_extents(r->inner, release, tot_pages, extent, nr, info, done);

	fprintf(r->file, "move_extents %s tot_pages=%" PRIu64, release ? "release" : "populate", tot_pages);
	for (size_t i = 0; i < nr; i++)
		fprintf(r->file, " %" PRIx64 "/%u", extent[i].start.v, extent[i].order);
	fprintf(r->file, " = %d done=%zu", ret, *done);
	if (!ret || ret == XENVIRTIO_E_AGAIN)
		print_domain(r->file, info);
	return end_line(r->file, ret);
}

static const struct xenvirtio_hv_ops plain_ops = {
	.version = XENVIRTIO_HV_VERSION,
	.size = sizeof(struct xenvirtio_hv_ops),
	.name = "record",
	.close = record_close,
	.domain_info = record_domain_info,
	.ram_ranges = record_ram_ranges,
	.map = record_map,
	.unmap = record_unmap,
	.ioreq_open = record_ioreq_open,
	.ioreq_close = record_ioreq_close,
	.ioreq_fd = record_ioreq_fd,
	.ioreq_next = record_ioreq_next,
	.ioreq_complete = record_ioreq_complete,
	.set_irq = record_set_irq,
	.release_pages = record_release_pages,
	.populate_pages = record_populate_pages,
	.set_max_mem = record_set_max_mem,
	.irq_held = record_irq_held,
};

static void choose_ops(struct record *r)
{
	r->ops = plain_ops;
	if (XENVIRTIO_HV_HAS(r->inner, registers_del)) { /* the last of those that go together */
		r->ops.eventfd_features = record_eventfd_features;
		r->ops.ioeventfd_add = record_ioeventfd_add;
		r->ops.ioeventfd_del = record_ioeventfd_del;
		r->ops.irqfd_add = record_irqfd_add;
		r->ops.irqfd_del = record_irqfd_del;
		r->ops.registers_add = record_registers_add;
		r->ops.registers_del = record_registers_del;
	}
	if (XENVIRTIO_HV_HAS(r->inner, field_del)) {
		r->ops.field_add = record_field_add;
		r->ops.field_del = record_field_del;
	}
	if (XENVIRTIO_HV_HAS(r->inner, frames_present))
		r->ops.frames_present = record_frames_present;
	if (XENVIRTIO_HV_HAS(r->inner, pod_info))
		r->ops.pod_info = record_pod_info;
	if (XENVIRTIO_HV_HAS(r->inner, memory_forget)) {
		r->ops.memory_file = record_memory_file;
		r->ops.memory_forget = record_memory_forget;
	}
	if (XENVIRTIO_HV_HAS(r->inner, revoke))
		r->ops.revoke = record_revoke;
	if (XENVIRTIO_HV_HAS(r->inner, move_extents))
		r->ops.move_extents = record_move_extents;
	if (XENVIRTIO_HV_HAS(r->inner, kick_wait))
		r->ops.kick_wait = record_kick_wait;
	if (XENVIRTIO_HV_HAS(r->inner, host_info))
		r->ops.host_info = record_host_info;
	if (XENVIRTIO_HV_HAS(r->inner, unpause)) {
		r->ops.pause = record_pause;
		r->ops.unpause = record_unpause;
	}
	r->hv.ops = &r->ops;
}

int xenvirtio_hv_open_record(struct xenvirtio_hv **hv, struct xenvirtio_hv *inner,
			     const char *path)
{
	struct record *r;

	if (check_seam(inner))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->inner = inner;
	choose_ops(r);
	r->file = fopen(path, "ae");
	if (!r->file) {
		int ret = -errno;

		free(r);
		return ret;
	}
	*hv = &r->hv;
	return 0;
}
