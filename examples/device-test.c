// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * device-test: a device, a driver in front of it and a hypervisor below, all in one process.
 *
 *   cc -o device-test device-test.c $(pkg-config --cflags --libs xenvirtio-test)
 *
 * The device is an entropy source that always says 7, so that its driver can tell. No Xen, no root.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio-test/bus-fake.h>
#include <xenvirtio-test/driver.h>
#include <xenvirtio-test/hv-fake.h>
#include <xenvirtio.h>

#define DEVICE_ID_ENTROPY 4
#define BASE 0x2000000
#define IRQ 33
#define CHAINS_A_KICK 16

static int kick(void *opaque, unsigned int index)
{
	static const unsigned char sevens[] = { 7, 7, 7, 7 };
	struct xenvirtio_device **dev = opaque;
	struct xenvirtio_queue *q = xenvirtio_device_queue(*dev, index);
	struct xenvirtio_chain chain;
	int ret = 0, chains;

	for (chains = 0; chains < CHAINS_A_KICK && !ret; chains++) {
		ret = xenvirtio_queue_pop(q, &chain);
		if (!ret)
			ret = xenvirtio_chain_write(q, &chain, 0, sevens, sizeof(sevens));
		if (!ret)
			ret = xenvirtio_queue_push(q, &chain, sizeof(sevens));
	}
	if (!ret)
		xenvirtio_device_kick_again(*dev, index);
	return ret < 0 || ret == XENVIRTIO_E_GONE ? ret : xenvirtio_queue_interrupt(q);
}

static const struct xenvirtio_device_ops ops = { .kick = kick };

/* What the guest's vcpu waits for, and what a loop would do next. */
static int serve(void *opaque)
{
	int ret;

	do
		ret = xenvirtio_server_process(opaque);
	while (ret == XENVIRTIO_E_AGAIN);
	return ret;
}

static void must(int ret, const char *what)
{
	if (ret)
		fprintf(stderr, "device-test: %s: %d\n", what, ret);
	assert(!ret);
}

int main(void)
{
	/* its default: two ranges of RAM, this is the first */
	const struct xenvirtio_gfn_range ram = { { 0x40000 }, { 0x40fff } };
	struct fake *machine = fake_new(NULL);
	struct xenvirtio_device *dev = NULL;
	struct xenvirtio_device_config config = { .device_id = DEVICE_ID_ENTROPY, .nr_queues = 1,
						  .queue_size_max = 64, .ops = &ops, .opaque = &dev };
	uint16_t id = XENVIRTIO_IOREQ_NEW, head, used;
	struct driver_buf buf = { .len = 4, .writable = true };
	struct xenvirtio_server *server;
	struct xenvirtio_gmem *gmem;
	struct driver driver = { 0 };
	struct xenvirtio_hv *hv;
	struct bus_fake bus;
	unsigned char *page;
	uint32_t bytes;

	assert(machine);
	must(fake_open(machine, &hv), "hypervisor");
	must(xenvirtio_gmem_new(&gmem, hv, 8), "guest memory");
	must(xenvirtio_device_new(&dev, &config, gmem, NULL), "device");
	must(xenvirtio_server_new(&server, hv, gmem), "server");
	must(xenvirtio_server_add(server, dev, xenvirtio_gpa(BASE), IRQ), "address");
	must(xenvirtio_server_open(server, &id), "server");

	bus_fake_init(&bus, machine, BASE, ram, xenvirtio_gfn(0x40800), serve, NULL, server);
	driver.bus = &bus.bus;
	must(driver_init(&driver, DEVICE_ID_ENTROPY, 0, 1), "driver");
	page = bus.bus.ops->alloc_page(&bus.bus, &buf.gpa);
	assert(page);
	must(driver_add(&driver.queue[0], &buf, 1, false, &head), "add");
	must(driver_kick(&driver.queue[0]), "kick");
	must(driver_collect(&driver.queue[0], &used, &bytes), "collect");
	assert(used == head && bytes == 4 && memcmp(page, "\7\7\7\7", 5) == 0);
	assert(fake_irqs(machine, IRQ, true) == 1);

	must(xenvirtio_server_close(server), "close");
	xenvirtio_server_free(server);
	xenvirtio_device_free(dev);
	xenvirtio_gmem_free(gmem);
	xenvirtio_hv_close(hv);
	/* what a correct caller never does, and never leaves behind */
	assert(!fake_faults_total(machine) && !fake_live_mappings(machine) && !fake_servers(machine));
	fake_free(machine);
	puts("device-test: 7 7 7 7");
	return 0;
}
