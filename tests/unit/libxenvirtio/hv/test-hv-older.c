// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A seam written against another header: what its table of operations does not have is not there,
 * and nobody looks behind its end.
 *
 * The fake's table is cut at every length. Behind the cut are pointers that end the program when
 * they are called.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <xenvirtio/server.h>

#include "fake/hv-fake.h"

#define BASE 0x2000000u
#define IRQ 33u
#define MAGIC 0x74726976u

/* the first operation that may be absent */
#define REQUIRED offsetof(struct xenvirtio_hv_ops, irq_held)

struct older {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_hv_ops ops;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_device *dev;
	struct xenvirtio_server *server;
};

static void cut(struct older *o, size_t size)
{
	const struct fake_config config = { .eventfd_features = 31, .held_irqs = true };

	memset(o, 0, sizeof(*o));
	o->fake = fake_new(&config);
	assert_non_null(o->fake);
	assert_int_equal(fake_open(o->fake, &o->hv), 0);
	o->ops = *o->hv->ops;
	if (size < sizeof(o->ops))
		memset((char *)&o->ops + size, 0x5a, sizeof(o->ops) - size);
	o->ops.size = size;
	o->hv->ops = &o->ops;
}

static void end(struct older *o)
{
	xenvirtio_server_free(o->server);
	xenvirtio_device_free(o->dev);
	xenvirtio_gmem_free(o->gmem);
	xenvirtio_hv_close(o->hv);
	assert_int_equal(fake_faults_total(o->fake), 0);
	assert_int_equal(fake_open_handles(o->fake), 0);
	assert_int_equal(fake_open_fds(o->fake), 0);
	fake_free(o->fake);
}

static int serve(void *opaque)
{
	return xenvirtio_server_process(((struct older *)opaque)->server);
}

/* A device behind it answers the guest. */
static void work(struct older *o)
{
	static const struct xenvirtio_device_ops ops;
	const struct xenvirtio_device_config config = { .device_id = 4, .nr_queues = 1,
							.queue_size_max = 16, .ops = &ops };
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	uint64_t data;

	assert_int_equal(xenvirtio_gmem_new(&o->gmem, o->hv, 1), 0);
	assert_int_equal(xenvirtio_device_new(&o->dev, &config, o->gmem, NULL), 0);
	assert_int_equal(xenvirtio_server_new(&o->server, o->hv, o->gmem), 0);
	assert_int_equal(xenvirtio_server_add(o->server, o->dev, xenvirtio_gpa(BASE), IRQ), 0);
	assert_int_equal(xenvirtio_server_open(o->server, &id), 0);
	fake_set_serve(o->fake, serve, o);
	assert_int_equal(fake_mmio_read(o->fake, 0, BASE, 4, &data), 0);
	assert_int_equal(data, MAGIC);
	assert_int_equal(xenvirtio_server_close(o->server), 0);
}

static void a_table_of_any_length_serves(void **state)
{
	const size_t eventfds = offsetof(struct xenvirtio_hv_ops, host_info);

	for (size_t size = REQUIRED; size <= sizeof(struct xenvirtio_hv_ops);
	     size += sizeof(void (*)(void))) {
		struct older o;

		cut(&o, size);
		work(&o);
		assert_string_equal(xenvirtio_server_path(o.server),
				    size < eventfds ? "event-channel" : "eventfd-regs");
		end(&o);
	}
}

/* Newer ones have more than we know. */
static void a_longer_table_serves(void **state)
{
	struct older o;

	cut(&o, sizeof(struct xenvirtio_hv_ops) + 64);
	work(&o);
	assert_string_equal(xenvirtio_server_path(o.server), "eventfd-regs");
	end(&o);
}

static void the_recorder_has_what_its_inner_has(void **state)
{
	for (size_t size = REQUIRED; size <= sizeof(struct xenvirtio_hv_ops);
	     size += sizeof(void (*)(void))) {
		struct xenvirtio_hv *hv;
		struct older o;

		cut(&o, size);
		assert_int_equal(xenvirtio_hv_open_record(&hv, o.hv, "/dev/null"), 0);
#define HAS_AS_FAR_AS(member, last) \
	assert_int_equal(XENVIRTIO_HV_HAS(hv, member), \
			 size >= offsetof(struct xenvirtio_hv_ops, last) + sizeof(o.ops.last))
		HAS_AS_FAR_AS(eventfd_features, registers_del);
		HAS_AS_FAR_AS(registers_del, registers_del);
		HAS_AS_FAR_AS(host_info, host_info);
		HAS_AS_FAR_AS(pause, unpause);
		HAS_AS_FAR_AS(unpause, unpause);
		HAS_AS_FAR_AS(kick_wait, kick_wait);
		/* its own answer where the inner handle has none */
		assert_int_equal(hv->ops->irq_held(hv), size > REQUIRED);
		o.hv = hv;
		end(&o);
	}
}

static void assert_refused(struct older *o)
{
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_server *server;
	struct xenvirtio_hv *hv;

	assert_int_equal(xenvirtio_gmem_new(&gmem, o->hv, 1), -EINVAL);
	assert_int_equal(xenvirtio_server_new(&server, o->hv, NULL), -EINVAL);
	assert_int_equal(xenvirtio_hv_open_record(&hv, o->hv, "/dev/null"), -EINVAL);
}

static void what_is_no_seam_of_this_version_is_refused(void **state)
{
	struct older o;

	cut(&o, REQUIRED);
	o.ops.size = REQUIRED - 1;
	assert_refused(&o);
	o.ops.size = 0;
	assert_refused(&o);
	o.ops.size = REQUIRED;
	o.ops.version = XENVIRTIO_HV_VERSION + 1;
	assert_refused(&o);
	o.ops.version = XENVIRTIO_HV_VERSION - 1;
	assert_refused(&o);
	o.ops.version = XENVIRTIO_HV_VERSION;
	work(&o);
	end(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_of_any_length_serves),
		cmocka_unit_test(a_longer_table_serves),
		cmocka_unit_test(the_recorder_has_what_its_inner_has),
		cmocka_unit_test(what_is_no_seam_of_this_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
