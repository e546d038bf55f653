// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * disk-read: reads of a disk, so many at a time, past the page cache, each checked.
 *
 *   disk-read make FILE MIB                                     an image in which each 4 KiB begin with their number
 *   disk-read random|sequential DEVICE BYTES DEPTH REQUESTS     BYTES a request, DEPTH of them under way
 *
 * In a guest it has nothing but the kernel: static, and the kernel's asynchronous I/O by its system calls. It always has DEPTH
 * requests at the device and sends another for each that came back, as long as there are any. With 0 requests it does all but read: what
 * is left is the cost of starting it. Prints "requests N" and "wrong N"; status 1 if a request failed or brought other data.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_BYTES 4096u
#define DEPTH_MAX 64u
#define MIB 1048576u

struct job {
	int fd;
	bool random;
	uint64_t disk_bytes;
	uint64_t bytes;
	uint64_t left;	/* to be sent */
	uint64_t next;	/* of a sequential job: where the next request begins */
	uint64_t seed;
	uint64_t done, wrong;
	unsigned char *buf[DEPTH_MAX];
	struct iocb cb[DEPTH_MAX];
};

static int fail(const char *what)
{
	fprintf(stderr, "disk-read: %s: %s\n", what, strerror(errno));
	return 1;
}

static int make_image(const char *path, uint64_t mib)
{
	static uint64_t block[BLOCK_BYTES / sizeof(uint64_t)];
	FILE *file = fopen(path, "w");

	if (!file)
		return fail(path);
	for (uint64_t nr = 0; nr < mib * MIB / BLOCK_BYTES; nr++) {
		block[0] = nr;
		if (fwrite(block, sizeof(block), 1, file) != 1)
			return fail(path);
	}
	return fclose(file) ? fail(path) : 0;
}

/* The same places each time: xorshift64. */
static uint64_t choose_place(struct job *j)
{
	uint64_t places = j->disk_bytes / j->bytes, at;

	if (j->random) {
		j->seed ^= j->seed << 13;
		j->seed ^= j->seed >> 7;
		j->seed ^= j->seed << 17;
		return j->seed % places * j->bytes;
	}
	at = j->next;
	j->next = at + 2 * j->bytes > j->disk_bytes ? 0 : at + j->bytes;
	return at;
}

static void fill_request(struct job *j, unsigned int slot)
{
	j->cb[slot] = (struct iocb){
		.aio_data = slot,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)j->fd,
		.aio_buf = (uint64_t)(uintptr_t)j->buf[slot],
		.aio_nbytes = j->bytes,
		.aio_offset = (int64_t)choose_place(j),
	};
	j->left--;
}

static bool is_right(const struct job *j, unsigned int slot)
{
	uint64_t first = (uint64_t)j->cb[slot].aio_offset / BLOCK_BYTES, nr;

	for (uint64_t i = 0; i < j->bytes / BLOCK_BYTES; i++) {
		memcpy(&nr, j->buf[slot] + i * BLOCK_BYTES, sizeof(nr));
		if (nr != first + i)
			return false;
		/* the next read has to bring it again */
		memset(j->buf[slot] + i * BLOCK_BYTES, 0xff, sizeof(nr));
	}
	return true;
}

static bool send_all(aio_context_t aio, struct iocb **list, long nr)
{
	while (nr > 0) {
		long sent = syscall(SYS_io_submit, aio, nr, list);

		if (sent <= 0)
			return false;
		list += sent;
		nr -= sent;
	}
	return true;
}

static int run(struct job *j, unsigned int depth)
{
	struct io_event event[DEPTH_MAX];
	struct iocb *list[DEPTH_MAX];
	unsigned int busy = 0;
	aio_context_t aio = 0;
	long nr = 0;

	if (syscall(SYS_io_setup, depth, &aio))
		return fail("io_setup");
	for (; busy < depth && j->left; busy++) {
		fill_request(j, busy);
		list[nr++] = &j->cb[busy];
	}
	while (busy) {
		if (!send_all(aio, list, nr))
			return fail("io_submit");
		nr = 0;
		for (long i = 0, got = syscall(SYS_io_getevents, aio, 1l, (long)depth, event, NULL); i < got; i++) {
			unsigned int slot = (unsigned int)event[i].data;

			j->done++;
			if (event[i].res != (int64_t)j->bytes || !is_right(j, slot))
				j->wrong++;
			busy--;
			if (!j->left)
				continue;
			fill_request(j, slot);
			list[nr++] = &j->cb[slot];
			busy++;
		}
	}
	printf("requests %" PRIu64 "\nwrong %" PRIu64 "\n", j->done, j->wrong);
	return j->wrong != 0;
}

int main(int argc, char **argv)
{
	struct job j = {.seed = 88172645463325252u};
	unsigned int depth;

	if (argc == 4 && strcmp(argv[1], "make") == 0)
		return make_image(argv[2], strtoull(argv[3], NULL, 10));
	if (argc != 6 || (strcmp(argv[1], "random") != 0 && strcmp(argv[1], "sequential") != 0)) {
		fprintf(stderr, "usage: disk-read make FILE MIB | random|sequential DEVICE BYTES DEPTH REQUESTS\n");
		return 2;
	}
	j.random = argv[1][0] == 'r';
	j.bytes = strtoull(argv[3], NULL, 10);
	depth = (unsigned int)strtoul(argv[4], NULL, 10);
	j.left = strtoull(argv[5], NULL, 10);
	j.fd = open(argv[2], O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (j.fd < 0 || ioctl(j.fd, BLKGETSIZE64, &j.disk_bytes))
		return fail(argv[2]);
	if (!depth || depth > DEPTH_MAX || !j.bytes || j.bytes % BLOCK_BYTES || j.bytes > j.disk_bytes) {
		fprintf(stderr, "disk-read: a depth of 1 to %u, requests of whole 4 KiB within the disk\n", DEPTH_MAX);
		return 2;
	}
	for (unsigned int i = 0; i < depth; i++) {
		if (posix_memalign((void **)&j.buf[i], BLOCK_BYTES, j.bytes))
			return fail("memory");
		memset(j.buf[i], 0xff, j.bytes);
	}
	return run(&j, depth);
}
