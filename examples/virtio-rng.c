// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-rng: an entropy device for one guest, with nothing but libxenvirtio.
 *
 *   xl.cfg:  virtio = [ "type=virtio,device4,transport=mmio,grant_usage=0" ]
 *   xl create -p guest.cfg; virtio-rng --domid D --base 2000000 --irq 33 & xl unpause guest
 *
 * The guest must stay paused until this runs: a driver that probes an address nobody claims gives
 * up. Ends when the guest does, or with SIGINT or SIGTERM, and takes its ioreq server along.
 */
#define _GNU_SOURCE /* ppoll() */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <xenvirtio.h>

#define DEVICE_ID_ENTROPY 4
#define PIECE_BYTES 256 /* what getrandom() gives whole */
#define CHAIN_BYTES_MAX 65536
#define KICK_PAGES_MAX 256 /* about; then others have their turn */

static volatile sig_atomic_t stopped;

static void stop(int signo)
{
	stopped = 1;
}

static int fill_chain(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain)
{
	uint64_t wanted = chain->writable_bytes, at = 0;
	unsigned char piece[PIECE_BYTES];
	int ret = 0;

	/* The guest's length is its wish; used_bytes says what it got. */
	if (wanted > CHAIN_BYTES_MAX)
		wanted = CHAIN_BYTES_MAX;
	for (; !ret && at < wanted; at += sizeof(piece)) {
		size_t here = wanted - at < sizeof(piece) ? wanted - at : sizeof(piece);

		if (getrandom(piece, here, 0) < 0)
			return -errno;
		ret = xenvirtio_chain_write(q, chain, at, piece, here);
	}
	return ret ? ret : xenvirtio_queue_push(q, chain, (uint32_t)wanted);
}

/* Pages that filling a chain may have to map: its buffers may be anywhere, and it has a table of them. */
static unsigned int count_pages(const struct xenvirtio_chain *chain)
{
	uint64_t bytes = chain->writable_bytes < CHAIN_BYTES_MAX ? chain->writable_bytes : CHAIN_BYTES_MAX;

	return 1 + chain->nr_writable + (unsigned int)(bytes / 4096);
}

/* The guest may fill its ring as fast as it is emptied. */
static int kick(void *opaque, unsigned int index)
{
	struct xenvirtio_device **dev = opaque;
	struct xenvirtio_queue *q = xenvirtio_device_queue(*dev, index);
	struct xenvirtio_chain chain;
	unsigned int pages = 0;
	int ret;

	do {
		ret = xenvirtio_queue_pop(q, &chain);
		if (ret)
			break;
		pages += count_pages(&chain);
		ret = fill_chain(q, &chain);
	} while (!ret && pages < KICK_PAGES_MAX);
	if (!ret)
		xenvirtio_device_kick_again(*dev, index);
	/* E_EMPTY: done. E_GUEST: NEEDS_RESET is set, or the buffer is gone and the guest waits. */
	return ret < 0 || ret == XENVIRTIO_E_GONE ? ret : xenvirtio_queue_interrupt(q);
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	static unsigned int told;

	if (told++ < 10)
		fprintf(stderr, "virtio-rng: guest: %s: %s\n", xenvirtio_guest_error_name(kind),
			detail);
}

static bool domain_is_over(struct xenvirtio_hv *hv)
{
	struct xenvirtio_domain_info info;

	return hv->ops->domain_info(hv, &info) || info.dying;
}

static int serve(struct xenvirtio_hv *hv, struct xenvirtio_server *server,
		 struct xenvirtio_store *store)
{
	struct pollfd fds[] = { { .fd = xenvirtio_server_fd(server), .events = POLLIN },
				{ .fd = store->ops->fd(store), .events = POLLIN },
				{ .events = POLLIN } };
	int ready = eventfd(1, EFD_CLOEXEC); /* never read, so always readable */
	char path[XENVIRTIO_STORE_TEXT_MAX], token[16];
	bool again = false;
	sigset_t none;
	int ret = 0;

	if (ready < 0)
		return -errno;
	sigemptyset(&none);
	while (!ret && !stopped) {
		fds[2].fd = again ? ready : -1;
		/* the only place where a signal is let in: none is lost before a wait */
		if (ppoll(fds, 3, NULL, &none) < 0)
			continue;
		if (fds[0].revents || again)
			ret = xenvirtio_server_process(server);
		again = ret == XENVIRTIO_E_AGAIN;
		if (again)
			ret = 0;
		while (fds[1].revents && !ret) {
			ret = store->ops->next_event(store, path, sizeof(path), token,
						     sizeof(token));
			if (!ret && domain_is_over(hv))
				return 0;
		}
		if (ret == XENVIRTIO_E_EMPTY)
			ret = 0;
	}
	return ret == XENVIRTIO_E_GONE ? 0 : ret;
}

static const struct xenvirtio_device_ops ops = { .kick = kick, .guest_error = guest_error };

int main(int argc, char **argv)
{
	static const struct option options[] = { { "domid", required_argument, NULL, 'd' },
						 { "base", required_argument, NULL, 'b' },
						 { "irq", required_argument, NULL, 'i' },
						 { 0 } };
	const struct sigaction action = { .sa_handler = stop };
	unsigned long domid = 0, irq = 0;
	unsigned long long base = 0;
	struct xenvirtio_server *server = NULL;
	struct xenvirtio_device *dev = NULL;
	struct xenvirtio_store *store = NULL;
	struct xenvirtio_gmem *gmem = NULL;
	struct xenvirtio_hv *hv = NULL;
	struct xenvirtio_device_config cfg = { .device_id = DEVICE_ID_ENTROPY, .nr_queues = 1,
					       .queue_size_max = 64, .ops = &ops, .opaque = &dev };
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	sigset_t signals;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'd')
			domid = strtoul(optarg, NULL, 10);
		else if (opt == 'b')
			base = strtoull(optarg, NULL, 16);
		else if (opt == 'i')
			irq = strtoul(optarg, NULL, 10);
	}
	if (!domid || !base || !irq || optind != argc) {
		fprintf(stderr, "usage: virtio-rng --domid D --base HEX --irq N\n");
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	ret = xenvirtio_hv_open_xen(&hv, (uint32_t)domid, NULL);
	if (!ret)
		ret = xenvirtio_store_open_xen(&store);
	if (!ret)
		ret = store->ops->watch(store, "@releaseDomain", "gone");
	if (!ret)
		ret = xenvirtio_gmem_new(&gmem, hv, 64);
	if (!ret)
		ret = xenvirtio_device_new(&dev, &cfg, gmem, NULL);
	if (!ret)
		ret = xenvirtio_server_new(&server, hv, gmem);
	if (!ret)
		ret = xenvirtio_server_add(server, dev, xenvirtio_gpa(base), (uint32_t)irq);
	if (!ret)
		ret = xenvirtio_server_open(server, &id);
	if (!ret) {
		ret = serve(hv, server, store);
		xenvirtio_server_close(server);
	}
	if (ret)
		fprintf(stderr, "virtio-rng: domain %lu: %s\n", domid,
			ret < 0 ? strerror(-ret) : "is gone");
	xenvirtio_server_free(server);
	xenvirtio_device_free(dev);
	xenvirtio_gmem_free(gmem);
	xenvirtio_store_close(store);
	xenvirtio_hv_close(hv);
	return ret != 0;
}
