// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What runs in a guest whose kernel shall be followed by another without a reboot.
 *
 *   kexec load KERNEL INITRD COMMAND_LINE    of the kernel that "kexec go" starts
 *   kexec crash KERNEL INITRD COMMAND_LINE   of the one that starts when this one panics
 *   kexec go                                 start it
 *
 * kexec_file_load(2): the kernel itself reads the files, and sees whether they can be started. Debian's has no such call on arm64. There
 * it is kexec_load(2), with the device tree that this kernel has, so its command line and its initramfs' place: that is made for a guest
 * of 320 MiB or more as libxl lays it out, and for "load" alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "kexec: %s: %s\n", what, strerror(errno));
	return 1;
}

#ifdef __aarch64__
/* between what libxl puts there: its kernel at 0x40000000, its initramfs at 0x48000000 */
#define KERNEL_AT UINT64_C(0x44000000)
#define TREE_AT UINT64_C(0x4d000000)
#define START_AT UINT64_C(0x4d800000)
/* in the head of an arm64 Image */
#define IMAGE_SIZE_AT 16
#define PAGES(bytes) (((bytes) + 0xfff) & ~UINT64_C(0xfff))
#define CHOSEN "/sys/firmware/devicetree/base/chosen/"

/* Return: the whole file; NULL */
static uint8_t *slurp(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *all = NULL, *more;
	size_t room = 0, got = 0;

	*size = 0;
	if (!file)
		return NULL;
	do {
		*size += got;
		if (*size == room) {
			room += 8 << 20;
			more = realloc(all, room);
			if (!more)
				return NULL;
			all = more;
		}
		got = fread(all + *size, 1, room - *size, file);
	} while (got);
	fclose(file);
	return all;
}

/* What the device tree says in big endian; 0: nothing */
static uint64_t chosen(const char *path)
{
	uint64_t value = 0;
	size_t size;
	uint8_t *bytes = slurp(path, &size);

	for (size_t i = 0; bytes && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

static int load(char **arg, unsigned long flags)
{
	/* ldr x0, tree; mov x1, xzr; mov x2, xzr; mov x3, xzr; ldr x4, kernel; br x4 */
	static const uint64_t start[] = {0xaa1f03e1580000c0, 0xaa1f03e3aa1f03e2, 0xd61f008058000084, TREE_AT, KERNEL_AT};
	uint64_t initrd_at = chosen(CHOSEN "linux,initrd-start"), initrd_end = chosen(CHOSEN "linux,initrd-end"), image_size;
	size_t kernel_size, initrd_size, tree_size;
	uint8_t *kernel = slurp(arg[0], &kernel_size), *initrd = slurp(arg[1], &initrd_size);
	uint8_t *tree = slurp("/sys/firmware/fdt", &tree_size);
	struct kexec_segment segment[] = {
		{.buf = kernel, .bufsz = kernel_size, .mem = (void *)KERNEL_AT},
		/* what it is longer than this one stays zero */
		{.buf = initrd, .bufsz = initrd_size, .mem = (void *)initrd_at, .memsz = PAGES(initrd_end - initrd_at)},
		{.buf = tree, .bufsz = tree_size, .mem = (void *)TREE_AT, .memsz = PAGES(tree_size)},
		{.buf = start, .bufsz = sizeof(start), .mem = (void *)START_AT, .memsz = PAGES(sizeof(start))},
	};

	if (!kernel || !initrd || !tree || flags || kernel_size < IMAGE_SIZE_AT + sizeof(image_size))
		return fail("its files cannot be loaded here");
	memcpy(&image_size, kernel + IMAGE_SIZE_AT, sizeof(image_size));
	segment[0].memsz = PAGES(image_size);
	if (syscall(SYS_kexec_load, START_AT, sizeof(segment) / sizeof(segment[0]), segment, KEXEC_ARCH_AARCH64))
		return fail("kexec_load");
	return 0;
}

#define CRASH 1
#else
static int load(char **arg, unsigned long flags)
{
	int kernel = open(arg[0], O_RDONLY | O_CLOEXEC), initrd = open(arg[1], O_RDONLY | O_CLOEXEC);

	if (kernel < 0)
		return fail(arg[0]);
	if (initrd < 0)
		return fail(arg[1]);
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(arg[2]) + 1, arg[2], flags))
		return fail("kexec_file_load");
	return 0;
}

#define CRASH KEXEC_FILE_ON_CRASH
#endif

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "load") == 0)
		return load(argv + 2, 0);
	if (argc == 5 && strcmp(argv[1], "crash") == 0)
		return load(argv + 2, CRASH);
	if (argc == 2 && strcmp(argv[1], "go") == 0) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
		return fail("reboot");
	}
	fprintf(stderr, "usage: kexec load|crash KERNEL INITRD COMMAND_LINE, kexec go\n");
	return 2;
}
