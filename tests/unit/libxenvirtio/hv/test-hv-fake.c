// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake hypervisor: what tests rely on beyond the contract that real Xen is held to as well.
 * That is the vcpus' side of an access, failures on demand, and the counting of faults and leaks: a
 * fake that overlooks a fault makes every test above it worthless.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fake/hv-fake.h"
#include "hv/ioreq-page.h"

#define WINDOW 0x2000000
#define RAM 0x40000

static const struct xenvirtio_gpa_range window = { { WINDOW }, { WINDOW + 0x1ff } };

struct fixture {
	struct fake *f;
	struct xenvirtio_hv *hv;
	const struct xenvirtio_hv_ops *ops;
	uint16_t id;
	uint64_t answer;
	unsigned int served;
};

/* The least of a device: answers whatever comes. */
static int serve_all(void *ctx)
{
	struct fixture *x = ctx;
	struct xenvirtio_ioreq req;
	int ret;

	while ((ret = x->ops->ioreq_next(x->hv, &req)) == 0) {
		x->served++;
		req.data = x->answer;
		ret = x->ops->ioreq_complete(x->hv, &req);
		if (ret)
			return ret;
	}
	return ret == XENVIRTIO_E_EMPTY ? 0 : ret;
}

static void open_machine(struct fixture *x, const struct fake_config *config)
{
	memset(x, 0, sizeof(*x));
	x->f = fake_new(config);
	assert_non_null(x->f);
	assert_int_equal(fake_open(x->f, &x->hv), 0);
	x->ops = x->hv->ops;
	fake_set_serve(x->f, serve_all, x);
}

static void open_server(struct fixture *x, const struct fake_config *config)
{
	open_machine(x, config);
	x->id = XENVIRTIO_IOREQ_NEW;
	assert_int_equal(x->ops->ioreq_open(x->hv, &window, 1, &x->id), 0);
}

static void close_machine(struct fixture *x)
{
	xenvirtio_hv_close(x->hv);
	assert_int_equal(fake_open_handles(x->f), 0);
	assert_int_equal(fake_open_fds(x->f), 0);
	assert_int_equal(fake_live_mappings(x->f), 0);
	fake_free(x->f);
}

static bool fd_ready(struct fixture *x)
{
	struct pollfd pfd = { .fd = x->ops->ioreq_fd(x->hv), .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* A read gets the answer, cut to its size, and a write arrives as it was made. */
static void access_reaches_the_server(void **state)
{
	struct fixture x;
	struct xenvirtio_ioreq req;
	uint64_t data = 0;

	open_server(&x, NULL);
	x.answer = UINT64_C(0x1122334455667788);
	assert_int_equal(fake_mmio_read(x.f, 0, WINDOW, 4, &data), 0);
	assert_int_equal(data, 0x55667788);
	assert_int_equal(fake_mmio_read(x.f, 0, WINDOW, 8, &data), 0);
	assert_true(data == x.answer);

	assert_int_equal(fake_mmio_start(x.f, 0, WINDOW + 0x50, 2, false, 0xbeef), 0);
	assert_int_equal(x.ops->ioreq_next(x.hv, &req), 0);
	assert_true(req.addr == WINDOW + 0x50 && req.data == 0xbeef && req.count == 1);
	assert_true(req.size == 2 && req.vcpu == 0 && req.type == XENVIRTIO_IOREQ_COPY);
	assert_true(!req.read && !req.data_is_ptr);
	assert_int_equal(x.ops->ioreq_complete(x.hv, &req), 0);
	assert_int_equal(fake_mmio_finish(x.f, 0, NULL), 0);
	assert_int_equal(fake_faults_total(x.f), 0);
	close_machine(&x);
}

/* The descriptor is readable exactly while a request waits; a vcpu stands still until its answer. */
static void fd_follows_the_requests(void **state)
{
	const struct fake_config config = { .nr_vcpus = 3 };
	struct xenvirtio_ioreq req, next;
	struct fixture x;

	open_server(&x, &config);
	assert_int_equal(serve_all(&x), 0);
	assert_false(fd_ready(&x));
	assert_int_equal(fake_mmio_start(x.f, 2, WINDOW, 4, true, 0), 0);
	assert_true(fd_ready(&x));
	assert_int_equal(fake_mmio_start(x.f, 2, WINDOW, 4, true, 0), -EBUSY);
	assert_int_equal(x.ops->ioreq_next(x.hv, &req), 0);
	assert_int_equal(req.vcpu, 2);
	assert_false(fd_ready(&x));
	assert_int_equal(fake_mmio_finish(x.f, 2, NULL), XENVIRTIO_E_EMPTY);
	/* one is held: the next is not given out before it is answered */
	assert_int_equal(fake_mmio_start(x.f, 1, WINDOW, 4, true, 0), 0);
	assert_int_equal(x.ops->ioreq_next(x.hv, &next), -EBUSY);
	assert_int_equal(x.ops->ioreq_complete(x.hv, &req), 0);
	assert_int_equal(x.ops->ioreq_complete(x.hv, &req), -EINVAL);
	assert_int_equal(fake_mmio_finish(x.f, 2, NULL), 0);
	assert_int_equal(fake_mmio_finish(x.f, 1, NULL), XENVIRTIO_E_EMPTY);
	assert_int_equal(serve_all(&x), 0);
	assert_int_equal(fake_mmio_finish(x.f, 1, NULL), 0);
	close_machine(&x);
}

/* Only an access inside the ranges as a whole is given to the server. */
static void only_claimed_addresses(void **state)
{
	const uint64_t outside[] = { WINDOW - 4, WINDOW - 2, WINDOW + 0x1fe, WINDOW + 0x200, 0 };
	struct fixture x;
	uint64_t data;

	open_server(&x, NULL);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_int_equal(fake_mmio_read(x.f, 0, outside[i], 4, &data), XENVIRTIO_E_GUEST);
	assert_int_equal(fake_faults(x.f)->unclaimed, 5);
	assert_int_equal(x.served, 0);
	assert_int_equal(fake_mmio_read(x.f, 0, WINDOW + 0x1fc, 4, &data), 0);
	close_machine(&x);
}

/* After a release the next access is announced by an INVALIDATE, once, when the test asks for it. */
static void invalidate_comes_first(void **state)
{
	const struct fake_config config = { .invalidate = true };
	const struct xenvirtio_gfn gfn = { RAM };
	struct xenvirtio_ioreq req;
	struct fixture x;
	uint64_t data;
	size_t done;

	open_server(&x, &config);
	assert_int_equal(x.ops->release_pages(x.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(fake_mmio_start(x.f, 0, WINDOW, 4, true, 0), 0);
	assert_int_equal(x.ops->ioreq_next(x.hv, &req), 0);
	assert_int_equal(req.type, XENVIRTIO_IOREQ_INVALIDATE);
	assert_int_equal(x.ops->ioreq_complete(x.hv, &req), 0);
	assert_int_equal(fake_mmio_finish(x.f, 0, &data), XENVIRTIO_E_AGAIN);
	assert_int_equal(x.ops->ioreq_next(x.hv, &req), 0);
	assert_int_equal(req.type, XENVIRTIO_IOREQ_COPY);
	assert_int_equal(x.ops->ioreq_complete(x.hv, &req), 0);
	assert_int_equal(fake_mmio_finish(x.f, 0, &data), 0);
	x.served = 0;
	assert_int_equal(fake_mmio_read(x.f, 0, WINDOW, 4, &data), 0);
	assert_int_equal(x.served, 1);
	close_machine(&x);
}

/* A request in flight when its server's process dies is served by the one that adopts it. */
static void adopting_serves_what_was_in_flight(void **state)
{
	for (int claimed = 0; claimed < 2; claimed++) {
		struct xenvirtio_ioreq req;
		struct fixture x;
		uint64_t data = 0;

		open_server(&x, NULL);
		assert_int_equal(fake_mmio_start(x.f, 0, WINDOW + 4, 4, true, 0), 0);
		if (claimed)
			assert_int_equal(x.ops->ioreq_next(x.hv, &req), 0);
		xenvirtio_hv_close(x.hv);
		assert_int_equal(fake_servers(x.f), 1);
		assert_int_equal(fake_mmio_finish(x.f, 0, &data), XENVIRTIO_E_EMPTY);

		assert_int_equal(fake_open(x.f, &x.hv), 0);
		assert_int_equal(x.ops->ioreq_open(x.hv, &window, 1, &x.id), 0);
		assert_true(fd_ready(&x));
		x.answer = 77;
		assert_int_equal(serve_all(&x), 0);
		assert_int_equal(fake_mmio_finish(x.f, 0, &data), 0);
		assert_int_equal(data, 77);
		assert_int_equal(fake_faults_total(x.f), 0);
		assert_int_equal(x.ops->ioreq_close(x.hv), 0);
		assert_int_equal(fake_servers(x.f), 0);
		close_machine(&x);
	}
}

/* A server that is closed answers whoever waits: no vcpu is left behind. */
static void closing_answers_who_waits(void **state)
{
	struct fixture x;
	uint64_t data = 0;

	open_server(&x, NULL);
	assert_int_equal(fake_mmio_start(x.f, 0, WINDOW, 2, true, 0), 0);
	assert_int_equal(x.ops->ioreq_close(x.hv), 0);
	assert_int_equal(fake_mmio_finish(x.f, 0, &data), 0);
	assert_int_equal(data, 0xffff);
	assert_int_equal(fake_faults_total(x.f), 0);
	close_machine(&x);
}

/* A server that never answers is seen: the vcpu counts as stuck. */
static int serve_nothing(void *ctx)
{
	return 0;
}

static void stuck_vcpus_are_counted(void **state)
{
	struct fixture x;
	uint64_t data;

	open_server(&x, NULL);
	fake_set_serve(x.f, serve_nothing, NULL);
	assert_int_equal(fake_mmio_read(x.f, 0, WINDOW, 4, &data), XENVIRTIO_E_EMPTY);
	assert_int_equal(fake_faults(x.f)->stuck, 1);
	close_machine(&x);
}

/* A slot that goes backward or to an unknown state crashes the domain, as in Xen. */
static void bad_states_crash_the_domain(void **state)
{
	for (unsigned int value = 0; value < 16; value++) {
		bool legal = value >= IOREQ_STATE_READY && value <= IOREQ_STATE_RESP_READY;
		struct xenvirtio_domain_info info;
		struct fixture x;

		open_server(&x, NULL);
		assert_int_equal(fake_mmio_start(x.f, 0, WINDOW, 4, false, 0), 0);
		fake_slot(x.f, x.id, 0)->flags = (uint8_t)value;
		/* RESP_READY that nobody announced does not wake the vcpu */
		assert_int_equal(fake_mmio_finish(x.f, 0, NULL),
				 legal ? XENVIRTIO_E_EMPTY : -EFAULT);
		assert_int_equal(fake_faults(x.f)->bad_state, legal ? 0 : 1);
		assert_int_equal(x.ops->domain_info(x.hv, &info), 0);
		assert_int_equal(info.shutdown, !legal);
		close_machine(&x);
	}
}

/* Another's server is never adopted, and its range never claimed. */
static void foreign_servers_are_left_alone(void **state)
{
	struct fixture x;
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	int foreign;

	open_machine(&x, NULL);
	foreign = fake_add_foreign(x.f, &window);
	assert_int_equal(foreign, 0);
	assert_int_equal(x.ops->ioreq_open(x.hv, &window, 1, &id), -EEXIST);
	id = (uint16_t)foreign;
	assert_int_equal(x.ops->ioreq_open(x.hv, &window, 1, &id), -EBUSY);
	assert_int_equal(fake_servers(x.f), 0);
	close_machine(&x);
}

/* A domain takes eight servers; the ninth is refused and leaves nothing. */
static void servers_are_limited(void **state)
{
	struct fixture x;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	open_machine(&x, NULL);
	for (uint64_t i = 0; i < FAKE_SERVERS_MAX; i++) {
		struct xenvirtio_gpa_range other = { { i * 0x1000 }, { i * 0x1000 + 0xfff } };

		assert_int_equal(fake_add_foreign(x.f, &other), i);
	}
	assert_int_equal(x.ops->ioreq_open(x.hv, &window, 1, &id), -ENOSPC);
	assert_int_equal(fake_open_fds(x.f), 0);
	close_machine(&x);
}

/* Without ioreq servers in Xen the answer is -ENOSYS. */
static void xen_without_ioreq(void **state)
{
	const struct fake_config config = { .no_ioreq = true };
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct fixture x;

	open_machine(&x, &config);
	assert_int_equal(x.ops->ioreq_open(x.hv, &window, 1, &id), -ENOSYS);
	assert_int_equal(fake_open_fds(x.f), 0);
	close_machine(&x);
}

/* What the guest writes is what we map, and a frame loses its content when it is released. */
static void ram_is_shared_and_forgotten(void **state)
{
	const struct xenvirtio_gfn gfn = { RAM + 3 };
	const struct xenvirtio_gpa gpa = { ((RAM + 3) << 12) - 8 };
	char text[16] = "across two pages", back[16];
	struct fixture x;
	size_t done;
	void *va;

	open_machine(&x, NULL);
	assert_int_equal(fake_guest_write(x.f, gpa, text, sizeof(text)), 0);
	assert_int_equal(x.ops->map(x.hv, &gfn, 1, true, &va), 0);
	assert_memory_equal(va, text + 8, 8);
	memcpy((char *)va, "changed!", 8);
	assert_int_equal(fake_guest_read(x.f, gpa, back, sizeof(back)), 0);
	assert_memory_equal(back, "across tchanged!", 16);
	assert_int_equal(x.ops->unmap(x.hv, va, 1), 0);

	assert_int_equal(x.ops->release_pages(x.hv, &gfn, 1, 0, &done), 0);
	assert_false(fake_present(x.f, gfn));
	assert_int_equal(fake_holes(x.f), 1);
	assert_int_equal(fake_guest_read(x.f, gpa, back, sizeof(back)), XENVIRTIO_E_GUEST);
	assert_int_equal(fake_faults(x.f)->holes_touched, 1);
	assert_null(fake_guest_ptr(x.f, gpa, 16));
	assert_int_equal(x.ops->populate_pages(x.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(done, 1);
	memset(text, 0, sizeof(text));
	assert_int_equal(fake_guest_read(x.f, xenvirtio_gfn_to_gpa(gfn), back, sizeof(back)), 0);
	assert_memory_equal(back, text, sizeof(back));
	close_machine(&x);
}

/* Frames move between guest and heap, and none is made or lost. */
static void frames_are_conserved(void **state)
{
	const struct fake_config config = { .heap_pages = 100, .max_pages = 1u << 20 };
	struct xenvirtio_gfn gfn[2] = { { RAM }, { RAM + 512 } };
	struct fixture x;
	uint64_t all;
	size_t done;

	open_machine(&x, &config);
	all = fake_tot_pages(x.f) + fake_heap_free(x.f);
	assert_int_equal(x.ops->release_pages(x.hv, gfn, 2, 9, &done), 0);
	assert_int_equal(done, 2);
	assert_int_equal(fake_heap_free(x.f), 100 + 1024);
	assert_true(fake_tot_pages(x.f) + fake_heap_free(x.f) == all);

	/* an empty heap, and one without large blocks, stop populate */
	fake_set_heap(x.f, 511);
	assert_int_equal(x.ops->populate_pages(x.hv, gfn, 2, 9, &done), 0);
	assert_int_equal(done, 0);
	fake_set_heap(x.f, 600);
	assert_int_equal(x.ops->populate_pages(x.hv, gfn, 2, 9, &done), 0);
	assert_int_equal(done, 1);
	fake_set_heap(x.f, 1124 - 512);
	fake_set_heap_order(x.f, 8);
	assert_int_equal(x.ops->populate_pages(x.hv, &gfn[1], 1, 9, &done), 0);
	assert_int_equal(done, 0);
	gfn[0].v = RAM + 512 + 256;
	assert_int_equal(x.ops->populate_pages(x.hv, gfn, 2, 8, &done), 0);
	assert_int_equal(done, 2);
	assert_true(fake_tot_pages(x.f) + fake_heap_free(x.f) == all);
	assert_int_equal(fake_holes(x.f), 0);
	assert_int_equal(fake_faults_total(x.f), 0);
	close_machine(&x);
}

/* Each fault of a caller is counted under its own name. */
static void faults_are_counted(void **state)
{
	const struct fake_config config = { .heap_pages = 10, .max_pages = 1u << 20 };
	const struct xenvirtio_gfn gfn = { RAM }, outside = { 0x1000 };
	struct fixture x;
	size_t done;
	void *va;

	open_machine(&x, &config);
	assert_int_equal(x.ops->map(x.hv, &gfn, 1, false, &va), 0);
	assert_int_equal(fake_frame_maps(x.f, gfn), 1);
	assert_int_equal(x.ops->release_pages(x.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(fake_faults(x.f)->released_mapped, 1);
	assert_int_equal(fake_heap_free(x.f), 10);
	assert_int_equal(x.ops->unmap(x.hv, va, 1), 0);
	assert_int_equal(fake_heap_free(x.f), 11);
	assert_int_equal(x.ops->unmap(x.hv, va, 1), -EINVAL);
	assert_int_equal(fake_faults(x.f)->bad_unmap, 1);
	assert_int_equal(x.ops->populate_pages(x.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(fake_faults(x.f)->leaked, 0);
	assert_int_equal(x.ops->populate_pages(x.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(fake_faults(x.f)->leaked, 1);
	assert_int_equal(x.ops->populate_pages(x.hv, &outside, 1, 0, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(fake_faults(x.f)->populated_outside, 1);
	assert_int_equal(fake_faults_total(x.f), 4);
	close_machine(&x);
}

/* The n-th call fails, with what was asked, and does nothing; those around it work. */
static void nth_call_fails(void **state)
{
	const struct xenvirtio_gfn gfn = { RAM };
	struct xenvirtio_domain_info info;
	struct fixture x;
	size_t done = 9;
	void *va;

	open_machine(&x, NULL);
	fake_fail(x.f, 2, -EIO, FAKE_FAIL_ONCE, false);
	assert_int_equal(x.ops->domain_info(x.hv, &info), 0);
	assert_int_equal(x.ops->release_pages(x.hv, &gfn, 1, 0, &done), -EIO);
	assert_int_equal(done, 0);
	assert_true(fake_present(x.f, gfn));
	assert_int_equal(x.ops->map(x.hv, &gfn, 1, true, &va), 0);
	assert_int_equal(x.ops->unmap(x.hv, va, 1), 0);
	assert_int_equal(fake_calls(x.f), 3);
	assert_int_equal(fake_failed(x.f), 1);

	fake_fail(x.f, 2, XENVIRTIO_E_GONE, FAKE_FAIL_FROM, true);
	assert_int_equal(x.ops->map(x.hv, &gfn, 1, true, &va), 0);
	assert_int_equal(x.ops->unmap(x.hv, va, 1), XENVIRTIO_E_GONE);
	assert_int_equal(fake_live_mappings(x.f), 1);
	assert_int_equal(x.ops->set_irq(x.hv, 33, true), XENVIRTIO_E_GONE);
	assert_int_equal(fake_irqs(x.f, 33, true), 0);
	assert_int_equal(fake_failed(x.f), 2);
	fake_fail(x.f, 0, 0, FAKE_FAIL_ONCE, false);
	assert_int_equal(x.ops->set_irq(x.hv, 33, true), 0);
	/* closing the handle unmaps what is left */
	close_machine(&x);
}

/* An answer that could not be given leaves the request to the next owner of the server. */
static void failed_answer_is_given_by_the_next_owner(void **state)
{
	struct xenvirtio_ioreq req;
	struct fixture x;

	open_server(&x, NULL);
	assert_int_equal(fake_mmio_start(x.f, 0, WINDOW, 4, false, 1), 0);
	assert_int_equal(x.ops->ioreq_next(x.hv, &req), 0);
	fake_fail(x.f, 1, -EIO, FAKE_FAIL_ONCE, false);
	assert_int_equal(x.ops->ioreq_complete(x.hv, &req), -EIO);
	assert_int_equal(x.ops->ioreq_next(x.hv, &req), XENVIRTIO_E_EMPTY);
	xenvirtio_hv_close(x.hv);
	assert_int_equal(fake_open(x.f, &x.hv), 0);
	assert_int_equal(x.ops->ioreq_open(x.hv, &window, 1, &x.id), 0);
	assert_int_equal(serve_all(&x), 0);
	assert_int_equal(fake_mmio_finish(x.f, 0, NULL), 0);
	close_machine(&x);
}

/* Interrupts are counted by line and level. */
static void interrupts_are_counted(void **state)
{
	struct fixture x;

	open_machine(&x, NULL);
	assert_int_equal(x.ops->set_irq(x.hv, 34, true), 0);
	assert_int_equal(x.ops->set_irq(x.hv, 34, true), 0);
	assert_true(fake_irq_level(x.f, 34));
	assert_int_equal(x.ops->set_irq(x.hv, 34, false), 0);
	assert_false(fake_irq_level(x.f, 34));
	assert_int_equal(fake_irqs(x.f, 34, true), 2);
	assert_int_equal(fake_irqs(x.f, 34, false), 1);
	assert_int_equal(fake_irqs(x.f, 35, true), 0);
	assert_int_equal(x.ops->set_irq(x.hv, FAKE_IRQS_MAX, true), -EINVAL);
	close_machine(&x);
}

/* A dying domain says so; a domain that is gone answers nothing, but is let go of. */
static void death(void **state)
{
	const struct xenvirtio_gfn gfn = { RAM }, other = { RAM + 1 };
	struct xenvirtio_gfn_range range[FAKE_RAM_MAX];
	struct xenvirtio_domain_info info;
	struct xenvirtio_ioreq req;
	struct fixture x;
	size_t done = 9, nr;
	void *va, *none;

	open_server(&x, NULL);
	assert_int_equal(x.ops->map(x.hv, &gfn, 1, true, &va), 0);
	assert_int_equal(fake_mmio_start(x.f, 0, WINDOW, 4, false, 1), 0);
	fake_set_dying(x.f);
	assert_int_equal(x.ops->domain_info(x.hv, &info), 0);
	assert_true(info.dying);
	assert_int_equal(x.ops->release_pages(x.hv, &other, 1, 0, &done), XENVIRTIO_E_GONE);
	assert_int_equal(done, 0);

	fake_set_gone(x.f);
	assert_int_equal(x.ops->domain_info(x.hv, &info), XENVIRTIO_E_GONE);
	assert_int_equal(x.ops->ram_ranges(x.hv, range, FAKE_RAM_MAX, &nr), XENVIRTIO_E_GONE);
	assert_int_equal(x.ops->map(x.hv, &other, 1, true, &none), XENVIRTIO_E_GONE);
	assert_int_equal(x.ops->populate_pages(x.hv, &other, 1, 0, &done), XENVIRTIO_E_GONE);
	assert_int_equal(x.ops->set_max_mem(x.hv, 4), XENVIRTIO_E_GONE);
	assert_int_equal(x.ops->set_irq(x.hv, 33, true), XENVIRTIO_E_GONE);
	assert_int_equal(x.ops->ioreq_next(x.hv, &req), XENVIRTIO_E_EMPTY);
	assert_int_equal(fake_servers(x.f), 0);
	assert_int_equal(x.ops->ioreq_close(x.hv), XENVIRTIO_E_GONE);
	assert_int_equal(x.ops->unmap(x.hv, va, 1), 0);
	assert_int_equal(fake_faults_total(x.f), 0);
	close_machine(&x);
}

/* A configuration that cannot be is refused rather than corrected. */
static void bad_configurations(void **state)
{
	const struct fake_config backward = { .ram = { { { 9 }, { 8 } } }, .nr_ram = 1 };
	const struct fake_config overlap = {
		.ram = { { { 0 }, { 8 } }, { { 8 }, { 9 } } }, .nr_ram = 2,
	};
	const struct fake_config vcpus = { .nr_vcpus = XENVIRTIO_VCPUS_MAX + 1 };
	const struct fake_config ranges = { .nr_ram = FAKE_RAM_MAX + 1 };

	assert_null(fake_new(&backward));
	assert_null(fake_new(&overlap));
	assert_null(fake_new(&vcpus));
	assert_null(fake_new(&ranges));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_reaches_the_server),
		cmocka_unit_test(fd_follows_the_requests),
		cmocka_unit_test(only_claimed_addresses),
		cmocka_unit_test(invalidate_comes_first),
		cmocka_unit_test(adopting_serves_what_was_in_flight),
		cmocka_unit_test(closing_answers_who_waits),
		cmocka_unit_test(stuck_vcpus_are_counted),
		cmocka_unit_test(bad_states_crash_the_domain),
		cmocka_unit_test(foreign_servers_are_left_alone),
		cmocka_unit_test(servers_are_limited),
		cmocka_unit_test(xen_without_ioreq),
		cmocka_unit_test(ram_is_shared_and_forgotten),
		cmocka_unit_test(frames_are_conserved),
		cmocka_unit_test(faults_are_counted),
		cmocka_unit_test(nth_call_fails),
		cmocka_unit_test(failed_answer_is_given_by_the_next_owner),
		cmocka_unit_test(interrupts_are_counted),
		cmocka_unit_test(death),
		cmocka_unit_test(bad_configurations),
	};

	return cmocka_run_group_tests_name("hv-fake", tests, NULL, NULL);
}
