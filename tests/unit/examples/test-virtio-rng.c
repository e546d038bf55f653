// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The example: its device gives a guest that asks for all it can what it asks for, a bounded part of it in each call; and the source
 * has the sixty lines that it is said to have.
 */
int virtio_rng_main(int argc, char **argv);
#define main virtio_rng_main
#include "examples/virtio-rng.c"
#undef main

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake/hv-fake.h"
#include "guest/bus-fake.h"
#include "guest/driver.h"
#include "run/run-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE 0x2000000
#define CHAINS 60u
#define CHAIN_BYTES 65536u

static struct xenvirtio_server *server;
static unsigned int turns;

/* The access alone. */
static int serve_once(void *opaque)
{
	int ret = xenvirtio_server_process(server);

	return ret == XENVIRTIO_E_AGAIN ? 0 : ret;
}

static unsigned int collect(struct driver *driver)
{
	unsigned int nr = 0;
	uint16_t head;
	uint32_t bytes;

	for (; !driver_collect(&driver->queue[0], &head, &bytes); nr++)
		assert_int_equal(bytes, CHAIN_BYTES);
	return nr;
}

static void a_full_ring_takes_turns(void **state)
{
	const struct xenvirtio_gfn_range ram = { { 0x40000 }, { 0x40fff } };
	struct fake *machine = fake_new(NULL);
	struct xenvirtio_program_device *device;
	struct driver_buf buf = { .gpa = UINT64_C(0x40400) << 12, .len = CHAIN_BYTES, .writable = true };
	uint16_t id = XENVIRTIO_IOREQ_NEW, head;
	struct driver driver = { 0 };
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_hv *hv;
	struct bus_fake bus;
	unsigned int done, most;

	assert_non_null(machine);
	assert_int_equal(fake_open(machine, &hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&gmem, hv, 64), 0);
	assert_int_equal(xenvirtio_program_device_new(&device, &program, gmem, NULL), 0);
	assert_int_equal(xenvirtio_server_new(&server, hv, gmem), 0);
	assert_int_equal(xenvirtio_server_add(server, xenvirtio_program_device_get(device), xenvirtio_gpa(BASE), 33), 0);
	assert_int_equal(xenvirtio_server_open(server, &id), 0);
	bus_fake_init(&bus, machine, BASE, ram, xenvirtio_gfn(0x40fff), serve_once, NULL, NULL);
	driver.bus = &bus.bus;
	assert_int_equal(driver_init(&driver, DEVICE_ID_ENTROPY, 0, 1), 0);
	for (unsigned int i = 0; i < CHAINS; i++)
		assert_int_equal(driver_add(&driver.queue[0], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&driver.queue[0]), 0);
	done = most = collect(&driver);
	assert_in_range(done, 1, CHAINS - 1);
	for (turns = 1; xenvirtio_server_process(server) == XENVIRTIO_E_AGAIN; turns++) {
		unsigned int here = collect(&driver);

		most = here > most ? here : most;
		done += here;
	}
	done += collect(&driver);
	assert_int_equal(done, CHAINS);
	/* 17 pages of buffers each, and a table */
	assert_in_range(most, 1, RUN_KICK_PAGES_MAX / 18 + 1);
	assert_int_equal(xenvirtio_server_close(server), 0);
	xenvirtio_server_free(server);
	xenvirtio_program_device_free(device);
	xenvirtio_gmem_free(gmem);
	xenvirtio_hv_close(hv);
	assert_int_equal(fake_faults_total(machine), 0);
	fake_free(machine);
}

static void the_source_has_sixty_lines_at_most(void **state)
{
	const char *srcdir = getenv("top_srcdir");
	unsigned int lines = 0;
	char path[512], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/examples/virtio-rng.c", srcdir ? srcdir : ".");
	file = fopen(path, "re");
	assert_non_null(file);
	for (; fgets(line, sizeof(line), file); lines++)
		assert_in_range(strlen(line), 1, 133);
	fclose(file);
	assert_in_range(lines, 20, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_ring_takes_turns),
		cmocka_unit_test(the_source_has_sixty_lines_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
