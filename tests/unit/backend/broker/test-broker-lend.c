// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a broker gives to a device that others serve: connections to its backend, and the guest's memory as files. To no other,
 * not without the lock, and no more than one needs.
 */
#include "backend/base/clock.h"
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "fake/hv-fake.h"
#include "fake/machine-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenvirtio/memory-files.h>

#include <cmocka.h>

#define DEVID 5u
#define RAM 0x40000u

struct bench {
	struct fake *fake;
	struct log_capture log;
	struct broker broker;
	struct doors doors;
	struct program program;
	unsigned int connections;
	int connect_result;
	struct broker_seat seat;
	struct doors client;
	struct xenvirtio_hv *hv; /* the device's */
};

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct bench *b = opaque;

	return fake_open(b->fake, hv);
}

static int open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int open_state(void *opaque, uint32_t devid, pid_t *owner)
{
	return open_null();
}

static int connect_backend(void *opaque, uint32_t devid)
{
	struct bench *b = opaque;

	assert_int_equal(devid, DEVID);
	b->connections++;
	return b->connect_result ? b->connect_result : open_null();
}

static int exchange(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	struct bench *b = opaque;

	return broker_answer(&b->broker, req, len, answer, fd);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct xenvirtio_hv *inner;

	assert_non_null(b);
	b->fake = fake_new(NULL);
	assert_non_null(b->fake);
	log_capture_open(&b->log, LOG_LEVEL_DEBUG);
	b->program = (struct program){.name = "test", .lends = true};
	b->doors = (struct doors){.open_state = open_state, .connect_backend = connect_backend, .opaque = b};
	broker_init(&b->broker, &(struct broker_config){.log = &b->log.log,
							.domid = 7,
							.open_hv = open_hv,
							.doors = &b->doors,
							.program = &b->program,
							.opaque = b});
	b->seat = (struct broker_seat){.exchange = exchange, .opaque = b};
	broker_client_doors(&b->client, &b->seat);
	assert_int_equal(fake_open(b->fake, &inner), 0);
	assert_int_equal(broker_client_open(&b->hv, inner, exchange, b, true), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	xenvirtio_hv_close(b->hv);
	broker_fini(&b->broker);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_faults_total(b->fake), 0);
	fake_free(b->fake);
	free(b);
	return 0;
}

static void lock(struct bench *b)
{
	pid_t owner;
	int fd = b->client.open_state(b->client.opaque, DEVID, &owner);

	assert_true(fd >= 0);
	close(fd);
}

static int connect_once(struct bench *b)
{
	int fd = b->client.connect_backend(b->client.opaque, DEVID);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void a_backend_is_connected_to_with_the_lock(void **state)
{
	struct bench *b = *state;

	assert_int_equal(connect_once(b), -EPERM);
	lock(b);
	assert_int_equal(connect_once(b), 0);
	assert_int_equal(b->connections, 1);
	/* of this device */
	assert_int_equal(b->client.connect_backend(b->client.opaque, DEVID + 1), -EPERM);
	assert_int_equal(b->connections, 1);
}

static void not_as_often_as_a_device_likes(void **state)
{
	struct bench *b = *state;

	lock(b);
	b->connect_result = -ECONNREFUSED;
	assert_int_equal(connect_once(b), -ECONNREFUSED);
	for (int i = 0; i < 100; i++)
		assert_int_equal(connect_once(b), -EBUSY);
	assert_int_equal(b->connections, 1);
	machine_fake_set_ns(clock_now_ns() + BROKER_CONNECT_MS * 1000000);
	b->connect_result = 0;
	assert_int_equal(connect_once(b), 0);
	assert_int_equal(b->connections, 2);
}

static void memory_is_given_a_range_at_a_time_and_once(void **state)
{
	struct xenvirtio_memory_files files, again;
	struct bench *b = *state;
	struct stat st;

	assert_int_equal(xenvirtio_memory_files_open(b->hv, &files), -EPERM);
	lock(b);
	assert_int_equal(xenvirtio_memory_files_open(b->hv, &files), 0);
	assert_int_equal(files.nr, 2);
	assert_int_equal(files.file[0].range.start.v, RAM);
	for (size_t i = 0; i < files.nr; i++) {
		uint64_t pages = files.file[i].range.end_incl.v - files.file[i].range.start.v + 1;

		assert_int_equal(fstat(files.file[i].fd, &st), 0);
		assert_true((uint64_t)st.st_size >= files.file[i].offset + pages * 4096);
		assert_true(fcntl(files.file[i].fd, F_GETFD) & FD_CLOEXEC);
	}
	/* from where one is in the file */
	assert_true(files.file[1].offset > files.file[0].offset);
	assert_int_equal(xenvirtio_memory_files_open(b->hv, &again), -EPERM);
	xenvirtio_memory_files_close(&files);
}

static void what_is_no_range_is_no_file(void **state)
{
	struct xenvirtio_gfn_range range = {{RAM + 1}, {RAM + 2}};
	struct bench *b = *state;
	uint64_t offset;
	int fd;

	lock(b);
	assert_int_equal(b->hv->ops->memory_file(b->hv, &range, &fd, &offset), -EPERM);
	assert_int_equal(fd, -1);
}

static void a_device_that_serves_itself_gets_neither(void **state)
{
	struct xenvirtio_memory_files files;
	struct bench *b = *state;

	b->program.lends = false;
	lock(b);
	assert_int_equal(connect_once(b), -EPERM);
	assert_int_equal(b->connections, 0);
	assert_int_equal(xenvirtio_memory_files_open(b->hv, &files), -EPERM);
	assert_int_equal(files.nr, 0);
}

static void a_host_without_files_says_so(void **state)
{
	struct xenvirtio_memory_files files;
	struct bench *b = *state;

	lock(b);
	fake_set_no_memory_files(b->fake);
	assert_int_equal(xenvirtio_memory_files_open(b->hv, &files), -ENOSYS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_backend_is_connected_to_with_the_lock),
		TEST(not_as_often_as_a_device_likes),
		TEST(memory_is_given_a_range_at_a_time_and_once),
		TEST(what_is_no_range_is_no_file),
		TEST(a_device_that_serves_itself_gets_neither),
		TEST(a_host_without_files_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
