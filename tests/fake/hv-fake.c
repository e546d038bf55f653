// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake machine and its handles, see hv-fake.h: making them, the ops table, domain information,
 * the interrupt lines, failures on demand.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "hv-fake-internal.h"

static const struct fake_config default_config = {
	.ram = { { { 0x40000 }, { 0x40fff } }, { { 0x200000 }, { 0x2003ff } } },
	.nr_ram = 2,
	.nr_vcpus = 1,
};

static bool config_ok(const struct fake_config *c)
{
	if (c->nr_ram > FAKE_RAM_MAX || c->nr_vcpus > XENVIRTIO_VCPUS_MAX)
		return false;
	for (size_t i = 0; i < c->nr_ram; i++) {
		if (c->ram[i].start.v > c->ram[i].end_incl.v)
			return false;
		if (i && c->ram[i].start.v <= c->ram[i - 1].end_incl.v)
			return false;
	}
	return true;
}

struct fake *fake_new(const struct fake_config *config)
{
	struct fake *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->memfd = -1;
	f->config = config ? *config : default_config;
	if (!f->config.nr_ram) {
		f->config.nr_ram = default_config.nr_ram;
		for (size_t i = 0; i < default_config.nr_ram; i++)
			f->config.ram[i] = default_config.ram[i];
	}
	if (getenv("FAKE_HELD_IRQS"))
		f->config.held_irqs = true;
	if (!f->config.eventfd_features && getenv("FAKE_EVENTFD_FEATURES"))
		f->config.eventfd_features = (uint32_t)atoi(getenv("FAKE_EVENTFD_FEATURES"));
	if (!f->config.nr_vcpus)
		f->config.nr_vcpus = default_config.nr_vcpus;
	if (!config_ok(&f->config) || fake_mem_init(f)) {
		fake_free(f);
		return NULL;
	}
	return f;
}

void fake_free(struct fake *f)
{
	if (!f)
		return;
	fake_ioreq_fini(f);
	fake_mem_fini(f);
	free(f);
}

void fake_reset(struct fake *f)
{
	assert(!f->handles);
	fake_ioreq_fini(f);
	memset(&f->faults, 0, sizeof(*f) - offsetof(struct fake, faults));
	fake_mem_fill(f);
}

int fake_count_call(struct fake *f, bool is_unmap)
{
	if (is_unmap && !f->fail_unmap)
		return 0;
	f->calls++;
	if (!f->fail_nth || f->calls < f->fail_nth)
		return 0;
	if (f->calls > f->fail_nth && f->fail_mode == FAKE_FAIL_ONCE)
		return 0;
	f->failed++;
	return f->fail_result;
}

static void close_handle(struct xenvirtio_hv *hv)
{
	struct fake_handle *h = to_handle(hv);

	fake_eventfd_drop(h, false);
	fake_ioreq_close_handle(h);
	fake_mem_close_handle(h);
	h->f->handles--;
	free(h);
}

static int read_domain_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	*info = (struct xenvirtio_domain_info){
		.tot_pages = f->tot_pages,
		.max_pages = f->max_pages,
		.nr_vcpus = f->config.nr_vcpus,
		.dying = f->dying,
		.shutdown = f->shutdown,
		.shutdown_code = f->shutdown_code,
		.paused = f->paused || f->pauses,
	};
	return 0;
}

static int set_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	if (irq >= FAKE_IRQS_MAX)
		return -EINVAL;
	f->irq_count[irq][level]++;
	f->irq_level[irq] = level;
	return 0;
}

static bool irq_held(struct xenvirtio_hv *hv)
{
	return to_handle(hv)->f->config.held_irqs;
}

static int set_max_mem(struct xenvirtio_hv *hv, uint64_t max_kib)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	f->max_pages = max_kib >> (XENVIRTIO_PAGE_SHIFT - 10);
	return 0;
}

/* Of the host: what befalls the domain changes nothing. */
static int read_host_info(struct xenvirtio_hv *hv, struct xenvirtio_host_info *info)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	*info = (struct xenvirtio_host_info){
		.total_pages = f->tot_pages + f->nr_free + f->config.others_pages,
		.free_pages = f->heap_free,
	};
	return 0;
}

static int pause_domain(struct xenvirtio_hv *hv)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	f->pauses++;
	return 0;
}

static int unpause_domain(struct xenvirtio_hv *hv)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	if (!f->pauses)
		return -EINVAL;
	f->pauses--;
	return 0;
}

static const struct xenvirtio_hv_ops fake_ops = {
	.version = XENVIRTIO_HV_VERSION,
	.size = sizeof(struct xenvirtio_hv_ops),
	.name = "fake",
	.close = close_handle,
	.domain_info = read_domain_info,
	.ram_ranges = fake_op_ram_ranges,
	.map = fake_op_map,
	.unmap = fake_op_unmap,
	.revoke = fake_op_revoke,
	.ioreq_open = fake_op_ioreq_open,
	.ioreq_close = fake_op_ioreq_close,
	.ioreq_fd = fake_op_ioreq_fd,
	.ioreq_next = fake_op_ioreq_next,
	.ioreq_complete = fake_op_ioreq_complete,
	.set_irq = set_irq,
	.release_pages = fake_op_release_pages,
	.populate_pages = fake_op_populate_pages,
	.set_max_mem = set_max_mem,
	.irq_held = irq_held,
	.eventfd_features = fake_op_eventfd_features,
	.ioeventfd_add = fake_op_ioeventfd_add,
	.ioeventfd_del = fake_op_ioeventfd_del,
	.irqfd_add = fake_op_irqfd_add,
	.irqfd_del = fake_op_irqfd_del,
	.registers_add = fake_op_registers_add,
	.registers_del = fake_op_registers_del,
	.field_add = fake_op_field_add,
	.field_del = fake_op_field_del,
	.kick_wait = fake_op_kick_wait,
	.frames_present = fake_op_frames_present,
	.pod_info = fake_op_pod_info,
	.memory_file = fake_op_memory_file,
	.memory_forget = fake_op_memory_forget,
	.host_info = read_host_info,
	.pause = pause_domain,
	.unpause = unpause_domain,
};

static const struct xenvirtio_hv_ops *one_way_ops(void)
{
	static struct xenvirtio_hv_ops ops;

	ops = fake_ops;
	ops.move_extents = fake_op_move_extents;
	return &ops;
}

int fake_open(struct fake *f, struct xenvirtio_hv **hv)
{
	struct fake_handle *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->hv.ops = fake_one_way() ? one_way_ops() : &fake_ops;
	h->f = f;
	h->server = -1;
	h->fd = -1;
	h->held = -1;
	f->handles++;
	*hv = &h->hv;
	return 0;
}

const struct fake_faults *fake_faults(const struct fake *f)
{
	return &f->faults;
}

uint64_t fake_faults_total(const struct fake *f)
{
	const struct fake_faults *x = &f->faults;

	return x->released_mapped + x->leaked + x->populated_outside + x->holes_touched +
	       x->unclaimed + x->bad_state + x->stuck + x->bad_unmap + x->pod_empty + x->left_armed;
}

size_t fake_open_handles(const struct fake *f)
{
	return f->handles;
}

size_t fake_open_fds(const struct fake *f)
{
	return f->fds;
}

uint64_t fake_irqs(struct fake *f, uint32_t irq, bool level)
{
	fake_eventfd_settle(f);
	return irq < FAKE_IRQS_MAX ? f->irq_count[irq][level] : 0;
}

bool fake_irq_level(struct fake *f, uint32_t irq)
{
	fake_eventfd_settle(f);
	return irq < FAKE_IRQS_MAX && f->irq_level[irq];
}

void fake_set_dying(struct fake *f)
{
	f->dying = true;
}

void fake_set_paused(struct fake *f, bool paused)
{
	f->paused = paused;
}

void fake_set_shutdown(struct fake *f, unsigned int code)
{
	f->shutdown = true;
	f->shutdown_code = (uint8_t)code;
}

void fake_set_gone(struct fake *f)
{
	f->dying = true;
	f->gone = true;
	fake_ioreq_domain_gone(f);
}

void fake_fail(struct fake *f, uint64_t nth, int result, enum fake_fault_mode mode, bool unmap)
{
	f->calls = 0;
	f->failed = 0;
	f->fail_nth = nth;
	f->fail_result = result;
	f->fail_mode = mode;
	f->fail_unmap = unmap;
}

uint64_t fake_calls(const struct fake *f)
{
	return f->calls;
}

uint64_t fake_failed(const struct fake *f)
{
	return f->failed;
}
