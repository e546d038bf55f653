// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Real Xen's side of the seam, on stand-ins for Xen's libraries: the order of calls, what is left
 * behind when the n-th of them fails, and how errno is translated. What Xen itself does is for
 * tests/contract on real Xen.
 *
 * Built only with Xen's headers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/xen-libs.h"

#include <xen/hvm/hvm_op.h>

#include <xen/hvm/ioreq.h>

static const struct xenvirtio_gpa_range window = { { WINDOW }, { WINDOW + 0x1ff } };

/* On the machine as it is. */
static struct xenvirtio_hv *open_handle(void)
{
	struct xenvirtio_hv *hv = NULL;

	assert_int_equal(xenvirtio_hv_open_xen(&hv, DOMID, NULL), 0);
	return hv;
}

/* On a machine of its own. */
static struct xenvirtio_hv *open_fresh(void)
{
	reset_xen();
	return open_handle();
}

static void assert_all_closed(void)
{
	assert_int_equal(xen.dmods + xen.fmems + xen.xchs + xen.evtchns, 0);
	assert_int_equal(xen.resources + xen.mappings + xen.calls_open + xen.call_buffers, 0);
}

static size_t nr_servers(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < SERVERS; i++)
		nr += xen.server[i].used;
	return nr;
}

/* Whatever fails while the handle is opened, nothing stays open, and errno says what it was. */
static void open_leaves_nothing(void **state)
{
	unsigned int calls;

	xenvirtio_hv_close(open_fresh());
	assert_all_closed();
	calls = xen.calls;
	assert_true(calls >= 5);
	for (unsigned int n = 1; n <= calls; n++) {
		struct xenvirtio_hv *hv = NULL;

		reset_xen();
		xen.fail_nth = n;
		xen.fail_errno = EACCES;
		assert_int_equal(xenvirtio_hv_open_xen(&hv, DOMID, NULL), -EACCES);
		assert_null(hv);
		assert_all_closed();
	}
	reset_xen();
	xen.fail_nth = 1;
	xen.fail_errno = ENOENT;
	assert_int_equal(xenvirtio_hv_open_xen(&(struct xenvirtio_hv *){ NULL }, DOMID, NULL),
			 -ENOENT);
	assert_int_equal(xenvirtio_hv_open_xen(&(struct xenvirtio_hv *){ NULL }, 0x7ff0, NULL),
			 -EINVAL);
}

/* The page is mapped before the server is enabled, and ports are bound after. */
static void server_is_made_in_order(void **state)
{
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	hv = open_fresh();
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	assert_string_equal(xen.trace, "vcpus evtchn create claim page enable bind bind bind ");
	assert_int_equal(id, 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	assert_string_equal(xen.trace, "disable destroy ");
	assert_int_equal(nr_servers(), 0);
	assert_int_equal(xen.evtchns + xen.resources, 0);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* Whichever call fails on the way, no server, page or port is left, and the next try works. */
static void failed_open_leaves_no_server(void **state)
{
	static const struct {
		int err;
		int ret;
	} cases[] = {
		{ EPERM, -EACCES }, { ESRCH, XENVIRTIO_E_GONE }, { EOPNOTSUPP, -ENOSYS },
		{ ENOMEM, -ENOMEM },
	};
	unsigned int calls;
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	hv = open_fresh();
	xen.calls = 0;
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	calls = xen.calls;
	xenvirtio_hv_close(hv);

	for (unsigned int n = 1; n <= calls; n++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			hv = open_fresh();
			xen.calls = 0;
			xen.fail_nth = n;
			xen.fail_errno = cases[i].err;
			id = XENVIRTIO_IOREQ_NEW;
			assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), cases[i].ret);
			assert_int_equal(id, XENVIRTIO_IOREQ_NEW);
			assert_int_equal(nr_servers(), 0);
			assert_int_equal(xen.evtchns + xen.resources, 0);
			assert_int_equal(hv->ops->ioreq_fd(hv), -EINVAL);
			assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
			assert_int_equal(nr_servers(), 1);
			xenvirtio_hv_close(hv);
			assert_all_closed();
		}
	}
}

/* A vcpu that waits is answered before its server is taken away. */
static void closing_answers_who_came(void **state)
{
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	hv = open_fresh();
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	xen.server[0].page.slot[1].flags = IOREQ_STATE_READY | IOREQ_FLAGS_READ;
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	assert_string_equal(xen.trace, "disable notify destroy ");
	assert_int_equal(xen.server[0].page.slot[1].flags & IOREQ_FLAGS_STATE,
			 IOREQ_STATE_RESP_READY);
	assert_true(xen.server[0].page.slot[1].data == UINT64_MAX);
	xenvirtio_hv_close(hv);
}

/* Xen takes a dying domain's servers away before it says that the domain is gone: closing is done. */
static void closing_finds_the_server_gone(void **state)
{
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	hv = open_fresh();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	xen.server[0].used = false;
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	assert_string_equal(xen.trace, "disable ");
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* A server that claims the range already is found, and its other ranges are as they were. */
static void conflicts_are_found(void **state)
{
	struct xenvirtio_gpa_range other = { { WINDOW + 0x1000 }, { WINDOW + 0x11ff } };
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	reset_xen();
	xen.server[3].used = true;
	xen.server[3].claimed = true;
	hv = open_handle();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), -EEXIST);
	assert_int_equal(nr_servers(), 1);
	assert_true(xen.server[3].claimed);
	assert_int_equal(xen.evtchns, 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &other, 1, &id), 0);
	assert_non_null(strstr(xen.trace, "claim unclaim create"));
	assert_int_equal(id, 0);
	xenvirtio_hv_close(hv);
}

/* Adopting: whatever fails, the server stays for the next; a living owner is told from a dead. */
static void adopting_never_destroys(void **state)
{
	struct xenvirtio_hv *hv;
	unsigned int calls = 0;

	for (unsigned int n = 0; n <= calls; n++) {
		uint16_t id = 2;
		int ret;

		reset_xen();
		xen.server[2].used = true;
		xen.server[2].claimed = true;
		hv = open_handle();
		xen.calls = 0;
		xen.fail_nth = n;
		xen.fail_errno = ENOMEM;
		ret = hv->ops->ioreq_open(hv, &window, 1, &id);
		assert_int_equal(ret, n ? -ENOMEM : 0);
		if (!n)
			calls = xen.calls;
		assert_int_equal(nr_servers(), 1);
		assert_true(xen.server[2].claimed);
		xenvirtio_hv_close(hv);
		assert_all_closed();
		assert_true(xen.server[2].used);
	}
	assert_true(calls > 5);

	reset_xen();
	xen.server[2].used = true;
	xen.server[2].claimed = true;
	xen.bound_by_other = true;
	hv = open_handle();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 2 }), -EBUSY);
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 1 }), -ENOENT);
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 8 }), -ENOENT);
	/* the same id, but another's: its range is not ours */
	xen.server[2].claimed = false;
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 2 }), -ENOENT);
	assert_false(xen.server[2].claimed);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* An answer that the dead owner did not live to announce is announced on adoption. */
static void adopting_announces_old_answers(void **state)
{
	struct xenvirtio_hv *hv;

	reset_xen();
	xen.server[2].used = true;
	xen.server[2].claimed = true;
	xen.server[2].page.slot[1].flags = IOREQ_STATE_RESP_READY;
	hv = open_handle();
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 2 }), 0);
	assert_non_null(strstr(xen.trace, "bind bind notify bind "));
	xenvirtio_hv_close(hv);
}

/* A request is answered in the order state, notify, unmask; an event without one only unmasked. */
static void requests_are_answered_in_order(void **state)
{
	struct xenvirtio_ioreq req, next;
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct ioreq_slot *slot;

	hv = open_fresh();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_next(hv, &req), XENVIRTIO_E_EMPTY);
	assert_string_equal(xen.trace, "pending unmask pending unmask pending unmask ");

	slot = &xen.server[0].page.slot[2];
	slot->addr = WINDOW;
	slot->size = 4;
	slot->flags = IOREQ_STATE_READY | IOREQ_FLAGS_READ;
	raise_event(2);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_next(hv, &req), 0);
	assert_int_equal(req.vcpu, 2);
	assert_int_equal(ioreq_slot_state(slot), IOREQ_STATE_INPROCESS);
	assert_int_equal(hv->ops->ioreq_next(hv, &next), -EBUSY);
	assert_string_equal(xen.trace, "pending ");
	req.data = 0x74726976;
	next = req;
	next.vcpu = 1;
	assert_int_equal(hv->ops->ioreq_complete(hv, &next), -EINVAL);
	assert_int_equal(hv->ops->ioreq_complete(hv, &req), 0);
	assert_string_equal(xen.trace, "pending notify unmask ");
	assert_true(slot->data == 0x74726976);
	assert_int_equal(ioreq_slot_state(slot), IOREQ_STATE_RESP_READY);
	assert_int_equal(hv->ops->ioreq_complete(hv, &req), -EINVAL);
	xenvirtio_hv_close(hv);
}

/* Each frame by itself: only what says that there is none is a hole, and of the question nothing stays mapped. */
static void presence_is_told_frame_by_frame(void **state)
{
	static const struct {
		int err;
		int ret;
		bool present;
	} cases[] = {
		{ 0, 0, true },		       { EPERM, 0, true },
		{ EINVAL, 0, false },	       { ENOENT, 0, false },
		{ ESRCH, XENVIRTIO_E_GONE, 0 }, { ENOMEM, -ENOMEM, 0 },
		{ EFAULT, -EFAULT, 0 },	       { EBUSY, -EBUSY, 0 },
	};
	/* the one in trouble is the last that Xen is asked for */
	const struct xenvirtio_gfn gfn[] = { { UINT64_C(1) << 40 }, { 1 }, { 2 }, { UINT64_MAX } };
	struct xenvirtio_hv *hv = open_fresh();
	bool present[4];

	xen.no_pod = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xen.page_err = cases[i].err;
		assert_int_equal(hv->ops->frames_present(hv, gfn, 4, present), cases[i].ret);
		assert_int_equal(xen.mappings, 0);
		if (cases[i].ret)
			continue;
		assert_false(present[0] || present[3]);
		assert_true(present[1]);
		assert_int_equal(present[2], cases[i].present);
	}
	/* nothing to ask Xen for */
	xen.page_err = EIO;
	assert_int_equal(hv->ops->frames_present(hv, gfn, 1, present), 0);
	assert_false(present[0]);
	assert_int_equal(hv->ops->frames_present(hv, gfn, 0, present), -EINVAL);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* A mapping would populate what the guest never touched: Xen is asked for the type of each frame. */
static void with_populate_on_demand_nothing_is_mapped(void **state)
{
	static const struct {
		uint16_t type;
		bool present;
	} cases[] = {
		{ HVMMEM_ram_rw, true }, { HVMMEM_ram_ro, true }, { HVMMEM_ioreq_server, true }, { HVMMEM_mmio_dm, false },
	};
	const struct xenvirtio_gfn gfn[] = { { UINT64_C(1) << 40 }, { 0x41 }, { 0x42 }, { UINT64_MAX } };
	struct xenvirtio_hv *hv = open_fresh();
	bool present[4];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xen.mem_type = cases[i].type;
		xen.asked[0] = '\0';
		xen.trace[0] = '\0';
		assert_int_equal(hv->ops->frames_present(hv, gfn, 4, present), 0);
		assert_null(strstr(xen.trace, "map"));
		assert_string_equal(xen.asked, "41 42 ");
		assert_false(present[0] || present[3]);
		assert_true(present[1] == cases[i].present && present[2] == cases[i].present);
	}
	/* what fails says nothing of a frame, and is no reason to map one */
	for (int err = ESRCH; err; err = err == ESRCH ? ENOSYS : err == ENOSYS ? ENOMEM : 0) {
		xen.trace[0] = '\0';
		xen.fail_nth = xen.calls + 3;
		xen.fail_errno = err;
		assert_int_equal(hv->ops->frames_present(hv, gfn, 4, present),
				 err == ESRCH ? XENVIRTIO_E_GONE : err == ENOSYS ? -EOPNOTSUPP : -ENOMEM);
		assert_null(strstr(xen.trace, "map"));
	}
	/* once there is none, there is none */
	xen.no_pod = true;
	assert_int_equal(hv->ops->frames_present(hv, gfn, 4, present), 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->frames_present(hv, gfn, 4, present), 0);
	assert_null(strstr(xen.trace, "pod"));
	assert_non_null(strstr(xen.trace, "map"));
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* A mapping of which one page failed is undone; what failed decides what the answer is. */
static void mapping_is_all_or_nothing(void **state)
{
	static const struct {
		int err;
		int ret;
	} cases[] = {
		{ EINVAL, XENVIRTIO_E_GUEST }, { EPERM, XENVIRTIO_E_GUEST },
		{ ESRCH, XENVIRTIO_E_GONE }, { ENOMEM, -ENOMEM },
	};
	struct xenvirtio_gfn gfn[20] = { { 1 } };
	struct xenvirtio_hv *hv;
	void *va;

	hv = open_fresh();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xen.page_err = cases[i].err;
		assert_int_equal(hv->ops->map(hv, gfn, 1, true, &va), cases[i].ret);
		assert_int_equal(hv->ops->map(hv, gfn, 20, true, &va), cases[i].ret);
		assert_int_equal(xen.mappings, 0);
	}
	xen.page_err = 0;
	gfn[19].v = UINT64_MAX;
	assert_int_equal(hv->ops->map(hv, gfn, 20, true, &va), XENVIRTIO_E_GUEST);
	/* what a PV dom0's page tables cut off would be another frame of the guest */
	gfn[19].v = UINT64_C(1) << 40;
	assert_int_equal(hv->ops->map(hv, gfn + 19, 1, true, &va), XENVIRTIO_E_GUEST);
	gfn[19].v--;
	assert_int_equal(hv->ops->map(hv, gfn + 19, 1, true, &va), 0);
	assert_int_equal(hv->ops->unmap(hv, va, 1), 0);
	assert_int_equal(hv->ops->map(hv, gfn, 19, true, &va), 0);
	assert_int_equal(hv->ops->unmap(hv, va, 20), -EINVAL);
	/* an unmap that fails keeps the mapping on the books, for close */
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EIO;
	assert_int_equal(hv->ops->unmap(hv, va, 19), -EIO);
	assert_int_equal(xen.mappings, 1);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* A short count means a hole or no room, unless the domain is dying or gone. */
static void short_counts_are_looked_into(void **state)
{
	const struct xenvirtio_gfn start[4] = { { 0 }, { 1 }, { 2 }, { 3 } };
	struct xenvirtio_hv *hv;
	size_t done;

	hv = open_fresh();
	xen.extents_done = 4;
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->release_pages(hv, start, 4, 0, &done), 0);
	assert_int_equal(done, 4);
	/* the kernel is asked for files of the guest's memory, once */
	assert_string_equal(xen.trace, "probe decrease ");
	xen.extents_done = 3;
	assert_int_equal(hv->ops->populate_pages(hv, start, 4, 0, &done), 0);
	assert_int_equal(done, 3);
	assert_int_equal(start[0].v, 0);
	xen.domain_flags = XEN_DOMINF_dying;
	assert_int_equal(hv->ops->populate_pages(hv, start, 4, 0, &done), XENVIRTIO_E_GONE);
	assert_int_equal(done, 3);
	xen.domain_gone = true;
	xen.extents_done = 0;
	assert_int_equal(hv->ops->release_pages(hv, start, 4, 0, &done), XENVIRTIO_E_GONE);
	assert_int_equal(done, 0);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EPERM;
	assert_int_equal(hv->ops->release_pages(hv, start, 4, 0, &done), -EACCES);
	assert_int_equal(done, 0);
	xenvirtio_hv_close(hv);
}

/* The next domain's answer is not ours. */
static void another_domain_is_not_ours(void **state)
{
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *hv = open_fresh();

	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_int_equal(info.tot_pages, 1000);
	assert_int_equal(info.nr_vcpus, VCPUS);
	assert_false(info.dying || info.shutdown);
	xen.domain_flags = XEN_DOMINF_shutdown;
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_true(info.shutdown && !info.dying && !info.paused);
	xen.domain_flags = XEN_DOMINF_paused;
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_true(info.paused && !info.shutdown);
	xen.domain_gone = true;
	assert_int_equal(hv->ops->domain_info(hv, &info), XENVIRTIO_E_GONE);
	xenvirtio_hv_close(hv);
}

/* Free is what nobody has claimed either, and never less than nothing. */
static void claims_are_not_free(void **state)
{
	struct xenvirtio_host_info host;
	struct xenvirtio_hv *hv = open_fresh();

	xen.free_pages = 1000;
	assert_int_equal(hv->ops->host_info(hv, &host), 0);
	assert_int_equal(host.total_pages, 5000);
	assert_int_equal(host.free_pages, 900);
	xen.free_pages = 99;
	xen.domain_gone = true;
	assert_int_equal(hv->ops->host_info(hv, &host), 0);
	assert_int_equal(host.free_pages, 0);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EPERM;
	assert_int_equal(hv->ops->host_info(hv, &host), -EACCES);
	xenvirtio_hv_close(hv);
}

/* A domain that can have none has none. */
static void what_is_populated_on_demand(void **state)
{
	static const struct {
		int err;
		int ret;
		uint64_t entries;
	} cases[] = {
		{ 0, 0, 30 }, { EINVAL, 0, 0 }, { ENOSYS, 0, 0 }, { ESRCH, XENVIRTIO_E_GONE, 0 }, { EPERM, -EACCES, 0 },
	};
	struct xenvirtio_hv *hv = open_fresh();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xenvirtio_pod_info info = { 99, 99 };

		xen.fail_nth = cases[i].err ? xen.calls + 1 : 0;
		xen.fail_errno = cases[i].err;
		assert_int_equal(hv->ops->pod_info(hv, &info), cases[i].ret);
		assert_int_equal(info.entries, cases[i].entries);
		assert_int_equal(info.cache_pages, cases[i].entries ? 20 : 0);
	}
	xenvirtio_hv_close(hv);
}

/* A domain that is not there is a condition, everything else an error. */
static void pausing_a_domain_that_is_gone(void **state)
{
	struct xenvirtio_hv *hv = open_fresh();

	assert_int_equal(hv->ops->pause(hv), 0);
	assert_int_equal(hv->ops->unpause(hv), 0);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = ESRCH;
	assert_int_equal(hv->ops->pause(hv), XENVIRTIO_E_GONE);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EINVAL;
	assert_int_equal(hv->ops->unpause(hv), -EINVAL);
	xenvirtio_hv_close(hv);
}

#if defined(__x86_64__) || defined(__i386__)
/* Lines below 16 are ISA's, the others a device's pin. */
static void interrupt_lines(void **state)
{
	struct xenvirtio_hv *hv = open_fresh();

	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->set_irq(hv, 7, true), 0);
	assert_int_equal(hv->ops->set_irq(hv, 15, false), 0);
	assert_int_equal(hv->ops->set_irq(hv, 16, true), 0);
	assert_int_equal(hv->ops->set_irq(hv, 16 + 31 * 4 + 3, true), 0);
	assert_int_equal(hv->ops->set_irq(hv, 16 + 32 * 4, true), -EINVAL);
	assert_string_equal(xen.trace, "isa:7:1 isa:15:0 pci:0:0:1 pci:31:3:1 ");
	xenvirtio_hv_close(hv);
}
#endif

/* The bits of Xen's struct ioreq, which no assertion at build time can see, are where we say. */
static void flags_are_xens(void **state)
{
	union {
		struct ioreq xen;
		struct ioreq_slot ours;
	} u = { .xen = { .state = STATE_IOREQ_READY } };

	assert_int_equal(u.ours.flags, IOREQ_STATE_READY);
	u.xen.dir = IOREQ_READ;
	assert_int_equal(u.ours.flags, IOREQ_STATE_READY | IOREQ_FLAGS_READ);
	u.xen.dir = IOREQ_WRITE;
	u.xen.data_is_ptr = 1;
	assert_int_equal(u.ours.flags, IOREQ_STATE_READY | IOREQ_FLAGS_DATA_IS_PTR);
	u.xen.state = STATE_IORESP_READY;
	assert_int_equal(u.ours.flags & IOREQ_FLAGS_STATE, IOREQ_STATE_RESP_READY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_leaves_nothing),
		cmocka_unit_test(server_is_made_in_order),
		cmocka_unit_test(failed_open_leaves_no_server),
		cmocka_unit_test(closing_answers_who_came),
		cmocka_unit_test(closing_finds_the_server_gone),
		cmocka_unit_test(conflicts_are_found),
		cmocka_unit_test(adopting_never_destroys),
		cmocka_unit_test(adopting_announces_old_answers),
		cmocka_unit_test(requests_are_answered_in_order),
		cmocka_unit_test(presence_is_told_frame_by_frame),
		cmocka_unit_test(with_populate_on_demand_nothing_is_mapped),
		cmocka_unit_test(mapping_is_all_or_nothing),
		cmocka_unit_test(short_counts_are_looked_into),
		cmocka_unit_test(another_domain_is_not_ours),
		cmocka_unit_test(claims_are_not_free),
		cmocka_unit_test(what_is_populated_on_demand),
		cmocka_unit_test(pausing_a_domain_that_is_gone),
#if defined(__x86_64__) || defined(__i386__)
		cmocka_unit_test(interrupt_lines),
#endif
		cmocka_unit_test(flags_are_xens),
	};

	return cmocka_run_group_tests_name("hv-xen", tests, NULL, NULL);
}
