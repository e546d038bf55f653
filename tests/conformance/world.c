// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See world.h.
 */
#include "conformance/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GMEM_PAGES 64
/* More turns than any message takes. */
#define TURNS_MAX 100000u
/* In the first range of RAM; what the driver has is far before it. */
#define HOLE_GFN 0x40800u

int world_fail(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->why[0])
		return -EPROTO;
	va_start(args, format);
	vsnprintf(w->why, sizeof(w->why), format, args);
	va_end(args);
	return -EPROTO;
}

int world_skip(struct world *w, const char *why)
{
	snprintf(w->why, sizeof(w->why), "%s", why);
	return 1;
}

int world_check(struct world *w, int ret, const char *what)
{
	if (!ret)
		return 0;
	if (w->failure)
		return world_fail(w, "%s: the process ended with %d (%s)", what, w->failure,
				  w->failure < 0 ? strerror(-w->failure) : "a condition");
	return world_fail(w, "%s: %d (%s)", what, ret, ret < 0 ? strerror(-ret) : "nothing came");
}

/* --- the process --- */

static int process(struct world *w)
{
	for (unsigned int turn = 0; turn < TURNS_MAX; turn++) {
		int ret = xenvirtio_server_process(w->server);
		bool again = ret == XENVIRTIO_E_AGAIN || xenvirtio_server_holds(w->server);

		if (ret && ret != XENVIRTIO_E_AGAIN)
			return ret;
		ret = w->cd->serve ? w->cd->serve(w->cd->opaque) : 0;
		if (ret && ret != XENVIRTIO_E_AGAIN)
			return ret;
		if (!again && !ret)
			return 0;
	}
	return world_fail(w, "the device is never done: %u turns for one access", TURNS_MAX);
}

int world_turn(struct world *w)
{
	if (!w->failure && w->server)
		w->failure = process(w);
	return w->failure ? w->failure : w->server ? 0 : -ENODEV;
}

static int restart(struct world *w, bool killed)
{
	int ret;

	world_stop(w, killed);
	ret = world_start(w);
	return ret ? world_check(w, ret, "a new process") : 0;
}

/* The guest's vcpu stands in an access. */
static int serve_access(void *opaque)
{
	struct world *w = opaque;
	bool now = ++w->accesses == w->end_at || w->end_at == UINT64_MAX;
	int ret = 0;

	if (now && w->end == WORLD_ENDS_BEFORE)
		ret = restart(w, true);
	if (!ret)
		ret = world_turn(w);
	if (!ret && now && w->end == WORLD_ENDS_AFTER)
		ret = restart(w, false);
	return ret;
}

static int wait_turn(void *opaque)
{
	return world_turn(opaque);
}

static uint64_t count_errors(void *opaque)
{
	struct world *w = opaque;

	return w->made ? w->cd->errors(w->cd->opaque) : 0;
}

int world_begin(struct world *w, const struct conformance_device *cd, const struct fake_config *config, bool hole)
{
	/* the fake's first range; its second one is the device's to reach, too */
	static const struct xenvirtio_gfn_range ram = {{0x40000}, {0x40fff}};

	memset(w, 0, sizeof(*w));
	w->cd = cd;
	w->id = XENVIRTIO_IOREQ_NEW;
	if (cd->forget)
		cd->forget(cd->opaque);
	w->fake = fake_new(config);
	if (!w->fake)
		return -ENOMEM;
	bus_fake_init(&w->bus, w->fake, WORLD_BASE, ram, xenvirtio_gfn(hole ? HOLE_GFN : 0), wait_turn,
		      cd->errors ? count_errors : NULL, w);
	fake_set_serve(w->fake, serve_access, w);
	w->driver.bus = &w->bus.bus;
	return 0;
}

static int open_server(struct world *w)
{
	bool adopts = w->id != XENVIRTIO_IOREQ_NEW;
	int ret = xenvirtio_server_new(&w->server, w->hv, w->gmem);

	if (!ret)
		xenvirtio_server_set_notify(w->server, XENVIRTIO_NOTIFY_AUTO, NULL, NULL);
	if (!ret)
		ret = xenvirtio_server_add(w->server, w->dev, xenvirtio_gpa(WORLD_BASE), WORLD_IRQ);
	if (!ret)
		ret = xenvirtio_server_open(w->server, &w->id);
	if (!ret && adopts)
		ret = xenvirtio_server_resume(w->server);
	return ret == XENVIRTIO_E_AGAIN ? 0 : ret;
}

int world_start(struct world *w)
{
	struct conformance_host host = {.fake = w->fake, .state = &w->state};
	int ret = fake_open(w->fake, &w->hv);

	w->failure = 0;
	if (!ret)
		ret = xenvirtio_gmem_new(&w->gmem, w->hv, GMEM_PAGES);
	host.hv = w->hv;
	host.gmem = w->gmem;
	if (!ret)
		ret = w->cd->make(w->cd->opaque, &host, &w->dev);
	if (!ret) {
		w->made = true;
		ret = open_server(w);
	}
	/* what a loop does when it begins */
	if (!ret)
		ret = world_turn(w);
	if (ret) {
		world_stop(w, false);
		w->failure = ret;
	}
	return ret;
}

void world_stop(struct world *w, bool killed)
{
	struct xenvirtio_device_state state = w->state;

	xenvirtio_server_free(w->server);
	w->server = NULL;
	/* What is written down by whoever ends properly is not there. */
	if (killed)
		w->state = state;
	if (w->made)
		w->cd->free(w->cd->opaque);
	w->made = false;
	w->dev = NULL;
	xenvirtio_gmem_free(w->gmem);
	w->gmem = NULL;
	/* closing the hypervisor takes them away, and would hide them */
	w->left_mapped += fake_live_mappings(w->fake);
	xenvirtio_hv_close(w->hv);
	w->hv = NULL;
}

int world_close(struct world *w)
{
	int ret = w->server ? xenvirtio_server_close(w->server) : 0;

	/* one that says why it did not go well may have gone all the same */
	if (!ret || !fake_servers(w->fake))
		w->id = XENVIRTIO_IOREQ_NEW;
	world_stop(w, false);
	return ret;
}

void world_end(struct world *w)
{
	world_close(w);
	fake_free(w->fake);
	w->fake = NULL;
}

int world_left(struct world *w)
{
	const struct fake_faults *f = fake_faults(w->fake);
	/* what the guest took away behind the device's back is the guest's doing */
	uint64_t ours = f->released_mapped > w->bus.holes_made ? f->released_mapped - w->bus.holes_made : 0;

	if (w->left_mapped)
		return world_fail(w, "%zu mappings of the guest's memory were left when the device was freed", w->left_mapped);
	if (fake_servers(w->fake))
		return world_fail(w, "%zu ioreq servers are left", fake_servers(w->fake));
	if (fake_open_fds(w->fake) || fake_open_handles(w->fake))
		return world_fail(w, "%zu descriptors and %zu handles of the hypervisor are left", fake_open_fds(w->fake),
				  fake_open_handles(w->fake));
	if (ours || f->leaked || f->populated_outside || f->holes_touched)
		return world_fail(w, "frames: %llu released while mapped, %llu lost, %llu outside RAM, %llu touched and not there",
				  (unsigned long long)ours, (unsigned long long)f->leaked,
				  (unsigned long long)f->populated_outside, (unsigned long long)f->holes_touched);
	if (f->bad_state || f->bad_unmap || f->pod_empty || f->left_armed > w->refused)
		return world_fail(w, "calls: %llu would crash the domain, %llu unmaps of what is not mapped, %llu left armed",
				  (unsigned long long)(f->bad_state + f->pod_empty), (unsigned long long)f->bad_unmap,
				  (unsigned long long)f->left_armed);
	return 0;
}

/* --- registers --- */

uint64_t world_interrupts(struct world *w)
{
	return fake_irqs(w->fake, WORLD_IRQ, true);
}

uint32_t world_reg(struct world *w, uint32_t reg)
{
	uint32_t val;

	return driver_read(&w->driver, reg, &val) ? UINT32_MAX : val;
}

int world_quiet(struct world *w)
{
	int ret = world_turn(w);

	if (!ret)
		ret = driver_write(&w->driver, REG_INTERRUPT_ACK, world_reg(w, REG_INTERRUPT_STATUS));
	return world_check(w, ret, "acknowledging interrupts");
}

uint64_t world_offered(struct world *w)
{
	uint64_t low, high;

	if (driver_write(&w->driver, REG_DEVICE_FEATURES_SEL, 0))
		return 0;
	low = world_reg(w, REG_DEVICE_FEATURES);
	if (driver_write(&w->driver, REG_DEVICE_FEATURES_SEL, 1))
		return 0;
	high = world_reg(w, REG_DEVICE_FEATURES);
	return high << 32 | low;
}

bool world_has(struct world *w, uint64_t features)
{
	return !(features & ~world_offered(w));
}

int world_init(struct world *w, uint64_t more)
{
	return world_check(w, driver_init(&w->driver, w->cd->device_id, w->cd->features | more, w->cd->nr_queues),
			   "a proper initialisation");
}
