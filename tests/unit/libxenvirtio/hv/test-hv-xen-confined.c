// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The confined handle on stand-ins for Xen's libraries: every descriptor is restricted before it is used, nothing asks for a
 * plain hypercall, and where one cannot be restricted there is no handle.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/xen-libs.h"

static const struct xenvirtio_gpa_range window = { { WINDOW }, { WINDOW + 0x1ff } };

static void assert_all_closed(void)
{
	assert_int_equal(xen.dmods + xen.fmems + xen.xchs + xen.evtchns + xen.resources + xen.mappings, 0);
}

static struct xenvirtio_hv *open_confined(void)
{
	struct xenvirtio_hv *hv = NULL;

	reset_xen();
	assert_int_equal(xenvirtio_hv_open_xen_confined(&hv, DOMID, NULL), 0);
	return hv;
}

static void what_is_open_is_restricted_last(void **state)
{
	struct xenvirtio_hv *hv = open_confined();
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	/* the last that is opened is for eventfds, and restricts itself */
	assert_string_equal(xen.trace, "probe probe dmod fmem evtchn restrict-all probe ");
	assert_int_equal(xen.xchs, 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	assert_string_equal(xen.trace, "vcpus create claim page enable bind bind bind ");
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

static void what_takes_a_hypercall_is_refused_without_one(void **state)
{
	struct xenvirtio_hv *hv = open_confined();
	struct xenvirtio_gfn_range range[4];
	struct xenvirtio_gfn gfn = { 0x40000 };
	struct xenvirtio_domain_info info;
	size_t done = 7, nr;

	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->domain_info(hv, &info), -EACCES);
	assert_int_equal(hv->ops->ram_ranges(hv, range, 4, &nr), -EACCES);
	assert_int_equal(hv->ops->release_pages(hv, &gfn, 1, 0, &done), -EACCES);
	assert_int_equal(done, 0);
	done = 7;
	assert_int_equal(hv->ops->populate_pages(hv, &gfn, 1, 0, &done), -EACCES);
	assert_int_equal(done, 0);
	assert_int_equal(hv->ops->set_max_mem(hv, 4), -EACCES);
	assert_false(XENVIRTIO_HV_HAS(hv, pause));
	assert_false(XENVIRTIO_HV_HAS(hv, unpause));
	assert_false(XENVIRTIO_HV_HAS(hv, host_info));
	assert_false(XENVIRTIO_HV_HAS(hv, pod_info));
	assert_true(XENVIRTIO_HV_HAS(hv, frames_present));
	assert_true(XENVIRTIO_HV_HAS(hv, kick_wait));
	assert_string_equal(xen.trace, "");
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* Whatever fails, there is no handle that is half restricted. */
static void what_cannot_be_restricted_is_closed(void **state)
{
	static const struct {
		int err, ret;
	} cases[] = { { ENOTTY, -ENOSYS }, { EOPNOTSUPP, -ENOSYS }, { EACCES, -EACCES }, { EIO, -EIO } };
	unsigned int calls;

	xenvirtio_hv_close(open_confined());
	/* but for the last, which is for eventfds: there are other ways */
	calls = xen.calls - 1;
	for (unsigned int n = 1; n <= calls; n++) {
		struct xenvirtio_hv *hv = NULL;

		reset_xen();
		xen.fail_nth = n;
		xen.fail_errno = EACCES;
		assert_int_equal(xenvirtio_hv_open_xen_confined(&hv, DOMID, NULL), -EACCES);
		assert_null(hv);
		assert_all_closed();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xenvirtio_hv *hv = NULL;

		reset_xen();
		xen.fail_nth = calls;
		xen.fail_errno = cases[i].err;
		assert_int_equal(xenvirtio_hv_open_xen_confined(&hv, DOMID, NULL), cases[i].ret);
		assert_all_closed();
	}
}

/* A process that may open nothing any more has one server after the other all the same. */
static void events_are_opened_once(void **state)
{
	struct xenvirtio_hv *hv = open_confined();
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	int fd;

	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	fd = hv->ops->ioreq_fd(hv);
	assert_true(fd >= 0);
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	assert_true(hv->ops->ioreq_fd(hv) < 0);
	/* its ports are free, or none would be bound again */
	for (size_t i = 0; i < VCPUS; i++)
		assert_false(xen.bound[i]);
	id = XENVIRTIO_IOREQ_NEW;
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	assert_null(strstr(xen.trace, "evtchn"));
	assert_int_equal(hv->ops->ioreq_fd(hv), fd);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_open_is_restricted_last),
		cmocka_unit_test(what_takes_a_hypercall_is_refused_without_one),
		cmocka_unit_test(what_cannot_be_restricted_is_closed),
		cmocka_unit_test(events_are_opened_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
