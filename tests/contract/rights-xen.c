// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a device process could do with the descriptors that it has: takes a copy of each (pidfd_getfd) and tries.
 *
 *   rights-xen PID DOMID OTHER   the process, the domain it serves, and another one that there is
 *
 * Prints TAP: a line for each descriptor of /dev/xen and each thing that it must refuse, or must not. What holds no right is
 * listed in comments. Exits with 1 when a check failed, 2 when it could not look.
 *
 * A copy is the same open file: whatever is let through is done to the process. So each descriptor is asked first for something
 * that comes to nothing where it is not refused, and one that lets that through is left alone: a restriction, above all, would
 * stay with its owner.
 *
 * Written from the kernel's interface, with no code of the daemon's and no library of Xen's, as somebody would use it who has
 * taken the process over.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/privcmd.h>

#define HYPERCALLS 64
#define VERSION_CALL 17
#define NO_VIRQ 0xffffu

struct look {
	domid_t domid, other;
	unsigned int number, failed, descriptors;
	const char *what; /* the descriptor at hand */
};

static void result(struct look *l, bool good, const char *text)
{
	printf("%sok %u - %s: %s\n", good ? "" : "not ", ++l->number, l->what, text);
	l->failed += !good;
}

/* Fails, and of one of two reasons: 0 for only one. */
static bool refuses(int fd, unsigned long request, void *arg, int first, int second)
{
	int rc = ioctl(fd, request, arg);

	if (rc < 0 && (errno == first || (second && errno == second)))
		return true;
	printf("# returned %d, %s\n", rc, rc < 0 ? strerror(errno) : "no error");
	return false;
}

static bool refuses_hypercall(int fd, uint64_t op)
{
	privcmd_hypercall_t call = {.op = op, .arg = {UINT32_MAX, 0, 0, 0, 0}};

	if (refuses(fd, IOCTL_PRIVCMD_HYPERCALL, &call, EPERM, 0))
		return true;
	printf("# hypercall %" PRIu64 "\n", op);
	return false;
}

/* Return: false: it is not restricted, leave it alone */
static bool try_hypercalls(struct look *l, int fd)
{
	bool good = refuses_hypercall(fd, VERSION_CALL);

	for (uint64_t op = 0; good && op < HYPERCALLS; op++)
		good = refuses_hypercall(fd, op);
	result(l, good, "no hypercall by number");
	return good;
}

static void try_domain(struct look *l, int fd, domid_t domid, const char *text)
{
	privcmd_dm_op_t dm_op = {.dom = domid};
	xen_pfn_t frame = 0x40000;
	int err = 0;
	void *va = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	privcmd_mmapbatch_v2_t batch = {
		.num = 1, .dom = domid, .addr = (uintptr_t)va, .arr = &frame, .err = &err};
	privcmd_mmapbatch_t old = {.num = 1, .dom = domid, .addr = (uintptr_t)va, .arr = &frame};
	privcmd_mmap_entry_t entry = {.va = (uintptr_t)va, .mfn = frame, .npages = 1};
	privcmd_mmap_t older = {.num = 1, .dom = domid, .entry = &entry};
	privcmd_mmap_resource_t resource = {.dom = domid, .num = 1, .addr = (uintptr_t)va};

	result(l,
	       refuses(fd, IOCTL_PRIVCMD_DM_OP, &dm_op, EPERM, 0) &
		       refuses(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch, EPERM, 0) &
		       refuses(fd, IOCTL_PRIVCMD_MMAPBATCH, &old, EPERM, 0) &
		       /* a domain that is not PV has no such call */
		       refuses(fd, IOCTL_PRIVCMD_MMAP, &older, EPERM, ENOSYS) &
		       refuses(fd, IOCTL_PRIVCMD_MMAP_RESOURCE, &resource, EPERM, 0) &
		       refuses(fd, IOCTL_PRIVCMD_RESTRICT, &domid, EINVAL, 0),
	       text);
	if (va != MAP_FAILED)
		munmap(va, 4096);
}

static void try_privcmd(struct look *l, int fd)
{
	privcmd_dm_op_t own = {.dom = l->domid};

	result(l, ioctl(fd, IOCTL_PRIVCMD_DM_OP, &own) == 0, "its own domain is open to it");
	if (!try_hypercalls(l, fd))
		return;
	try_domain(l, fd, l->other, "nothing of the other domain");
	try_domain(l, fd, 0, "nothing of dom0");
	try_domain(l, fd, DOMID_SELF, "nothing of DOMID_SELF");
	try_domain(l, fd, DOMID_XEN, "nothing of DOMID_XEN");
}

static void try_evtchn(struct look *l, int fd)
{
	struct ioctl_evtchn_bind_virq virq = {.virq = NO_VIRQ};
	struct ioctl_evtchn_bind_interdomain other = {.remote_domain = l->other, .remote_port = 1};
	struct ioctl_evtchn_bind_interdomain dom0 = {.remote_domain = 0, .remote_port = 1};
	struct ioctl_evtchn_bind_unbound_port unbound = {.remote_domain = l->other};
	struct ioctl_evtchn_restrict_domid again = {.domid = l->other};
	struct ioctl_evtchn_notify notify = {.port = 1};

	bool good = refuses(fd, IOCTL_EVTCHN_BIND_VIRQ, &virq, EACCES, 0);

	result(l, good, "no virtual interrupt of dom0's");
	if (!good)
		return;
	result(l,
	       refuses(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &other, EACCES, 0) &
		       refuses(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &dom0, EACCES, 0) &
		       refuses(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound, EACCES, 0),
	       "no port of another domain");
	result(l, refuses(fd, IOCTL_EVTCHN_NOTIFY, &notify, ENOTCONN, 0), "no notification of what is not bound");
	result(l, refuses(fd, IOCTL_EVTCHN_RESTRICT_DOMID, &again, EACCES, 0), "and no way to another domain");
}

static void look_at(struct look *l, int pidfd, int number, const char *target)
{
	char what[320];
	int fd;

	snprintf(what, sizeof(what), "descriptor %d, %s", number, target);
	l->what = what;
	if (strncmp(target, "/dev/xen/", 9) != 0 && strncmp(target, "/proc/xen/", 10) != 0) {
		printf("# %s\n", what);
		return;
	}
	l->descriptors++;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (fd < 0) {
		result(l, false, "cannot be looked at");
		return;
	}
	if (strstr(target, "/privcmd"))
		try_privcmd(l, fd);
	else if (strstr(target, "/evtchn"))
		try_evtchn(l, fd);
	else
		result(l, strstr(target, "/hypercall"), "is a door to nothing, a source of pages for arguments alone");
	close(fd);
}

int main(int argc, char **argv)
{
	struct look l = {0};
	char path[64], target[256];
	struct dirent *entry;
	DIR *dir;
	int pidfd;

	if (argc != 4) {
		fprintf(stderr, "usage: rights-xen PID DOMID OTHER\n");
		return 2;
	}
	l.domid = (domid_t)atoi(argv[2]);
	l.other = (domid_t)atoi(argv[3]);
	pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", atoi(argv[1]));
	dir = opendir(path);
	if (pidfd < 0 || !dir) {
		fprintf(stderr, "process %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	while ((entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (len <= 0)
			continue;
		target[len] = '\0';
		look_at(&l, pidfd, atoi(entry->d_name), target);
	}
	closedir(dir);
	l.what = "the process";
	result(&l, l.descriptors > 1, "has descriptors of Xen's to look at");
	printf("1..%u\n", l.number);
	return l.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
