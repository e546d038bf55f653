// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See broken.h.
 */
#include "unit/conformance/broken.h"

#include <errno.h>
#include <string.h>
#include <xenvirtio/gmem.h>
#include <xenvirtio/hv.h>

#include "unit/conformance/broken-behind.h"
#include "unit/rigs/echo-message.h"

#define DEVICE_ID 42u
#define QUEUES 2u
#define CONFIG_BYTES 12u

struct broken broken;

static struct xenvirtio_queue *queue(unsigned int index)
{
	return xenvirtio_device_queue(broken.dev, index);
}

/* --- hooks of the device --- */

static int check_features(void *opaque, uint64_t features)
{
	if (broken.fault == REFUSES_SUBSETS && !(features >> XENVIRTIO_F_EVENT_IDX & 1))
		return XENVIRTIO_E_GUEST;
	if (broken.fault == REFUSES_THE_SECOND_TIME && broken.negotiated++)
		return XENVIRTIO_E_GUEST;
	return 0;
}

static void config_read(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	uint8_t *at = buf;

	memcpy(buf, broken.config + offset, len);
	if (broken.fault == CONFIG_ONLY_LATE && !(broken.state->status & XENVIRTIO_STATUS_FEATURES_OK))
		memset(buf, 0, len);
	if (broken.fault == CONFIG_CHANGES_BY_ITSELF)
		broken.config[0]++;
	if (broken.fault == CONFIG_BIG_ENDIAN)
		for (uint32_t i = 0; i < len; i++)
			at[i] = broken.config[offset + len - 1 - i];
}

static int echo_chain(struct xenvirtio_queue *q, struct xenvirtio_chain *chain)
{
	uint8_t bytes[CONFORMANCE_BYTES_MAX] = {0};
	uint64_t len = chain->readable_bytes < chain->writable_bytes ? chain->readable_bytes : chain->writable_bytes;
	uint64_t written;
	int ret;

	len = len < sizeof(bytes) ? len : sizeof(bytes);
	if (broken.fault == TAKES_THE_FIRST_BUFFER && chain->nr_readable && len > chain->seg[0].len_bytes)
		len = chain->seg[0].len_bytes;
	len = behind_a_chain(q, chain, len);
	written = broken.fault == LEN_LIES ? len / 2 : len;
	if (broken.fault == ANSWERS_TOO_EARLY)
		return xenvirtio_queue_push(q, chain, (uint32_t)len);
	ret = xenvirtio_chain_read(q, chain, 0, bytes, len);
	for (uint64_t i = 0; i < len; i++)
		bytes[i]++;
	if (!ret)
		ret = xenvirtio_chain_write(q, chain, 0, bytes, written);
	if (broken.fault == HIDES_FAILURES && ret < 0)
		ret = 0;
	return ret ? ret : xenvirtio_queue_push(q, chain, (uint32_t)len);
}

static bool is_serving(unsigned int index)
{
	struct xenvirtio_queue_rings rings;

	if (broken.fault == WAITS_FOR_A_KICK && !broken.kicks++)
		return false;
	if (broken.fault == STOPS_AT_THE_THIRD_RESET && broken.resets >= 3)
		return false;
	if (broken.fault == ENDS_AT_65536 && broken.served >= 65536)
		return false;
	if (broken.fault == FORGETS_STOPPED_QUEUES && broken.was_stopped)
		return false;
	if (xenvirtio_queue_rings(queue(index), &rings))
		return true;
	if (broken.fault == ONLY_LARGE_QUEUES && rings.size < 16)
		return false;
	return broken.fault != ONLY_QUEUES_ON_PAGES || !(rings.desc_gpa % 4096);
}

static int serve_queue(unsigned int index)
{
	unsigned int most = broken.fault == ONE_A_KICK ? 1 : 16, done = 0;
	struct xenvirtio_queue *q = queue(index);
	struct xenvirtio_chain chain;
	int ret = 0;

	for (; !ret && done < most; done += !ret) {
		ret = xenvirtio_queue_pop(q, &chain);
		if (!ret)
			ret = echo_chain(q, &chain);
		broken.served += !ret;
	}
	if (broken.fault == MINDS_SPURIOUS && ret == XENVIRTIO_E_EMPTY && !done)
		return xenvirtio_device_guest_fault(broken.dev, XENVIRTIO_GUEST_BAD_RING, "notified of nothing");
	if (!ret && broken.fault != ONE_A_KICK)
		xenvirtio_device_kick_again(broken.dev, index);
	if (broken.fault == ENDS_FOR_A_GUEST && ret == XENVIRTIO_E_GUEST)
		return -EINVAL;
	if (broken.fault == HIDES_FAILURES && ret < 0)
		return 0;
	if (ret < 0 || ret == XENVIRTIO_E_GONE)
		return ret;
	behind_a_turn(q, done);
	return behind_wants_interrupt(q) ? xenvirtio_queue_interrupt(q) : 0;
}

static int kick(void *opaque, unsigned int index)
{
	behind_a_kick(queue(index));
	return is_serving(index) ? serve_queue(index) : 0;
}

static int reset(void *opaque)
{
	broken.resets++;
	behind_a_reset();
	return 0;
}

static void queue_stopped(void *opaque, unsigned int index)
{
	broken.was_stopped = true;
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	broken.errors += broken.fault != COUNTS_NOTHING;
}

static const struct xenvirtio_device_ops ops = {
	.check_features = check_features,
	.config_read = config_read,
	.kick = kick,
	.reset = reset,
	.queue_stopped = queue_stopped,
	.guest_error = guest_error,
};

/* --- hooks of the suite --- */

static int make(void *opaque, const struct conformance_host *host, struct xenvirtio_device **dev)
{
	const struct xenvirtio_device_config cfg = {
		.device_id = broken.fault == ANOTHER_ID ? 43 : DEVICE_ID,
		.features = 1,
		.nr_queues = broken.fault == NO_SECOND_QUEUE ? 1 : QUEUES,
		.queue_size_max = 128,
		.config_bytes = CONFIG_BYTES,
		.ops = &ops,
	};
	int ret;

	broken.host = *host;
	broken.state = host->state;
	broken.kicks = 0;
	broken.fresh = true;
	if (broken.fault == ZEROES_ITS_STATE)
		memset(host->state, 0, sizeof(*host->state));
	ret = xenvirtio_device_new(&broken.dev, &cfg, host->gmem, broken.fault == KEEPS_NO_STATE ? NULL : host->state);
	if (!ret && broken.fault == STARTS_WITH_A_STATUS && !broken.state->status)
		broken.state->status = 1;
	*dev = broken.dev;
	return ret;
}

static void end(void *opaque)
{
	behind_an_end();
	xenvirtio_device_free(broken.dev);
	broken.dev = NULL;
}

static void forget(void *opaque)
{
	enum fault fault = broken.fault;

	memset(&broken, 0, sizeof(broken));
	broken.fault = fault;
	for (uint8_t i = 0; i < CONFIG_BYTES; i++)
		broken.config[i] = (uint8_t)(0x10 + i);
}

static int serve(void *opaque)
{
	behind_the_library();
	return 0;
}

static int change_config(void *opaque)
{
	broken.config[3]++;
	if (broken.fault == CHANGES_WITHOUT_A_WORD)
		return 0;
	if (broken.fault == CHANGES_TOO_LOUD)
		behind_interrupt();
	return xenvirtio_device_config_changed(broken.dev);
}

static uint64_t count_errors(void *opaque)
{
	return broken.errors;
}

struct conformance_device broken_device(enum fault fault)
{
	broken.fault = fault;
	return (struct conformance_device){
		.version = CONFORMANCE_VERSION,
		.name = "a device that can be broken",
		.device_id = DEVICE_ID,
		.features = 1,
		.nr_queues = QUEUES,
		.nr_messages = QUEUES,
		.config_bytes = CONFIG_BYTES,
		.make = make,
		.free = end,
		.forget = forget,
		.fill = echo_fill,
		.check = echo_check,
		.serve = serve,
		.change_config = change_config,
		.errors = count_errors,
	};
}
