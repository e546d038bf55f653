// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A successor takes what its predecessor left, whatever the guest has done since, wherever the
 * predecessor died, and whatever its own options are. It takes nothing that is another's.
 */
#include "backend/devices/balloon/balloon-internal.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"
#include "backend/process/guest.h"
#include "device/device-internal.h"
#include "fake/hv-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

#define DOMID 7u
#define BIT(nr) (UINT64_C(1) << (nr))
#define DRIVER_OF_THIS_GUEST 15u /* ACKNOWLEDGE to DRIVER_OK */

static struct {
	struct log_capture capture;
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct guest guest;
	struct guest_config cfg;
	struct balloon_options opts;
	struct balloon_daemon *daemon;
	char dir[64];
	enum exit_code code;
} x;

static void nothing(void *opaque)
{
}

static void no_path(void *opaque, int why)
{
}

static int setup(void **state)
{
	memset(&x, 0, sizeof(x));
	snprintf(x.dir, sizeof(x.dir), "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(x.dir));
	log_capture_open(&x.capture, LOG_LEVEL_DEBUG);
	x.fake = fake_new(NULL);
	assert_non_null(x.fake);
	x.cfg = (struct guest_config){
		.type = &balloon_type,
		.program = &balloon_program,
		.log = &x.capture.log,
		.state_dir = x.dir,
		.domid = DOMID,
		.identity = "/vm/x",
		.base = xenvirtio_gpa(0x2000000),
		.irq = 33,
		.path_changed = no_path,
	};
	x.opts = (struct balloon_options){
		.common.program = &balloon_program,
		.deflate_on_oom = true,
		.bulk = bulk_bits_default(),
	};
	return 0;
}

static void no_guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
}

/* A process: its handle, its device, and what it makes of the guest. */
static int open_guest(void)
{
	const struct device_host host = {
		.log = &x.capture.log,
		.opts = &x.opts.common,
		.hv = x.hv,
		.changed = nothing,
		.moves = nothing,
		.guest_error = no_guest_error,
	};
	void *self;
	int rc;

	assert_int_equal(balloon_type.new(&self, &host), 0);
	x.daemon = self;
	x.cfg.device = self;
	x.cfg.hv = x.hv;
	x.code = EXIT_CODE_DONE;
	rc = guest_open(&x.guest, &x.cfg, &x.code);
	if (rc) {
		balloon_type.free(x.daemon);
		x.daemon = NULL;
	}
	return rc;
}

static void close_guest(enum guest_end how)
{
	guest_close(&x.guest, how);
	balloon_type.free(x.daemon);
}

static int begin(void)
{
	assert_int_equal(fake_open(x.fake, &x.hv), 0);
	return open_guest();
}

static void end(enum guest_end how)
{
	close_guest(how);
	xenvirtio_hv_close(x.hv);
}

static int teardown(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%u-0.state", x.dir, DOMID);
	unlink(path);
	assert_int_equal(rmdir(x.dir), 0);
	fake_free(x.fake);
	return 0;
}

static const struct xenvirtio_hv_ops *real_ops;

/* A guest's XENMEM_add_to_physmap of its own: the highest frame number that Xen tells is another.
 */
static int grown_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max,
			size_t *nr)
{
	int rc = real_ops->ram_ranges(hv, range, max, nr);

	range[*nr - 1].end_incl.v = UINT64_C(1) << 29;
	return rc;
}

static void a_guest_that_maps_something_high_is_served_on(void **state)
{
	struct xenvirtio_hv_ops ops;
	struct xenvirtio_hv *hv;
	uint64_t bytes;
	int rc;

	assert_int_equal(begin(), 0);
	bytes = state_file_memory_bytes(x.guest.state);
	end(GUEST_LEAVE);
	assert_int_equal(fake_open(x.fake, &hv), 0);
	x.hv = hv;
	real_ops = hv->ops;
	ops = *real_ops;
	ops.ram_ranges = grown_ranges;
	hv->ops = &ops;
	rc = open_guest();
	hv->ops = real_ops;
	assert_int_equal(rc, 0);
	assert_true(x.guest.adopted);
	assert_int_equal(state_file_memory_bytes(x.guest.state), bytes);
	end(GUEST_REMOVE);
}

static void a_new_guest_without_ram_to_keep_books_of_is_refused(void **state)
{
	struct xenvirtio_hv_ops ops;

	assert_int_equal(fake_open(x.fake, &x.hv), 0);
	real_ops = x.hv->ops;
	ops = *real_ops;
	ops.ram_ranges = grown_ranges;
	x.hv->ops = &ops;
	assert_int_equal(open_guest(), -ECANCELED);
	x.hv->ops = real_ops;
	/* for good: the service does not try again */
	assert_int_equal(x.code, EXIT_CODE_UNSUITABLE);
	assert_true(log_capture_has(&x.capture, "at most 1 TiB"));
	assert_true(log_capture_has(&x.capture, "up to frame 0x20000000"));
	xenvirtio_hv_close(x.hv);
}

static void a_server_whose_id_was_not_noted_is_adopted(void **state)
{
	uint16_t id;

	assert_int_equal(begin(), 0);
	id = state_file_server(x.guest.state);
	/* killed one store earlier */
	state_file_set_server(x.guest.state, XENVIRTIO_IOREQ_NEW);
	end(GUEST_LEAVE);
	assert_int_equal(begin(), 0);
	assert_true(x.guest.adopted);
	assert_int_equal(state_file_server(x.guest.state), id);
	end(GUEST_REMOVE);
}

static void where_no_server_was_made_one_is_made(void **state)
{
	assert_int_equal(begin(), 0);
	state_file_set_server(x.guest.state, XENVIRTIO_IOREQ_NEW);
	/* killed even before Xen was asked */
	assert_int_equal(xenvirtio_server_close(x.guest.server), 0);
	end(GUEST_LEAVE);
	assert_int_equal(begin(), 0);
	assert_false(x.guest.adopted);
	end(GUEST_REMOVE);
}

static unsigned int servers_while_opening;

static int cannot_open(void *self, struct xenvirtio_gmem *gmem, const struct device_memory *memory)
{
	servers_while_opening = fake_servers(x.fake);
	return -EIO;
}

/* The file is a predecessor's and stays; what was claimed is this process's, and nobody would go on with it: a vcpu would wait for ever. */
static void what_was_claimed_goes_with_who_fails(void **state)
{
	struct device_type late = balloon_type;

	assert_int_equal(begin(), 0);
	assert_int_equal(xenvirtio_server_close(x.guest.server), 0);
	state_file_set_no_server(x.guest.state);
	end(GUEST_LEAVE);
	late.opens_late = true;
	late.open = cannot_open;
	x.cfg.type = &late;
	assert_int_not_equal(begin(), 0);
	xenvirtio_hv_close(x.hv);
	assert_int_equal(servers_while_opening, 1);
	assert_int_equal(fake_servers(x.fake), 0);
	x.cfg.type = &balloon_type;
	assert_int_equal(begin(), 0);
	assert_int_equal(fake_servers(x.fake), 1);
	end(GUEST_REMOVE);
}

static void a_server_of_another_backend_is_left_alone(void **state)
{
	assert_int_equal(begin(), 0);
	/* what is in Xen is not ours: that was known */
	state_file_set_no_server(x.guest.state);
	end(GUEST_LEAVE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(begin(), -ECANCELED);
		assert_int_equal(x.code, EXIT_CODE_BUSY);
		xenvirtio_hv_close(x.hv);
	}
}

/* Somebody serves by it at this moment; when that one dies it is still not ours. */
static void a_server_that_lives_is_another_backends(void **state)
{
	struct xenvirtio_gpa_range range = {x.cfg.base, {x.cfg.base.v + XENVIRTIO_MMIO_BYTES - 1}};
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *other;

	/* a predecessor that died before it had a server */
	assert_int_equal(begin(), 0);
	assert_int_equal(xenvirtio_server_close(x.guest.server), 0);
	state_file_set_server(x.guest.state, XENVIRTIO_IOREQ_NEW);
	end(GUEST_LEAVE);
	assert_int_equal(fake_open(x.fake, &other), 0);
	assert_int_equal(other->ops->ioreq_open(other, &range, 1, &id), 0);
	for (int dead = 0; dead < 2; dead++) {
		assert_int_equal(begin(), -ECANCELED);
		assert_int_equal(x.code, EXIT_CODE_BUSY);
		xenvirtio_hv_close(x.hv);
		if (!dead)
			xenvirtio_hv_close(other);
	}
}

/* Only another's claim says that none of ours is there: any other failure may have left one. */
static void after_a_failure_of_the_host_it_is_looked_for_again(void **state)
{
	bool failed = true;

	assert_int_equal(begin(), 0);
	state_file_set_server(x.guest.state, XENVIRTIO_IOREQ_NEW);
	end(GUEST_LEAVE);
	for (uint64_t nth = 1; failed; nth++) {
		assert_int_equal(fake_open(x.fake, &x.hv), 0);
		fake_fail(x.fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		open_guest();
		close_guest(GUEST_LEAVE);
		failed = fake_failed(x.fake) != 0;
		fake_fail(x.fake, 0, 0, FAKE_FAIL_ONCE, false);
		xenvirtio_hv_close(x.hv);
		assert_true(nth < 100);
	}
	assert_int_equal(begin(), 0);
	assert_true(x.guest.adopted);
	assert_int_equal(fake_servers(x.fake), 1);
	end(GUEST_REMOVE);
}

/* As a driver that has negotiated these leaves it. */
static void leave_negotiated(uint64_t features)
{
	struct xenvirtio_device_state *device;

	assert_int_equal(begin(), 0);
	device = state_file_device(x.guest.state);
	device->driver_features =
		features | BIT(XENVIRTIO_F_VERSION_1) | BIT(XENVIRTIO_BALLOON_F_MUST_TELL_HOST);
	assert_int_equal(device_write_status(balloon_device(x.daemon->balloon), DRIVER_OF_THIS_GUEST),
			 0);
	assert_int_equal(device->status, DRIVER_OF_THIS_GUEST);
	end(GUEST_LEAVE);
}

static void expect_features(uint64_t features)
{
	uint64_t all = xenvirtio_device_features(balloon_device(x.daemon->balloon));

	assert_int_equal(all & features, features);
}

/* After a reset: whether a driver may have it. */
static bool can_be_had(uint64_t features)
{
	struct xenvirtio_device *dev = balloon_device(x.daemon->balloon);

	assert_int_equal(device_write_status(dev, 0), 0);
	state_file_device(x.guest.state)->driver_features =
		features | BIT(XENVIRTIO_F_VERSION_1) | BIT(XENVIRTIO_BALLOON_F_MUST_TELL_HOST);
	assert_int_equal(device_write_status(dev, DRIVER_OF_THIS_GUEST), 0);
	return xenvirtio_device_status(dev) & XENVIRTIO_STATUS_FEATURES_OK;
}

static void what_was_negotiated_stays_until_reset(void **state)
{
	const uint64_t oom = BIT(XENVIRTIO_BALLOON_F_DEFLATE_ON_OOM);

	leave_negotiated(oom);
	x.opts.deflate_on_oom = false;
	assert_int_equal(begin(), 0);
	expect_features(oom);
	assert_false(can_be_had(oom));
	assert_true(can_be_had(0));
	end(GUEST_REMOVE);
}

static void bulk_messages_are_understood_though_no_longer_offered(void **state)
{
	const uint64_t bulk =
		BIT(XENVIRTIO_BALLOON_F_PAGE_BITMAP) | BIT(XENVIRTIO_BALLOON_F_PAGE_CHUNKS);

	leave_negotiated(bulk);
	x.opts.bulk = (struct balloon_bits){0};
	assert_int_equal(begin(), 0);
	expect_features(bulk);
	assert_int_equal(balloon_encoding(x.daemon->balloon), XENVIRTIO_BALLOON_EITHER);
	assert_false(can_be_had(bulk));
	assert_int_equal(balloon_encoding(x.daemon->balloon), XENVIRTIO_BALLOON_PFNS);
	end(GUEST_REMOVE);
}

static void a_bit_means_what_it_meant_when_it_was_negotiated(void **state)
{
	const uint64_t bitmap = BIT(XENVIRTIO_BALLOON_F_PAGE_BITMAP);

	leave_negotiated(bitmap);
	x.opts.bulk = (struct balloon_bits){.page_chunks = XENVIRTIO_BALLOON_F_PAGE_BITMAP};
	assert_int_equal(begin(), 0);
	assert_int_equal(balloon_encoding(x.daemon->balloon), XENVIRTIO_BALLOON_RECORDS);
	assert_true(can_be_had(bitmap));
	assert_int_equal(balloon_encoding(x.daemon->balloon), XENVIRTIO_BALLOON_CHUNKS);
	end(GUEST_REMOVE);
}

static void features_that_nobody_offered_are_damage(void **state)
{
	leave_negotiated(0);
	assert_int_equal(begin(), 0);
	state_file_device(x.guest.state)->driver_features |= BIT(7);
	end(GUEST_LEAVE);
	assert_int_equal(begin(), -ECANCELED);
	assert_int_equal(x.code, EXIT_CODE_UNSUITABLE);
	xenvirtio_hv_close(x.hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_guest_that_maps_something_high_is_served_on),
		TEST(a_new_guest_without_ram_to_keep_books_of_is_refused),
		TEST(a_server_whose_id_was_not_noted_is_adopted),
		TEST(where_no_server_was_made_one_is_made),
		TEST(what_was_claimed_goes_with_who_fails),
		TEST(a_server_of_another_backend_is_left_alone),
		TEST(a_server_that_lives_is_another_backends),
		TEST(after_a_failure_of_the_host_it_is_looked_for_again),
		TEST(what_was_negotiated_stays_until_reset),
		TEST(bulk_messages_are_understood_though_no_longer_offered),
		TEST(a_bit_means_what_it_meant_when_it_was_negotiated),
		TEST(features_that_nobody_offered_are_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
