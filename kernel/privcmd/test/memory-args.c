// SPDX-License-Identifier: GPL-2.0-only
/*
 * `memory`: bad arguments, and what kind of file it is.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "tap.h"

#define IOCTL_RESTRICT _IOC(_IOC_NONE, 'P', 6, sizeof(uint16_t))
#define FILES_MAX 256

static int forget(int privcmd, struct privcmd_memory_forget arg)
{
	return ioctl(privcmd, IOCTL_PRIVCMD_MEMORY_FORGET, &arg);
}

static void test_forget_args(struct world *w)
{
	struct privcmd_memory_range range = {GUEST_RAM_GFN, 1};
	struct privcmd_memory_forget good = {
		.ranges = (uintptr_t)&range, .nr_ranges = 1, .dom = w->dom};
	int privcmd = w->server.privcmd;

	expect(forget(privcmd, good), 0, "forget what nobody has");
	expect(forget(privcmd, WITH(good, nr_ranges, 0)), 0, "forget nothing");
	expect(forget(privcmd, WITH(good, flags, 1)), EINVAL, "forget: a flag");
	expect(forget(privcmd, WITH(good, pad[5], 1)), EINVAL, "forget: pad");
	expect(forget(privcmd, WITH(good, ranges, 0)), EFAULT, "forget: no ranges");
	expect(forget(privcmd, WITH(good, nr_ranges, 1025)), EINVAL, "forget: 1025 ranges");
	expect(forget(privcmd, WITH(good, nr_ranges, ~0u)), EINVAL, "forget: 2^32 - 1 ranges");
	expect(ioctl(privcmd, IOCTL_PRIVCMD_MEMORY_FORGET, NULL), EFAULT, "forget: no argument");
	range.nr_frames = 0;
	expect(forget(privcmd, good), EINVAL, "forget: a range of 0 frames");
	range = (struct privcmd_memory_range){~0ull, 2};
	expect(forget(privcmd, good), EINVAL, "forget: a range that wraps");
}

static void test_restricted(struct world *w)
{
	int privcmd = privcmd_open(), fd;
	uint16_t dom = w->other;

	must(privcmd >= 0 && !ioctl(privcmd, IOCTL_RESTRICT, &dom));
	expect(memory_ioctl(privcmd, good_memory(w->dom)), EPERM,
	       "restricted: another guest's memory");
	expect(forget_pages(privcmd, w->dom, 0, 1), EPERM,
	       "restricted: another guest's memory to forget");
	fd = memory_ioctl(privcmd, good_memory(w->other));
	expect(fd, 0, "restricted: its guest's memory");
	expect(forget_pages(privcmd, w->other, 0, 1), 0,
	       "restricted: its guest's memory to forget");
	close(fd);
	close(privcmd);
}

static void test_many(struct world *w)
{
	struct rlimit files = {1024, 1024};
	int fds[FILES_MAX], privcmd = privcmd_open(), i, nr = 0;

	must(privcmd >= 0 && !setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < FILES_MAX; i++) {
		fds[i] = memory_ioctl(privcmd, good_memory(w->dom));
		nr += fds[i] >= 0;
	}
	ok(nr == FILES_MAX, "%d files of memory on one file", FILES_MAX);
	ok(memory_info(privcmd).nr_files == FILES_MAX, "all are counted");
	expect(memory_ioctl(privcmd, good_memory(w->dom)), ENOSPC, "one more");
	close(fds[0]);
	fds[0] = memory_ioctl(privcmd, good_memory(w->dom));
	expect(fds[0], 0, "one in place of another");
	close(privcmd);
	for (i = 0; i < FILES_MAX; i++)
		close(fds[i]);
	ok(!memory_info(w->server.privcmd).nr_files, "none is left");
}

void test_memory_args(struct world *w)
{
	struct privcmd_memory good = good_memory(w->dom);
	int privcmd = w->server.privcmd;

	expect(memory_ioctl(privcmd, WITH(good, flags, 1)), EINVAL, "a flag");
	expect(memory_ioctl(privcmd, WITH(good, pad[1], 1)), EINVAL, "pad");
	expect(memory_ioctl(privcmd, WITH(good, nr_frames, 0)), EINVAL, "0 frames");
	expect(memory_ioctl(privcmd, WITH(good, nr_frames, ~0ull)), EINVAL, "2^64 - 1 frames");
	expect(memory_ioctl(privcmd, WITH(good, gfn, ~0ull)), EINVAL, "frames that wrap");
	expect(memory_ioctl(privcmd, WITH(good, gfn, 1ull << 51)), EINVAL,
	       "an address that is none");
	expect(memory_ioctl(privcmd, WITH(good, dom, 0x7fef)), ESRCH, "no such guest");
	expect(memory_ioctl(privcmd, WITH(good, dom, 0x7ff0)), EINVAL, "DOMID_SELF");
	expect(ioctl(privcmd, IOCTL_PRIVCMD_MEMORY, NULL), EFAULT, "no argument");
	expect(ioctl(privcmd, IOCTL_PRIVCMD_MEMORY_INFO, NULL), EFAULT, "nowhere to tell");
	test_forget_args(w);
	test_restricted(w);
	test_many(w);
}

static int map_fails(int fd, size_t size, int flags, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset) == MAP_FAILED ? -1 : 0;
}

void test_memory_file(struct world *w)
{
	int fd = memory_new(w->server.privcmd, w->dom, 0, RAM_PAGES);
	off_t size = RAM_PAGES * PAGE;
	char path[32], *tail;
	struct stat st;

	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "closed on exec");
	ok(lseek(fd, 0, SEEK_END) == size, "its end is where the range's is");
	ok(lseek(fd, 0, SEEK_SET) == 0, "and it rewinds");
	expect(lseek(fd, size + 1, SEEK_SET), EINVAL, "seek past the end");
	must(!fstat(fd, &st));
	ok(st.st_size == size && st.st_blksize == (long)PAGE, "stat says so, too");
	expect(read(fd, path, 1), EINVAL, "read");
	expect(write(fd, path, 1), EINVAL, "write");
	must(lseek(fd, 0, SEEK_END) == size);
	expect(write(fd, path, 1), EINVAL, "write beyond the end");
	ok(ftruncate(fd, 2 * size) < 0, "it cannot be made larger");
	ok(ftruncate(fd, 0) < 0, "nor smaller");
	ok(fallocate(fd, 0, 0, size) < 0, "nor has it anything to allocate");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ok(open(path, O_RDWR) < 0, "it is not opened again");

	expect(map_fails(fd, size, MAP_PRIVATE, 0), EINVAL, "a private mapping");
	expect(map_fails(fd, size + PAGE, MAP_SHARED, 0), EINVAL, "more than there is");
	expect(map_fails(fd, PAGE, MAP_SHARED, size), EINVAL, "behind the end");
	expect(map_fails(fd, 2 * PAGE, MAP_SHARED, size - PAGE), EINVAL, "across the end");
	tail = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_NORESERVE | MAP_POPULATE, fd,
		    size - PAGE);
	ok(tail != MAP_FAILED, "the last page");
	ok(!memory_info(w->server.privcmd).nr_frames, "nothing is mapped before it is touched");
	munmap(tail, PAGE);
	close(fd);
}
