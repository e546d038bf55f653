// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kick-backend DOMID PATH ROUNDS: a device that completes at once and interrupts; for kick-guest.
 *
 * Prints one JSON object: what a round trip costs the guest, and what it costs this process, while ROUNDS rounds are
 * made. The process counts its own system calls by standing before libc's wrappers, which all libraries then call; its
 * wake-ups are the returns from waiting; context switches are the kernel's count.
 *
 * The line "serving" on standard output says that the guest may start.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xen/privcmd-eventfd.h>
#include <xenvirtio.h>

#include "bench/kick.h"

#define BASE 0x02000000u
#if defined(__aarch64__)
#define IRQ 40u
#else
/* Xen's GSI 47, as xl would have it */
#define IRQ 140u
#endif
#define WAIT_MS 120000

static uint64_t calls;
static uint64_t waits;

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	calls++;
	ret = (int)syscall(SYS_ioctl, fd, request, arg);
	/* a kick that comes as its result has woken us as one by a descriptor does */
	if (request == IOCTL_PRIVCMD_IOEVENTFD_WAIT && ret > 0)
		waits++;
	return ret;
}

ssize_t read(int fd, void *buf, size_t len)
{
	calls++;
	return syscall(SYS_read, fd, buf, len);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	calls++;
	return syscall(SYS_write, fd, buf, len);
}

static int wait_fds(struct pollfd *fds, nfds_t nr, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	calls++;
	return (int)syscall(SYS_ppoll, fds, nr, &ts, NULL, 0);
}

int poll(struct pollfd *fds, nfds_t nr, int ms)
{
	return wait_fds(fds, nr, ms);
}

/* as fortified code calls it */
int __poll_chk(struct pollfd *fds, nfds_t nr, int ms, size_t bytes);
int __poll_chk(struct pollfd *fds, nfds_t nr, int ms, size_t bytes)
{
	return wait_fds(fds, nr, ms);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int ms)
{
	calls++;
	return (int)syscall(SYS_epoll_pwait, fd, events, max, ms, NULL, 8);
}

struct counts {
	uint64_t wakeups;
	uint64_t calls;
	uint64_t switches;
	uint64_t ns;
	uint64_t cpu_ns;
};

struct bench {
	struct xenvirtio_device *dev;
	uint32_t wanted;
	uint32_t rounds;
	uint64_t wakeups;
	struct counts start, end;
	uint32_t *times;
	bool done;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct counts count(const struct bench *b)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct counts){
		.wakeups = b->wakeups + waits,
		.calls = calls,
		.switches = (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw),
		.ns = clock_ns(CLOCK_MONOTONIC),
		.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
	};
}

static int answer(struct bench *b, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain)
{
	uint32_t used_bytes = 0;
	int ret = 0;

	if (chain->writable_bytes) {
		ret = xenvirtio_chain_write(q, chain, 0, &b->wanted, sizeof(b->wanted));
		used_bytes = sizeof(b->wanted);
	} else if (chain->readable_bytes == (uint64_t)b->wanted * sizeof(*b->times)) {
		b->end = count(b);
		ret = xenvirtio_chain_read(q, chain, 0, b->times, chain->readable_bytes);
		b->done = !ret;
	} else if (b->rounds++ == KICK_WARM_UP) {
		b->start = count(b);
	}
	return ret ? ret : xenvirtio_queue_push(q, chain, used_bytes);
}

static int kick(void *opaque, unsigned int index)
{
	struct bench *b = opaque;
	struct xenvirtio_queue *q = xenvirtio_device_queue(b->dev, index);
	static struct xenvirtio_chain chain;
	int ret;

	do {
		ret = xenvirtio_queue_pop(q, &chain);
		if (!ret)
			ret = answer(b, q, &chain);
	} while (!ret);
	return ret < 0 ? ret : xenvirtio_queue_interrupt(q);
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	fprintf(stderr, "guest error: %s: %s\n", xenvirtio_guest_error_name(kind), detail);
}

static void path_changed(void *opaque, int why)
{
	fprintf(stderr, "the path was taken back: %s\n", strerror(-why));
}

static int serve(struct bench *b, struct xenvirtio_server *server)
{
	struct pollfd pfd = { .fd = xenvirtio_server_fd(server), .events = POLLIN };
	int ret = 0;

	while (!ret && !b->done) {
		if (wait_fds(&pfd, 1, WAIT_MS) <= 0)
			return -ETIMEDOUT;
		b->wakeups++;
		ret = xenvirtio_server_process(server);
	}
	return ret;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The counter's ticks as nanoseconds, which the caller knows how to read as instructions. QEMU's TSC ticks once a nanosecond. */
static double ns_of(uint64_t ticks)
{
#if defined(__aarch64__)
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return (double)ticks * 1e9 / (double)hz;
#else
	return (double)ticks;
#endif
}

static void report(struct bench *b, const char *path)
{
	const struct counts *s = &b->start, *e = &b->end;
	double n = b->wanted;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < b->wanted; i++)
		sum += b->times[i];
	qsort(b->times, b->wanted, sizeof(*b->times), compare);
	printf("{\"path\":\"%s\",\"kicks\":%u,\"wakeups\":%.3f,\"switches\":%.3f,\"syscalls\":%.3f,"
	       "\"ns\":%.1f,\"cpu_ns\":%.1f,\"trip_ns\":%.1f,\"p50_ns\":%.1f,\"p99_ns\":%.1f}\n",
	       path, b->wanted, (double)(e->wakeups - s->wakeups) / n,
	       (double)(e->switches - s->switches) / n, (double)(e->calls - s->calls) / n,
	       (double)(e->ns - s->ns) / n, (double)(e->cpu_ns - s->cpu_ns) / n, ns_of(sum) / n,
	       ns_of(b->times[b->wanted / 2]), ns_of(b->times[(uint64_t)b->wanted * 99 / 100]));
}

static int run(struct bench *b, struct xenvirtio_hv *hv, enum xenvirtio_notify_path path)
{
	static const struct xenvirtio_device_ops ops = { .kick = kick, .guest_error = guest_error };
	struct xenvirtio_device_config config = {
		.device_id = KICK_DEVICE_ID, .nr_queues = 1, .queue_size_max = KICK_QUEUE_SIZE,
		.ops = &ops, .opaque = b,
	};
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_server *server;
	struct xenvirtio_gmem *gmem;
	int ret;

	ret = xenvirtio_gmem_new(&gmem, hv, 256);
	if (!ret)
		ret = xenvirtio_device_new(&b->dev, &config, gmem, NULL);
	if (!ret)
		ret = xenvirtio_server_new(&server, hv, gmem);
	if (ret)
		return ret;
	xenvirtio_server_set_notify(server, path, path_changed, NULL);
	ret = xenvirtio_server_add(server, b->dev, xenvirtio_gpa(BASE), IRQ);
	if (!ret)
		ret = xenvirtio_server_open(server, &id);
	if (!ret) {
		puts("serving");
		fflush(stdout);
		ret = serve(b, server);
	}
	if (!ret)
		report(b, xenvirtio_server_path(server));
	xenvirtio_server_close(server);
	xenvirtio_server_free(server);
	xenvirtio_device_free(b->dev);
	xenvirtio_gmem_free(gmem);
	return ret;
}

int main(int argc, char **argv)
{
	enum xenvirtio_notify_path path;
	struct xenvirtio_hv *hv;
	struct bench b = { 0 };
	int ret;

	if (argc == 4)
		b.wanted = (uint32_t)atoi(argv[3]);
	/* with two rounds the times could be taken for another round's buffer */
	if (argc != 4 || xenvirtio_notify_path_parse(argv[2], &path) || b.wanted < 10 ||
	    b.wanted > KICK_ROUNDS_MAX) {
		fprintf(stderr, "usage: kick-backend DOMID PATH ROUNDS\n");
		return 2;
	}
	b.times = calloc(b.wanted, sizeof(*b.times));
	if (!b.times)
		return 1;
	ret = xenvirtio_hv_open_xen(&hv, (uint32_t)atoi(argv[1]), NULL);
	if (!ret) {
		ret = run(&b, hv, path);
		xenvirtio_hv_close(hv);
	}
	free(b.times);
	if (ret)
		fprintf(stderr, "kick-backend: %s\n", ret < 0 ? strerror(-ret) : "the domain is gone");
	return ret != 0;
}
