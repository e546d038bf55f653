// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes of what is asked of Xen, recorded, on stand-ins for its libraries: each fires once a request or hypercall, with the domain,
 * and with what was done rather than what was asked for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/probe-record.h"
#include "unit/rigs/xen-libs.h"

static const struct xenvirtio_gpa_range window = { { WINDOW }, { WINDOW + 0x1ff } };

static struct xenvirtio_hv *open_fresh(void)
{
	struct xenvirtio_hv *hv = NULL;

	reset_xen();
	assert_int_equal(xenvirtio_hv_open_xen(&hv, DOMID, NULL), 0);
	probes_fired();
	return hv;
}

/* One access of vcpu 2. */
static void access_register(struct xenvirtio_hv *hv, uint64_t addr, bool read, uint64_t written, uint64_t answer)
{
	struct ioreq_slot *slot = &xen.server[0].page.slot[2];
	struct xenvirtio_ioreq req;

	slot->addr = addr;
	slot->size = 4;
	slot->data = written;
	slot->type = XENVIRTIO_IOREQ_COPY;
	slot->flags = IOREQ_STATE_READY | (read ? IOREQ_FLAGS_READ : 0);
	raise_event(2);
	assert_int_equal(hv->ops->ioreq_next(hv, &req), 0);
	assert_string_equal(probes_fired(), "");
	if (read)
		req.data = answer;
	assert_int_equal(hv->ops->ioreq_complete(hv, &req), 0);
	slot->flags = IOREQ_STATE_NONE;
}

/* When it is answered, for then the value of a read is known too. */
static void a_request_shows_what_it_wrote_or_read(void **state)
{
	struct xenvirtio_hv *hv = open_fresh();
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	access_register(hv, WINDOW + 0x50, false, 7, 0);
	assert_string_equal(probes_fired(), "ioreq 5 33554512 4 1 7 1");
	access_register(hv, WINDOW, true, 0, 0x74726976);
	assert_string_equal(probes_fired(), "ioreq 5 33554432 4 0 1953655158 1");
	/* nobody's, and so no request */
	assert_int_equal(hv->ops->ioreq_complete(hv, &(struct xenvirtio_ioreq){ .vcpu = 2 }), -EINVAL);
	assert_string_equal(probes_fired(), "");
	xenvirtio_hv_close(hv);
}

static void memory_shows_what_was_done(void **state)
{
	const struct xenvirtio_gfn start[3] = { { 4096 }, { 512 }, { 1024 } };
	struct xenvirtio_hv *hv = open_fresh();
	size_t done;

	xen.extents_done = 3;
	assert_int_equal(hv->ops->release_pages(hv, start, 3, 9, &done), 0);
	assert_string_equal(probes_fired(), "release 5 4096 3 9 3");
	xen.extents_done = 1;
	assert_int_equal(hv->ops->populate_pages(hv, start, 3, 9, &done), 0);
	assert_string_equal(probes_fired(), "populate 5 4096 3 9 1");
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EPERM;
	assert_int_equal(hv->ops->release_pages(hv, start, 2, 0, &done), -EACCES);
	assert_string_equal(probes_fired(), "release 5 4096 2 0 0");
	/* what no hypercall is made for */
	assert_int_equal(hv->ops->populate_pages(hv, start, 0, 0, &done), -EINVAL);
	assert_string_equal(probes_fired(), "");
	xenvirtio_hv_close(hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_shows_what_it_wrote_or_read),
		cmocka_unit_test(memory_shows_what_was_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
