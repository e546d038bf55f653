// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bytes of the fake's frames: one memfd, which the guest's side sees whole, and of which others
 * see what they have mapped.
 *
 * A mapping is a true one, so that a pointer that was kept too long is a fault. A quick machine has
 * no time for that: it maps the memfd a second time and hands out parts of it, and AddressSanitizer
 * is told of each page whether somebody has it mapped. It must not know the p2m, nor who owns what.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv-fake-internal.h"

#ifdef __has_feature
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define CAN_POISON true
#else
#define CAN_POISON false
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

static size_t all_bytes(const struct fake *f)
{
	return f->nr_frames << XENVIRTIO_PAGE_SHIFT;
}

static int map_all(const struct fake *f, uint8_t **at)
{
	void *va = mmap(NULL, all_bytes(f), PROT_READ | PROT_WRITE, MAP_SHARED, f->memfd, 0);

	if (va == MAP_FAILED)
		return -errno;
	*at = va;
	return 0;
}

int fake_view_init(struct fake *f)
{
	int ret;

	f->memfd = memfd_create("fake-guest", MFD_CLOEXEC);
	if (f->memfd < 0 || ftruncate(f->memfd, (off_t)all_bytes(f)))
		return -errno;
	ret = map_all(f, &f->memory);
	if (ret || !CAN_POISON || !f->config.quick)
		return ret;
	ret = map_all(f, &f->view);
	if (!ret)
		ASAN_POISON_MEMORY_REGION(f->view, all_bytes(f));
	return ret;
}

void fake_view_fini(struct fake *f)
{
	if (f->view) {
		ASAN_UNPOISON_MEMORY_REGION(f->view, all_bytes(f));
		munmap(f->view, all_bytes(f));
	}
	if (f->memory)
		munmap(f->memory, all_bytes(f));
	if (f->memfd >= 0)
		close(f->memfd);
}

static uint8_t *bytes_in(uint8_t *memory, uint32_t frame)
{
	return memory + ((size_t)frame << XENVIRTIO_PAGE_SHIFT);
}

const void *fake_view_read(const struct fake *f, uint32_t frame)
{
	return bytes_in(f->memory, frame);
}

void *fake_view_write(struct fake *f, uint32_t frame)
{
	f->frame[frame].dirty = true;
	return bytes_in(f->memory, frame);
}

/* One mmap for each run of consecutive frames, over a reservation that makes it contiguous. */
static int map_truly(struct fake *f, const uint32_t *frame, size_t nr, int prot, void **va)
{
	uint8_t *base = mmap(NULL, nr << XENVIRTIO_PAGE_SHIFT, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	for (size_t i = 0, run; i < nr; i += run) {
		for (run = 1; i + run < nr && frame[i + run] == frame[i] + run;)
			run++;
		if (mmap(base + (i << XENVIRTIO_PAGE_SHIFT), run << XENVIRTIO_PAGE_SHIFT, prot,
			 MAP_SHARED | MAP_FIXED, f->memfd,
			 (off_t)frame[i] << XENVIRTIO_PAGE_SHIFT) == MAP_FAILED) {
			int ret = -errno;

			munmap(base, nr << XENVIRTIO_PAGE_SHIFT);
			return ret;
		}
	}
	*va = base;
	return 0;
}

int fake_view_map(struct fake *f, struct fake_mapping *m, bool writable)
{
	for (size_t i = 0; i < m->nr; i++)
		f->frame[m->frame[i]].dirty |= writable;
	/* the view is for who may write */
	m->view = f->view && m->nr == 1 && writable;
	if (!m->view)
		return map_truly(f, m->frame, m->nr, writable ? PROT_READ | PROT_WRITE : PROT_READ,
				 &m->va);
	m->va = bytes_in(f->view, m->frame[0]);
	if (!f->frame[m->frame[0]].views++)
		ASAN_UNPOISON_MEMORY_REGION(m->va, XENVIRTIO_PAGE_SIZE);
	return 0;
}

void fake_view_unmap(struct fake *f, struct fake_mapping *m)
{
	if (!m->view)
		munmap(m->va, m->nr << XENVIRTIO_PAGE_SHIFT);
	else if (!--f->frame[m->frame[0]].views)
		ASAN_POISON_MEMORY_REGION(m->va, XENVIRTIO_PAGE_SIZE);
}

int fake_view_revoke(struct fake_mapping *m)
{
	if (m->view)
		return -EOPNOTSUPP;
	if (mmap(m->va, m->nr << XENVIRTIO_PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		return -errno;
	return 0;
}

void fake_view_clear(struct fake *f, uint32_t frame)
{
	uint8_t *bytes = bytes_in(f->memory, frame);

	if (!f->frame[frame].dirty)
		return;
	/* a hole in the memfd: zeroes that take no room; but that is a system call */
	if (f->config.quick || madvise(bytes, XENVIRTIO_PAGE_SIZE, MADV_REMOVE))
		memset(bytes, 0, XENVIRTIO_PAGE_SIZE);
}
