// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's side and the broker's, without a socket between them: what is told is what was asked for, whole, and of the device's
 * own guest.
 */
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "fake/hv-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
	struct fake *fake;
	struct log_capture log;
	struct broker broker;
	struct doors doors;
	int names_result;
	char named[256];
};

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return fake_open(((struct bench *)opaque)->fake, hv);
}

static int note_name(struct bench *b, const char *what, uint32_t devid)
{
	size_t at = strlen(b->named);

	snprintf(b->named + at, sizeof(b->named) - at, "%s %u ", what, devid);
	return b->names_result;
}

static int open_state(void *opaque, uint32_t devid, pid_t *owner)
{
	note_name(opaque, "open", devid);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int read_size(void *opaque, uint32_t devid, uint64_t *kib)
{
	*kib = 4096;
	return note_name(opaque, "read-size", devid);
}

static int keep_size(void *opaque, uint32_t devid, uint64_t kib)
{
	assert_int_equal(kib, 8192);
	return note_name(opaque, "keep-size", devid);
}

static int drop_size(void *opaque, uint32_t devid)
{
	return note_name(opaque, "drop-size", devid);
}

static const struct program program = {.name = "test"};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(NULL);
	assert_non_null(b->fake);
	log_capture_open(&b->log, LOG_LEVEL_DEBUG);
	b->doors = (struct doors){.open_state = open_state,
				  .read_size = read_size,
				  .keep_size = keep_size,
				  .drop_size = drop_size,
				  .opaque = b};
	broker_init(&b->broker,
		    &(struct broker_config){
			    .log = &b->log.log, .domid = 7, .open_hv = open_hv, .doors = &b->doors, .program = &program, .opaque = b});
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	broker_fini(&b->broker);
	assert_int_equal(fake_open_handles(b->fake), 0);
	fake_free(b->fake);
	free(b);
	return 0;
}

static int exchange(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	struct bench *b = opaque;

	return broker_answer(&b->broker, req, len, answer, fd);
}

/* Of the guest whose device it is: it names none. */
static void a_size_is_kept_by_number_as_well(void **state)
{
	struct bench *b = *state;
	const struct broker_seat seat = {.exchange = exchange, .opaque = b};
	struct doors doors;
	uint64_t kib = 0;
	pid_t owner;
	int fd;

	broker_client_doors(&doors, &seat);
	/* without the lock another process may be the device */
	assert_int_equal(doors.read_size(doors.opaque, 5, &kib), -EPERM);
	assert_int_equal(doors.keep_size(doors.opaque, 5, 8192), -EPERM);
	fd = doors.open_state(doors.opaque, 5, &owner);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(doors.read_size(doors.opaque, 5, &kib), 0);
	assert_int_equal(kib, 4096);
	assert_int_equal(doors.keep_size(doors.opaque, 5, 8192), 0);
	assert_int_equal(doors.drop_size(doors.opaque, 5), 0);
	assert_int_equal(doors.drop_size(doors.opaque, 6), -EPERM);
	b->names_result = -ENOENT;
	assert_int_equal(doors.read_size(doors.opaque, 5, &kib), -ENOENT);
	assert_string_equal(b->named, "open 5 read-size 5 keep-size 5 drop-size 5 read-size 5 ");
}

/* A field that is left out is 0 to the device: why the guest shut down, once. */
static void all_that_is_known_of_the_domain_is_told(void **state)
{
	struct bench *b = *state;
	const struct broker_seat seat = {.exchange = exchange, .opaque = b};
	struct xenvirtio_domain_info direct, told;
	struct xenvirtio_hv *inner, *hv;

	fake_set_shutdown(b->fake, XENVIRTIO_SHUTDOWN_SUSPEND);
	assert_int_equal(fake_open(b->fake, &inner), 0);
	assert_int_equal(inner->ops->domain_info(inner, &direct), 0);
	assert_int_equal(broker_client_open(&hv, inner, seat.exchange, seat.opaque, false), 0);
	memset(&told, 0, sizeof(told));
	assert_int_equal(hv->ops->domain_info(hv, &told), 0);
	assert_int_equal(direct.shutdown_code, XENVIRTIO_SHUTDOWN_SUSPEND);
	assert_int_equal(told.tot_pages, direct.tot_pages);
	assert_int_equal(told.max_pages, direct.max_pages);
	assert_int_equal(told.nr_vcpus, direct.nr_vcpus);
	assert_int_equal(told.dying, direct.dying);
	assert_int_equal(told.shutdown, direct.shutdown);
	assert_int_equal(told.paused, direct.paused);
	assert_int_equal(told.shutdown_code, direct.shutdown_code);
	/* nothing was added that is not looked at here */
	assert_int_equal(sizeof(direct), 24);
	xenvirtio_hv_close(hv);
}

static unsigned int questions;

static int count_exchange(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	questions++;
	return exchange(opaque, req, len, answer, fd);
}

/* A guest waits for each answer: what is looked at together is one question, and what is looked at later is asked again. */
static void counts_of_a_domain_are_one_question(void **state)
{
	struct bench *b = *state;
	struct xenvirtio_domain_info info;
	struct xenvirtio_pod_info pod, direct;
	struct xenvirtio_hv *inner, *hv;

	fake_set_pod(b->fake, xenvirtio_gfn(0x40100), 64, 32);
	assert_int_equal(fake_open(b->fake, &inner), 0);
	assert_int_equal(inner->ops->pod_info(inner, &direct), 0);
	assert_true(direct.entries);
	assert_int_equal(broker_client_open(&hv, inner, count_exchange, b, false), 0);
	questions = 0;
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_int_equal(hv->ops->pod_info(hv, &pod), 0);
	assert_int_equal(questions, 1);
	assert_int_equal(pod.entries, direct.entries);
	assert_int_equal(pod.cache_pages, direct.cache_pages);
	assert_int_equal(hv->ops->pod_info(hv, &pod), 0);
	assert_int_equal(questions, 2);
	/* not over another question, which may have changed it */
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_int_equal(hv->ops->host_info(hv, &(struct xenvirtio_host_info){0}), 0);
	assert_int_equal(hv->ops->pod_info(hv, &pod), 0);
	assert_int_equal(questions, 5);
	xenvirtio_hv_close(hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_size_is_kept_by_number_as_well, setup, teardown),
		cmocka_unit_test_setup_teardown(all_that_is_known_of_the_domain_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_of_a_domain_are_one_question, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
