// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake's files of the guest's memory: the memfd that its frames are pages of.
 *
 * At first the guest's frames are there one behind the other, so a range of RAM is a range of that file, at an offset
 * that real Xen's do not have. A frame that was released and populated is another page: a mapping shows the old one
 * then, which on real Xen would be a page of the kernel's. Files take no part in counting who has a frame mapped.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "hv-fake-internal.h"

int fake_op_memory_file(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd,
			uint64_t *offset)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);
	uint64_t frames = 0;

	if (ret)
		return ret;
	if (f->no_memory_files)
		return -ENOSYS;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	for (size_t i = 0; i < f->config.nr_ram; i++) {
		const struct xenvirtio_gfn_range *r = &f->config.ram[i];

		if (range->start.v >= r->start.v && range->end_incl.v <= r->end_incl.v &&
		    range->start.v <= range->end_incl.v) {
			*offset = (frames + range->start.v - r->start.v) << XENVIRTIO_PAGE_SHIFT;
			*fd = fcntl(f->memfd, F_DUPFD_CLOEXEC, 0);
			return *fd < 0 ? -errno : 0;
		}
		frames += r->end_incl.v - r->start.v + 1;
	}
	return -EINVAL;
}

int fake_op_memory_forget(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	for (size_t i = 0; !ret && i < nr; i++)
		f->forgotten += range[i].end_incl.v - range[i].start.v + 1;
	return ret;
}

uint64_t fake_forgotten(const struct fake *f)
{
	return f->forgotten;
}

void fake_set_no_memory_files(struct fake *f)
{
	f->no_memory_files = true;
}
