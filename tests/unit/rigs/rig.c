// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See rig.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/forced-path.h"
#include "unit/rigs/rig.h"

#define GMEM_PAGES 8

static int check_features(void *opaque, uint64_t features)
{
	return ((struct rig *)opaque)->check_result;
}

static void config_read(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	memcpy(buf, ((struct rig *)opaque)->config + offset, len);
}

static void config_write(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	memcpy(((struct rig *)opaque)->config + offset, buf, len);
}

static int driver_ok(void *opaque)
{
	((struct rig *)opaque)->driver_oks++;
	return 0;
}

static int echo_chain(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain)
{
	static uint8_t bytes[RIG_ECHO_MAX];
	uint64_t len = chain->readable_bytes;
	int ret;

	if (len > chain->writable_bytes)
		len = chain->writable_bytes;
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	ret = xenvirtio_chain_read(q, chain, 0, bytes, len);
	if (!ret)
		ret = xenvirtio_chain_write(q, chain, 0, bytes, len);
	return ret ? ret : xenvirtio_queue_push(q, chain, (uint32_t)len);
}

static int echo(struct rig *rig, struct xenvirtio_queue *q)
{
	struct xenvirtio_chain chain;
	unsigned int done = 0;
	int ret;

	for (;;) {
		if (rig->max_chains && done++ == rig->max_chains)
			break;
		ret = xenvirtio_queue_pop(q, &chain);
		if (!ret)
			ret = echo_chain(q, &chain);
		if (ret)
			break;
	}
	if (ret != XENVIRTIO_E_EMPTY)
		rig->echo_result = ret;
	if (ret < 0 || ret == XENVIRTIO_E_GONE)
		return ret;
	return xenvirtio_queue_interrupt(q);
}

static int keep(struct rig *rig, struct xenvirtio_queue *q)
{
	while (rig->nr_kept < RIG_KEPT_MAX) {
		int ret = xenvirtio_queue_pop(q, &rig->kept[rig->nr_kept]);

		if (ret)
			return ret == XENVIRTIO_E_GONE || ret < 0 ? ret : 0;
		rig->nr_kept++;
	}
	return 0;
}

static int kick(void *opaque, unsigned int index)
{
	struct rig *rig = opaque;
	struct xenvirtio_queue *q = xenvirtio_device_queue(rig->dev, index);

	rig->kicks[index]++;
	return index ? keep(rig, q) : echo(rig, q);
}

static int reset(void *opaque)
{
	struct rig *rig = opaque;

	rig->resets++;
	rig->nr_kept = 0;
	return 0;
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	assert_true(kind < XENVIRTIO_GUEST_ERRORS);
	assert_non_null(detail);
	((struct rig *)opaque)->errors[kind]++;
}

int rig_return_kept(struct rig *rig, const unsigned int *order, unsigned int nr)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(rig->dev, 1);
	int ret = 0;

	for (unsigned int i = 0; !ret && i < nr; i++)
		ret = xenvirtio_queue_push(q, &rig->kept[order[i]], 0);
	return ret ? ret : xenvirtio_queue_interrupt(q);
}

static int request_echo(struct driver *d)
{
	struct driver_queue *q = &d->queue[0];
	struct driver_buf buf[2] = { { 0, 600, false }, { 0, 600, true } };
	uint8_t *out = d->bus->ops->alloc_page(d->bus, &buf[0].gpa);
	uint8_t *in = d->bus->ops->alloc_page(d->bus, &buf[1].gpa);
	bool indirect = d->features & F_INDIRECT;
	uint16_t head, used;
	uint32_t len;
	int ret;

	if (!out || !in)
		return -ENOMEM;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 600; i++)
			out[i] = (uint8_t)(i * 7 + round);
		ret = driver_add(q, buf, 2, indirect, &head);
		if (!ret)
			ret = driver_kick(q);
		if (!ret)
			ret = driver_wait(q, &used, &len);
		if (ret)
			return ret;
		if (used != head || len != 600 || memcmp(in, out, 600))
			return -EPROTO;
	}
	return 0;
}

const struct hostile_target rig_target = {
	.device_id = RIG_DEVICE_ID,
	.features = UINT64_C(1) << RIG_OWN_FEATURE,
	.nr_queues = RIG_QUEUES,
	.request = request_echo,
};

int rig_serve(void *opaque)
{
	struct rig *rig = opaque;

	return xenvirtio_server_process(rig->server);
}

uint64_t rig_count_errors(void *opaque)
{
	const struct rig *rig = opaque;
	uint64_t total = 0;

	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		total += rig->errors[i];
	return total;
}

int rig_init(struct rig *rig, const struct fake_config *config)
{
	static const struct xenvirtio_gfn_range ram = { { 0x40000 }, { 0x40fff } };

	memset(rig, 0, sizeof(*rig));
	rig->ops = (struct xenvirtio_device_ops){
		.check_features = check_features,
		.config_read = config_read,
		.config_write = config_write,
		.driver_ok = driver_ok,
		.kick = kick,
		.reset = reset,
		.guest_error = guest_error,
	};
	rig->features = rig_target.features;
	rig->id = XENVIRTIO_IOREQ_NEW;
	rig->fake = fake_new(config);
	if (!rig->fake)
		return -ENOMEM;
	bus_fake_init(&rig->bus, rig->fake, RIG_BASE, ram, xenvirtio_gfn(0x40800), rig_serve,
		      rig_count_errors, rig);
	rig->driver.bus = &rig->bus.bus;
	return 0;
}

int64_t rig_now_ms;

static int64_t get_now_ms(void)
{
	return rig_now_ms;
}

static int start_server(struct rig *rig)
{
	int ret = xenvirtio_server_new(&rig->server, rig->hv, rig->gmem);
	bool adopts = rig->id != XENVIRTIO_IOREQ_NEW;

	if (!ret)
		server_set_clock(rig->server, get_now_ms);
	if (!ret && rig->make_notify) {
		rig->notify = rig->make_notify(rig);
		ret = server_add_notify(rig->server, rig->dev, xenvirtio_gpa(RIG_BASE),
					rig->notify);
	} else if (!ret) {
		xenvirtio_server_set_notify(rig->server, forced_path(rig->path),
					    rig->path_changed, rig);
		ret = xenvirtio_server_add(rig->server, rig->dev, xenvirtio_gpa(RIG_BASE),
					   RIG_IRQ);
	}
	if (!ret)
		ret = xenvirtio_server_open(rig->server, &rig->id);
	return ret || !adopts ? ret : xenvirtio_server_resume(rig->server);
}

int rig_start(struct rig *rig)
{
	struct xenvirtio_device_config config = {
		.device_id = RIG_DEVICE_ID,
		.vendor_id = 1,
		.features = rig->features,
		.nr_queues = RIG_QUEUES,
		.queue_size_max = rig->queue_size_max ? rig->queue_size_max : RIG_QUEUE_SIZE,
		.config_bytes = RIG_CONFIG_BYTES,
		.ops = &rig->ops,
		.opaque = rig,
		.foreign_queues = rig->foreign_queues,
		.in_flight = rig->in_flight,
		.host_fields = rig->host_field,
		.nr_host_fields = rig->nr_host_fields,
	};
	int ret = fake_open(rig->fake, &rig->hv);

	if (!ret)
		ret = xenvirtio_gmem_new(&rig->gmem, rig->hv, GMEM_PAGES);
	if (!ret)
		ret = xenvirtio_device_new(&rig->dev, &config, rig->gmem, &rig->state);
	if (!ret)
		ret = start_server(rig);
	if (ret)
		rig_crash(rig);
	return ret;
}

int rig_open(struct rig *rig)
{
	int ret = rig_init(rig, NULL);

	return ret ? ret : rig_start(rig);
}

void rig_driver(struct rig *rig, uint64_t features)
{
	assert_int_equal(driver_init(&rig->driver, RIG_DEVICE_ID, rig_target.features | features,
				     RIG_QUEUES),
			 0);
}

void rig_crash(struct rig *rig)
{
	xenvirtio_server_free(rig->server);
	xenvirtio_device_free(rig->dev);
	xenvirtio_gmem_free(rig->gmem);
	xenvirtio_hv_close(rig->hv);
	rig->server = NULL;
	rig->dev = NULL;
	rig->gmem = NULL;
	rig->hv = NULL;
	rig->nr_kept = 0;
}

void rig_kill(struct rig *rig)
{
	struct xenvirtio_device_state state = rig->state;

	rig_crash(rig);
	rig->state = state;
}

int rig_stop(struct rig *rig)
{
	int ret = rig->server ? xenvirtio_server_close(rig->server) : 0;

	if (!ret)
		rig->id = XENVIRTIO_IOREQ_NEW;
	rig_crash(rig);
	return ret;
}

void rig_fini(struct rig *rig)
{
	uint64_t released;

	assert_int_equal(rig_stop(rig), 0);
	assert_int_equal(fake_live_mappings(rig->fake), 0);
	assert_int_equal(fake_open_handles(rig->fake), 0);
	assert_int_equal(fake_open_fds(rig->fake), 0);
	assert_int_equal(fake_servers(rig->fake), 0);
	/* what the guest took away behind our back is its doing, the rest would be ours */
	released = fake_faults(rig->fake)->released_mapped;
	assert_true(released <= rig->bus.holes_made);
	assert_int_equal(fake_faults_total(rig->fake), released);
	fake_free(rig->fake);
}
