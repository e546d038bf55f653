// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioctls of hv-xen-eventfd.c as a kernel sees them: ours, upstream's, and kernels without.
 *
 * /dev/xen/privcmd is /dev/null here and ioctl() is this file's; numbers are written out, since
 * what is protected is that they are those of Linux 6.7 and of the modules in kernel/.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv/xen/hv-xen.h"

#include <xen/hvm/dm_op.h>
#include <xen/privcmd-eventfd.h>

#define DOMID 7
#define BASE UINT64_C(0x2000000)
#define RESTRICT 0x00025006ul	/* _IOC(_IOC_NONE, 'P', 6, 2) */
#define IRQFD 0x40185008ul	/* _IOW('P', 8, 24 bytes) */
#define IOEVENTFD 0x40305009ul	/* _IOW('P', 9, 48 bytes) */
#define INFO 0x80185080ul	/* _IOR('P', 0x80, 24 bytes) */
#define VIRTIO_IRQ 0xc0305081ul /* _IOWR('P', 0x81, 48 bytes) */
#define IOEVENTFD_WAIT 0x40205082ul /* _IOW('P', 0x82, 32 bytes) */
#define VIRTIO_FIELD 0x40285083ul /* _IOW('P', 0x83, 40 bytes) */

enum kernel { DEBIAN_6_1, DEBIAN_6_12, UPSTREAM, OURS };

static struct {
	enum kernel kernel;
	uint32_t features;
	uint16_t restricted;
	int open_files;
	int answer; /* errno of what is no question */
	struct privcmd_ioeventfd ioeventfd;
	struct privcmd_irqfd irqfd;
	struct privcmd_virtio_irq virtio_irq;
	struct privcmd_ioeventfd_wait wait;
	struct privcmd_virtio_field field;
	int kicked; /* what a wait returns */
	struct xen_dm_op op;
} host;

static struct ioreq_page page;
static struct xen_hv x;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_open(const char *path, int flags, ...)
{
	assert_string_equal(path, "/dev/xen/privcmd");
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	host.open_files++;
	return __real_open("/dev/null", flags);
}

int __wrap_open64(const char *path, int flags, ...)
{
	return __wrap_open(path, flags);
}

int __wrap_close(int fd)
{
	host.open_files--;
	return __real_close(fd);
}

static int fail_with(int err)
{
	errno = err;
	return err ? -1 : 0;
}

static void copy_op(uint64_t at, uint32_t size)
{
	assert_true(size <= sizeof(host.op));
	memset(&host.op, 0xff, sizeof(host.op));
	memcpy(&host.op, (const void *)(uintptr_t)at, size);
}

static int answer_info(struct privcmd_eventfd_info *info)
{
	if (host.kernel != OURS)
		return fail_with(ENOTTY);
	*info = (struct privcmd_eventfd_info){ .features = host.features, .vcpus_max = 128 };
	return 0;
}

static int answer_ioeventfd(const struct privcmd_ioeventfd *arg)
{
	static const int without[] = { [DEBIAN_6_1] = ENOTTY, [DEBIAN_6_12] = EOPNOTSUPP };

	if (host.kernel < UPSTREAM)
		return fail_with(without[host.kernel]);
	if (arg->flags & ~1u)
		return fail_with(EINVAL);
	host.ioeventfd = *arg;
	return fail_with(host.answer);
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	assert_true(fd >= 0);
	if (request == RESTRICT) {
		memcpy(&host.restricted, arg, sizeof(host.restricted));
		return 0;
	}
	/* nothing is asked of an unrestricted file */
	assert_int_equal(host.restricted, DOMID);
	switch (request) {
	case INFO:
		return answer_info(arg);
	case IOEVENTFD:
		return answer_ioeventfd(arg);
	case IRQFD:
		memcpy(&host.irqfd, arg, sizeof(host.irqfd));
		copy_op(host.irqfd.dm_op, host.irqfd.size);
		return fail_with(host.answer);
	case VIRTIO_IRQ:
		memcpy(&host.virtio_irq, arg, sizeof(host.virtio_irq));
		if (host.virtio_irq.flags & 1)
			((struct privcmd_virtio_irq *)arg)->status = 2;
		else
			copy_op(host.virtio_irq.dm_op, host.virtio_irq.size);
		return fail_with(host.answer);
	case VIRTIO_FIELD:
		memcpy(&host.field, arg, sizeof(host.field));
		return fail_with(host.answer);
	case IOEVENTFD_WAIT:
		memcpy(&host.wait, arg, sizeof(host.wait));
		if (host.answer)
			return fail_with(host.answer);
		return host.kicked;
	default:
		fail_msg("ioctl %lx", request);
	}
	return -1;
}

static int setup(void **state)
{
	memset(&host, 0, sizeof(host));
	x = (struct xen_hv){ .domid = DOMID, .eventfd.file = -1 };
	x.ioreq.page = &page;
	x.ioreq.nr_vcpus = 2;
	return 0;
}

static int teardown(void **state)
{
	xen_eventfd_close(&x);
	assert_int_equal(host.open_files, 0);
	return 0;
}

static uint32_t ask(enum kernel kernel, uint32_t kernels)
{
	uint32_t features = UINT32_MAX;

	host.kernel = kernel;
	host.features = kernels;
	xen_eventfd_close(&x);
	assert_int_equal(xen_eventfd_features(&x.hv, &features), 0);
	assert_int_equal(host.open_files, 1);
	assert_int_equal(xen_eventfd_features(&x.hv, &features), 0);
	assert_int_equal(host.open_files, 1);
	return features;
}

static void kernels_are_told_apart(void **state)
{
	const uint32_t plain = XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD;

	assert_int_equal(ask(DEBIAN_6_1, 0), 0);
	assert_int_equal(ask(DEBIAN_6_12, 0), 0);
#if !defined(__x86_64__) && !defined(__i386__)
	assert_int_equal(ask(UPSTREAM, 0), plain);
#else
	/* this machine is not a PVH or HVM dom0, and in any other upstream's is not to be tried */
	assert_int_equal(ask(UPSTREAM, 0), 0);
#endif
	assert_int_equal(ask(OURS, 0), 0);
	assert_int_equal(ask(OURS, 1 | 8), XENVIRTIO_EVENTFD_IRQFD);
	assert_int_equal(ask(OURS, 1 | 2), plain);
	/* quiet means both: no other wake-up, and no leftover of the dead */
	assert_int_equal(ask(OURS, 1 | 2 | 4), plain);
	assert_int_equal(ask(OURS, 0xffffff80u | 0xf), plain | XENVIRTIO_EVENTFD_QUIET);
	assert_int_equal(ask(OURS, 63), plain | XENVIRTIO_EVENTFD_QUIET |
						XENVIRTIO_EVENTFD_REGISTERS |
						XENVIRTIO_EVENTFD_WAIT);
	assert_int_equal(ask(OURS, 127) & ~ask(OURS, 63), XENVIRTIO_EVENTFD_FIELDS);
	assert_int_equal(ask(OURS, 31), plain | XENVIRTIO_EVENTFD_QUIET |
						XENVIRTIO_EVENTFD_REGISTERS);
}

static void arguments_are_the_kernels(void **state)
{
	const struct xenvirtio_irq_registers regs = {
		.base = { BASE }, .irq = 37, .held = true, .used_fd = 21, .config_fd = 22,
		.status = 1,
	};
	uint32_t status = 9, queue = 9;

	ask(OURS, 31);
	assert_int_equal(xen_ioeventfd_add(&x.hv, xenvirtio_gpa(BASE), 3, 20), 0);
	assert_int_equal(host.ioeventfd.ioreq, (uintptr_t)&page);
	assert_int_equal(host.ioeventfd.ports, (uintptr_t)x.ioreq.port);
	assert_int_equal(host.ioeventfd.addr, BASE);
	assert_int_equal(host.ioeventfd.addr_len, 4);
	assert_int_equal(host.ioeventfd.event_fd, 20);
	assert_int_equal(host.ioeventfd.vcpus, 2);
	assert_int_equal(host.ioeventfd.vq, 3);
	assert_int_equal(host.ioeventfd.flags, 0);
	assert_int_equal(host.ioeventfd.dom, DOMID);
	assert_int_equal(xen_ioeventfd_del(&x.hv, xenvirtio_gpa(BASE), 3, 20), 0);
	assert_int_equal(host.ioeventfd.flags, 1);
	assert_int_equal(host.ioeventfd.addr, BASE);

	assert_int_equal(xen_irqfd_add(&x.hv, 37, 23), 0);
	assert_int_equal(host.irqfd.fd, 23);
	assert_int_equal(host.irqfd.flags, 0);
	assert_int_equal(host.irqfd.dom, DOMID);
#if defined(__x86_64__) || defined(__i386__)
	assert_int_equal(host.op.op, XEN_DMOP_set_pci_intx_level);
	assert_int_equal(host.op.u.set_pci_intx_level.device, 5);
	assert_int_equal(host.op.u.set_pci_intx_level.intx, 1);
	assert_int_equal(host.op.u.set_pci_intx_level.level, 1);
	assert_int_equal(xen_irqfd_add(&x.hv, 7, 23), 0);
	assert_int_equal(host.op.op, XEN_DMOP_set_isa_irq_level);
	assert_int_equal(host.op.u.set_isa_irq_level.isa_irq, 7);
	assert_int_equal(host.op.u.set_isa_irq_level.level, 1);
	assert_int_equal(xen_irqfd_add(&x.hv, 16 + 128, 23), -EINVAL);
#else
	assert_int_equal(host.op.op, XEN_DMOP_set_irq_level);
	assert_int_equal(host.op.u.set_irq_level.irq, 37);
	assert_int_equal(host.op.u.set_irq_level.level, 1);
#endif
	assert_int_equal(xen_irqfd_del(&x.hv, 37, 23), 0);
	assert_int_equal(host.irqfd.flags, 1);

	assert_int_equal(xen_registers_add(&x.hv, &regs), 0);
	assert_int_equal(host.virtio_irq.ioreq, (uintptr_t)&page);
	assert_int_equal(host.virtio_irq.addr, BASE);
	assert_int_equal(host.virtio_irq.vring_fd, 21);
	assert_int_equal(host.virtio_irq.config_fd, 22);
	assert_int_equal(host.virtio_irq.status, 1);
	assert_int_equal(host.virtio_irq.flags, 2);
	assert_int_equal(host.virtio_irq.dom, DOMID);
	assert_int_equal(xen_registers_del(&x.hv, xenvirtio_gpa(BASE), &status), 0);
	assert_int_equal(host.virtio_irq.flags, 1);
	assert_int_equal(status, 2);

	/* a queue more than its number is the kernel's answer, so that none is 0 */
	host.kicked = 4;
	assert_int_equal(xen_kick_wait(&x.hv, xenvirtio_gpa(BASE), 50, 21, &queue), 0);
	assert_int_equal(queue, 3);
	assert_int_equal(host.wait.ioreq, (uintptr_t)&page);
	assert_int_equal(host.wait.addr, BASE);
	assert_int_equal(host.wait.idle_us, 50);
	assert_int_equal(host.wait.signal_fd, 21);
	assert_int_equal(host.wait.dom, DOMID);
	host.kicked = 0;
	assert_int_equal(xen_kick_wait(&x.hv, xenvirtio_gpa(BASE), 50, -1, &queue),
			 XENVIRTIO_E_EMPTY);
	assert_int_equal(host.wait.signal_fd, -1);
	host.answer = EBUSY;
	assert_int_equal(xen_kick_wait(&x.hv, xenvirtio_gpa(BASE), 50, -1, &queue), -EBUSY);
	host.answer = 0;
}

static void fields_are_the_kernels(void **state)
{
	uint32_t word = 0;
	struct xenvirtio_field_register field = { .addr = { BASE + 0x104 }, .word = &word, .fd = 23 };

	ask(OURS, 127);
	assert_int_equal(xen_field_add(&x.hv, &field), 0);
	assert_int_equal(host.field.ioreq, (uintptr_t)&page);
	assert_int_equal(host.field.addr, BASE + 0x104);
	assert_int_equal(host.field.word, (uintptr_t)&word);
	assert_int_equal(host.field.event_fd, -1);
	assert_int_equal(host.field.flags, 0);
	assert_int_equal(host.field.dom, DOMID);
	field.written = true;
	assert_int_equal(xen_field_add(&x.hv, &field), 0);
	assert_int_equal(host.field.event_fd, 23);
	assert_int_equal(host.field.flags, PRIVCMD_VIRTIO_FIELD_FLAG_WRITE);
	assert_int_equal(xen_field_del(&x.hv, &field), 0);
	assert_int_equal(host.field.flags, PRIVCMD_VIRTIO_FIELD_FLAG_WRITE | PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN);
	host.answer = EFAULT;
	assert_int_equal(xen_field_add(&x.hv, &field), -EFAULT);
	host.answer = ENODEV;
	assert_int_equal(xen_field_del(&x.hv, &field), -ENODEV);
	host.answer = 0;
}

/* Upstream's handler passes through slots that are ours: only there next() waits for it. */
static void upstreams_ioeventfds_are_counted(void **state)
{
	ask(OURS, 1 | 2);
	assert_int_equal(xen_ioeventfd_add(&x.hv, xenvirtio_gpa(BASE), 0, 20), 0);
	assert_int_equal(x.eventfd.shared, 1);
	host.answer = EEXIST;
	assert_int_equal(xen_ioeventfd_add(&x.hv, xenvirtio_gpa(BASE), 0, 20), -EEXIST);
	assert_int_equal(x.eventfd.shared, 1);
	host.answer = 0;
	assert_int_equal(xen_ioeventfd_del(&x.hv, xenvirtio_gpa(BASE), 0, 20), 0);
	assert_int_equal(x.eventfd.shared, 0);
	ask(OURS, 31);
	assert_int_equal(xen_ioeventfd_add(&x.hv, xenvirtio_gpa(BASE), 0, 20), 0);
	assert_int_equal(x.eventfd.shared, 0);
}

static void errors_are_the_seams(void **state)
{
	static const struct {
		int err, ret;
	} rows[] = {
		{ EPERM, -EACCES }, { EOPNOTSUPP, -ENOSYS }, { ENODEV, -ENODEV },
		{ ESRCH, XENVIRTIO_E_GONE }, { ENOTCONN, -ENOTCONN },
	};
	uint32_t status = 9;

	/* before it was asked, and without a server */
	assert_int_equal(xen_irqfd_add(&x.hv, 37, 20), -ENOSYS);
	ask(OURS, 31);
	x.ioreq.page = NULL;
	assert_int_equal(xen_ioeventfd_add(&x.hv, xenvirtio_gpa(BASE), 0, 20), -EINVAL);
	x.ioreq.page = &page;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host.answer = rows[i].err;
		assert_int_equal(xen_ioeventfd_add(&x.hv, xenvirtio_gpa(BASE), 0, 20), rows[i].ret);
		assert_int_equal(xen_irqfd_del(&x.hv, 37, 20), rows[i].ret);
		assert_int_equal(xen_registers_del(&x.hv, xenvirtio_gpa(BASE), &status),
				 rows[i].ret);
		assert_int_equal(status, 9);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(kernels_are_told_apart),
		TEST(arguments_are_the_kernels),
		TEST(fields_are_the_kernels),
		TEST(upstreams_ioeventfds_are_counted),
		TEST(errors_are_the_seams),
	};

	return cmocka_run_group_tests_name("hv-xen-eventfd", tests, NULL, NULL);
}
