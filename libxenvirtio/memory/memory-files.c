// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guest's memory as descriptors: see xenvirtio/memory-files.h.
 *
 * All or none: a backend that lacks a range takes a good address for a bad one. Knows the hv seam and
 * nothing above it, and never maps what it opens.
 */
#include <errno.h>
#include <unistd.h>
#include <xenvirtio/memory-files.h>

int xenvirtio_memory_files_open(struct xenvirtio_hv *hv, struct xenvirtio_memory_files *files)
{
	struct xenvirtio_gfn_range range[XENVIRTIO_MEMORY_FILES_MAX];
	size_t nr;
	int ret;

	*files = (struct xenvirtio_memory_files){ 0 };
	if (!XENVIRTIO_HV_HAS(hv, memory_file))
		return -ENOSYS;
	ret = hv->ops->ram_ranges(hv, range, XENVIRTIO_MEMORY_FILES_MAX, &nr);
	for (size_t i = 0; !ret && i < nr; i++) {
		struct xenvirtio_memory_file *file = &files->file[i];

		file->range = range[i];
		ret = hv->ops->memory_file(hv, &range[i], &file->fd, &file->offset);
		if (!ret)
			files->nr = i + 1;
	}
	if (ret)
		xenvirtio_memory_files_close(files);
	return ret;
}

void xenvirtio_memory_files_close(struct xenvirtio_memory_files *files)
{
	for (size_t i = 0; i < files->nr; i++)
		close(files->file[i].fd);
	*files = (struct xenvirtio_memory_files){ 0 };
}

const struct xenvirtio_memory_file *
xenvirtio_memory_files_find(const struct xenvirtio_memory_files *files, struct xenvirtio_gpa gpa,
			    uint64_t len)
{
	uint64_t last;

	if (!len || __builtin_add_overflow(gpa.v, len - 1, &last))
		return NULL;
	for (size_t i = 0; i < files->nr; i++) {
		const struct xenvirtio_gfn_range *range = &files->file[i].range;

		if (gpa.v >> XENVIRTIO_PAGE_SHIFT >= range->start.v &&
		    last >> XENVIRTIO_PAGE_SHIFT <= range->end_incl.v)
			return &files->file[i];
	}
	return NULL;
}

int xenvirtio_memory_files_forget(struct xenvirtio_hv *hv, struct xenvirtio_gfn start, uint64_t nr)
{
	struct xenvirtio_gfn_range range = { start, start };

	if (!nr || __builtin_add_overflow(start.v, nr - 1, &range.end_incl.v))
		return -EINVAL;
	if (!XENVIRTIO_HV_HAS(hv, memory_forget))
		return 0;
	return hv->ops->memory_forget(hv, &range, 1);
}
