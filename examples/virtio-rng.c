// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-rng: an entropy device for one guest, whole: options, signals, xenstore, confinement and restarts are the library's.
 *
 *   xl.cfg:  virtio = [ "type=virtio,device4,transport=mmio,grant_usage=0" ]
 *   xl create -p guest.cfg; virtio-rng --domid $(xl domid guest) & xl unpause guest
 *
 * The guest must stay paused until this serves, which --ready-fd tells: a driver that probes an address nobody claims gives up.
 */
#include <errno.h>
#include <sys/random.h>
#include <xenvirtio.h>

#define DEVICE_ID_ENTROPY 4
#define PIECE_BYTES 256 /* what getrandom() gives whole */
#define CHAIN_BYTES_MAX 65536

/* The guest's length is its wish; used_bytes says what it got. */
static int fill(void *opaque, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain, uint32_t *used_bytes)
{
	uint64_t wanted = chain->writable_bytes < CHAIN_BYTES_MAX ? chain->writable_bytes : CHAIN_BYTES_MAX, at;
	unsigned char piece[PIECE_BYTES];
	int ret = 0;

	for (at = 0; !ret && at < wanted; at += sizeof(piece)) {
		size_t here = wanted - at < sizeof(piece) ? wanted - at : sizeof(piece);

		if (getrandom(piece, here, 0) < 0)
			return -errno;
		ret = xenvirtio_chain_write(q, chain, at, piece, here);
	}
	*used_bytes = (uint32_t)wanted;
	return ret;
}

static const struct xenvirtio_program program = {
	.name = "virtio-rng",
	.summary = "an entropy device for a Xen guest",
	.type = "virtio,device4",
	.device = { .device_id = DEVICE_ID_ENTROPY, .nr_queues = 1, .queue_size_max = 64 },
	.serve = fill,
};

int main(int argc, char **argv)
{
	return xenvirtio_main(&program, argc, argv);
}
