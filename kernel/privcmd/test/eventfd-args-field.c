// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-args, virtio_field: its arguments, and whose memory its pages are.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventfd-args.h"
#include "eventfd.h"
#include "tap.h"

#define READ_FIELD 0
#define WRITE_FIELD PRIVCMD_VIRTIO_FIELD_FLAG_WRITE
#define DEASSIGN PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN

static void test_field_words(const struct server *s, struct privcmd_virtio_field good)
{
	char *mem =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(mem != MAP_FAILED && !mprotect(mem + 4096, 4096, PROT_READ) &&
	     !munmap(mem + 8192, 4096));
	expect(virtio_field(s->privcmd, BUT(good, word, good.word + 2)), EINVAL,
	       "virtio_field: word not aligned");
	expect(virtio_field(s->privcmd, BUT(good, word, 0)), EFAULT, "virtio_field: word is NULL");
	expect(virtio_field(s->privcmd, BUT(good, word, ~3ull)), EFAULT,
	       "virtio_field: word at the end of all");
	expect(virtio_field(s->privcmd, BUT(good, word, (uintptr_t)mem + 4096)), EFAULT,
	       "virtio_field: word is read-only");
	expect(virtio_field(s->privcmd, BUT(good, word, (uintptr_t)mem + 8192)), EFAULT,
	       "virtio_field: word is not mapped");
	expect(virtio_field(s->privcmd, BUT(good, word, good.ioreq)), EFAULT,
	       "virtio_field: word is in the ioreq page");
	expect(virtio_field(s->privcmd, BUT(good, word, (uintptr_t)mem + 4092)), 0,
	       "virtio_field: the last word of a page");
	munmap(mem, 8192);
	expect(virtio_field(s->privcmd, BUT(good, flags, DEASSIGN)), 0,
	       "virtio_field: deassign, with the word unmapped");
}

/* Of a file system that keeps books of what is written: ramfs says that it does, as on disks. */
static void test_field_of_a_file(const struct server *s, struct privcmd_virtio_field good)
{
	const char *dir = "/tmp/eventfd-args-ramfs";
	const char *path = "/tmp/eventfd-args-ramfs/word";
	void *mem;
	int fd, rc;

	must(!mkdir(dir, 0700) && !mount("none", dir, "ramfs", 0, NULL));
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	must(fd >= 0 && !ftruncate(fd, 4096));
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(mem != MAP_FAILED);
	rc = virtio_field(s->privcmd, BUT(good, word, (uintptr_t)mem));
	ok(rc == -1 && (errno == EFAULT || errno == EOPNOTSUPP),
	   "virtio_field: word is in a file that is not in memory alone");
	munmap(mem, 4096);
	close(fd);
	must(!umount(dir) && !rmdir(dir));
}

static void test_field_limit(const struct server *s, struct privcmd_virtio_field good)
{
	bool all = true;
	uint64_t i;

	for (i = 0; i < PRIVCMD_VIRTIO_FIELDS_MAX; i++)
		all &= !virtio_field(s->privcmd, BUT(good, addr, good.addr + 4 * i));
	ok(all, "virtio_field: as many as there may be");
	expect(virtio_field(s->privcmd, BUT(good, addr, good.addr + 4 * i)), ENOSPC,
	       "virtio_field: one more");
	for (i = 0, all = true; i < PRIVCMD_VIRTIO_FIELDS_MAX; i++)
		all &= !virtio_field(s->privcmd,
				     BUT(BUT(good, addr, good.addr + 4 * i), flags, DEASSIGN));
	ok(all, "virtio_field: deassign all");
}

/* What the process has locked, in pages. */
static long locked_pages(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	long kib = -1;
	char line[256];

	must(status);
	while (kib < 0 && fgets(line, sizeof(line), status))
		sscanf(line, "VmLck: %ld kB", &kib);
	fclose(status);
	must(kib >= 0);
	return kib * 1024 / sysconf(_SC_PAGESIZE);
}

/* In a process of its own: root's right to lock what it likes is gone for good. */
static int locked_by_an_equal(const struct server *s, struct privcmd_virtio_field good)
{
	struct privcmd_virtio_field writes = BUT(good, flags, WRITE_FIELD);
	struct rlimit one = {sysconf(_SC_PAGESIZE), sysconf(_SC_PAGESIZE)};
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {0};

	if (setrlimit(RLIMIT_MEMLOCK, &one) || virtio_field(s->privcmd, good) ||
	    virtio_field(s->privcmd, writes))
		return 1;
	if (virtio_field(s->privcmd, BUT(writes, flags, WRITE_FIELD | DEASSIGN)))
		return 2;
	if (syscall(SYS_capset, &head, caps))
		return 3;
	if (!virtio_field(s->privcmd, writes) || errno != ENOMEM || locked_pages() != 1)
		return 4;
	if (virtio_field(s->privcmd, BUT(good, flags, DEASSIGN)) ||
	    virtio_field(s->privcmd, writes) || locked_pages() != 1)
		return 5;
	/* One is left, for whoever has the file. */
	return 0;
}

/* Has pinned a page, which another process gives back meanwhile. */
static int waits_for_another(const struct server *s, struct privcmd_virtio_field good, int told,
			     int go)
{
	bool locked = !virtio_field(s->privcmd, good) && locked_pages() == 1;
	uint64_t one = 1;

	if (write(told, &one, sizeof(one)) != sizeof(one) ||
	    read(go, &one, sizeof(one)) != sizeof(one) || !locked)
		return 1;
	return locked_pages() ? 2 : 0;
}

static int end_of(pid_t pid)
{
	int status = -1;

	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Pinned pages are locked memory of the process that has them pinned, and no longer than that. */
static void test_field_account(const struct server *s, struct privcmd_virtio_field good)
{
	struct privcmd_virtio_field writes = BUT(good, flags, WRITE_FIELD);
	int told = eventfd(0, EFD_CLOEXEC), go = eventfd(0, EFD_CLOEXEC);
	long before = locked_pages();
	uint64_t one = 1;
	bool undone;
	pid_t pid;

	must(told >= 0 && go >= 0);
	must(!virtio_field(s->privcmd, good));
	ok(locked_pages() == before + 1, "virtio_field: its page counts as locked memory");
	must(!virtio_field(s->privcmd, writes));
	ok(locked_pages() == before + 2, "virtio_field: once for each field");
	expect(virtio_field(s->privcmd, writes), EEXIST, "virtio_field: one that is refused");
	expect(virtio_field(s->privcmd, BUT(BUT(good, addr, good.addr + 4), word, 0)), EFAULT,
	       "virtio_field: one without memory");
	ok(locked_pages() == before + 2, "virtio_field: do not count");
	must(!virtio_field(s->privcmd, BUT(good, flags, DEASSIGN)));
	must(!virtio_field(s->privcmd, BUT(writes, flags, WRITE_FIELD | DEASSIGN)));
	ok(locked_pages() == before, "virtio_field: deassigned, nothing does");

	pid = fork();
	must(pid >= 0);
	if (!pid)
		_exit(locked_by_an_equal(s, good));
	ok(end_of(pid) == 0, "virtio_field: ENOMEM beyond RLIMIT_MEMLOCK, but for CAP_IPC_LOCK");
	must(!virtio_field(s->privcmd, BUT(writes, flags, WRITE_FIELD | DEASSIGN)));
	ok(locked_pages() == before, "virtio_field: one of a process that has ended is not ours");

	pid = fork();
	must(pid >= 0);
	if (!pid)
		_exit(waits_for_another(s, good, told, go));
	must(read(told, &one, sizeof(one)) == sizeof(one));
	undone = !virtio_field(s->privcmd, BUT(good, flags, DEASSIGN));
	must(write(go, &one, sizeof(one)) == sizeof(one));
	ok(end_of(pid) == 0 && undone && locked_pages() == before,
	   "virtio_field: deassigned by another, it is the owner's count that falls");
	close(told);
	close(go);
}

static void test_field_closed(const struct server *s, struct privcmd_virtio_field good, int kick)
{
	long before = locked_pages();
	int file = privcmd_open();

	must(!ioeventfd(file, good_ioeventfd(s, kick, 0)) && !virtio_field(file, good));
	must(locked_pages() == before + 1 && !close(file));
	ok(locked_pages() == before, "virtio_field: with its file closed nothing is locked");
}

void test_virtio_field(const struct server *s, int fd, int kick)
{
	uint32_t word = 1;
	struct privcmd_virtio_field good = good_field(s, &word, READ_FIELD),
				    writes = good_field(s, &word, WRITE_FIELD);
	int null = open("/dev/null", O_RDWR), second = privcmd_open();

	expect(virtio_field(s->privcmd, good), ENOENT, "virtio_field: no ioeventfd");
	must(!ioeventfd(s->privcmd, good_ioeventfd(s, kick, 0)));
	expect(virtio_field(s->privcmd, BUT(good, flags, 4)), EINVAL, "virtio_field: unknown flag");
	expect(virtio_field(s->privcmd, BUT(good, pad[5], 1)), EINVAL, "virtio_field: pad");
	expect(virtio_field(s->privcmd, BUT(good, addr, good.addr + 2)), EINVAL,
	       "virtio_field: addr not aligned");
	expect(virtio_field(s->privcmd, BUT(good, addr, ~3ull)), EINVAL,
	       "virtio_field: addr wraps");
	expect(virtio_field(s->privcmd, BUT(good, event_fd, fd)), EINVAL,
	       "virtio_field: an eventfd for reads");
	expect(virtio_field(s->privcmd, BUT(writes, event_fd, 999999)), EBADF,
	       "virtio_field: no eventfd");
	expect(virtio_field(s->privcmd, BUT(writes, event_fd, null)), EINVAL,
	       "virtio_field: not an eventfd");
	expect(virtio_field(s->privcmd, BUT(good, dom, 0x7fef)), ENOENT,
	       "virtio_field: no such guest");
	expect(virtio_field(s->privcmd, BUT(good, ioreq, 4096)), ENOENT,
	       "virtio_field: another page");
	expect(virtio_field(second, good), ENOENT,
	       "virtio_field: another file, which has no ioeventfd");
	test_field_words(s, good);
	test_field_of_a_file(s, good);

	expect(virtio_field(s->privcmd, good), 0, "virtio_field: correct, after all that");
	expect(virtio_field(s->privcmd, good), EEXIST, "virtio_field: the same again");
	expect(virtio_field(s->privcmd, BUT(writes, event_fd, fd)), 0,
	       "virtio_field: for writes as well");
	expect(virtio_field(s->privcmd, writes), EEXIST, "virtio_field: writes again");
	expect(virtio_field(s->privcmd, BUT(BUT(good, flags, DEASSIGN), addr, good.addr + 4)),
	       ENODEV, "virtio_field: deassign another");
	expect(virtio_field(s->privcmd, BUT(good, flags, DEASSIGN)), 0, "virtio_field: deassign");
	expect(virtio_field(s->privcmd, BUT(good, flags, DEASSIGN)), ENODEV,
	       "virtio_field: deassign again");
	expect(virtio_field(s->privcmd, BUT(writes, flags, DEASSIGN | WRITE_FIELD)), 0,
	       "virtio_field: deassign for writes");
	test_field_limit(s, good);
	test_field_account(s, good);
	must(!ioeventfd(s->privcmd, BUT(good_ioeventfd(s, kick, 0), flags, 1)));
	test_field_closed(s, good, kick);
	close(second);
	close(null);
}
