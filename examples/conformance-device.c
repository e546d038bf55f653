// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conformance-device: a device, as xenvirtio-conformance(1) takes it.
 *
 *   cc -shared -fPIC -o mydevice.so conformance-device.c $(pkg-config --cflags xenvirtio-test)
 *   xenvirtio-conformance ./mydevice.so
 *
 * The device is an entropy source that always says 7, so that its driver can tell.
 */
#include <errno.h>
#include <string.h>
#include <xenvirtio-test/conformance.h>
#include <xenvirtio.h>

#define DEVICE_ID_ENTROPY 4
#define BYTES 20
#define CHAINS_A_KICK 16

static struct xenvirtio_device *device;

static int kick(void *opaque, unsigned int index)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(device, index);
	unsigned char sevens[CONFORMANCE_BYTES_MAX];
	struct xenvirtio_chain chain;
	int ret = 0, chains;

	memset(sevens, 7, sizeof(sevens));
	for (chains = 0; chains < CHAINS_A_KICK && !ret; chains++) {
		size_t len = sizeof(sevens);

		ret = xenvirtio_queue_pop(q, &chain);
		if (!ret && chain.writable_bytes < len)
			len = chain.writable_bytes;
		if (!ret)
			ret = xenvirtio_chain_write(q, &chain, 0, sevens, len);
		if (!ret)
			ret = xenvirtio_queue_push(q, &chain, (uint32_t)len);
	}
	if (!ret)
		xenvirtio_device_kick_again(device, index);
	return ret < 0 || ret == XENVIRTIO_E_GONE ? ret : xenvirtio_queue_interrupt(q);
}

/* --- for the suite --- */

static int make(void *opaque, const struct conformance_host *host, struct xenvirtio_device **dev)
{
	static const struct xenvirtio_device_ops ops = { .kick = kick };
	const struct xenvirtio_device_config config = { .device_id = DEVICE_ID_ENTROPY, .nr_queues = 1,
							.queue_size_max = 64, .ops = &ops };
	int ret = xenvirtio_device_new(&device, &config, host->gmem, host->state);

	*dev = device;
	return ret;
}

static void end(void *opaque)
{
	xenvirtio_device_free(device);
}

/* A buffer on queue 0, to be filled. */
static int fill(void *opaque, struct driver *d, unsigned int step, struct conformance_message *m)
{
	m->writable_bytes = BYTES;
	return 0;
}

static int check(void *opaque, unsigned int step, const struct conformance_message *m, uint32_t used_bytes)
{
	for (int i = 0; i < BYTES; i++)
		if (m->writable[i] != 7)
			return -EBADMSG;
	return used_bytes == BYTES ? 0 : -EMSGSIZE;
}

const struct conformance_device conformance_device = {
	.version = CONFORMANCE_VERSION,
	.name = "sevens",
	.device_id = DEVICE_ID_ENTROPY,
	.nr_queues = 1,
	.nr_messages = 1,
	.make = make,
	.free = end,
	.fill = fill,
	.check = check,
};
