// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioreq server: one at a time, left by close, adopted by its id and range.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>

#include "contract/contract-internal.h"

/* ioreq: without a server its calls are refused; with one, nobody waits, and the fd is quiet */
bool ioreq_serves(struct run *r)
{
	struct xenvirtio_ioreq req = { 0 };
	uint16_t id = XENVIRTIO_IOREQ_NEW, again = XENVIRTIO_IOREQ_NEW;
	struct pollfd pfd = { .events = POLLIN };
	int ret;

	EXPECT_EQ(r, r->ops->ioreq_fd(r->hv), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_next(r->hv, &req), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_complete(r->hv, &req), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	EXPECT(r, id < 8);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &again), -EBUSY);
	pfd.fd = r->ops->ioreq_fd(r->hv);
	EXPECT(r, pfd.fd >= 0);
	/* the ports are pending once after they are bound; a domain has few vcpus in these tests */
	for (int i = 0; i < 16; i++) {
		ret = r->ops->ioreq_next(r->hv, &req);
		EXPECT_EQ(r, ret, XENVIRTIO_E_EMPTY);
	}
	EXPECT_EQ(r, poll(&pfd, 1, 0), 0);
	EXPECT_EQ(r, r->ops->ioreq_complete(r->hv, &req), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	EXPECT_EQ(r, r->ops->ioreq_fd(r->hv), -EINVAL);
	return true;
}

/* ioreq_open: ranges that cannot be are refused, and nothing is left behind */
bool ioreq_ranges_are_checked(struct run *r)
{
	struct xenvirtio_gpa_range twice[2] = { r->c->window, r->c->window };
	struct xenvirtio_gpa_range backward = { r->c->window.end_incl, r->c->window.start };
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 0, &id), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &backward, 1, &id), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, twice, 2, &id), -EEXIST);
	EXPECT_EQ(r, id, XENVIRTIO_IOREQ_NEW);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	return true;
}

/* ioreq_open: a range that another server claims, even in part, and a server that is in use */
static bool check_conflicts(struct run *r, struct xenvirtio_hv *other, uint16_t id)
{
	struct xenvirtio_gpa_range part = {
		xenvirtio_gpa(r->c->window.start.v + 0x1fc), xenvirtio_gpa(r->c->window.end_incl.v),
	};
	uint16_t second = XENVIRTIO_IOREQ_NEW;

	EXPECT_EQ(r, other->ops->ioreq_open(other, &r->c->window, 1, &second), -EEXIST);
	EXPECT_EQ(r, other->ops->ioreq_open(other, &part, 1, &second), -EEXIST);
	second = id;
	EXPECT_EQ(r, other->ops->ioreq_open(other, &r->c->window, 1, &second), -EBUSY);
	return true;
}

bool ioreq_finds_conflicts(struct run *r)
{
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *other;
	bool ok;

	EXPECT_EQ(r, r->c->open(r->c->ctx, &other), 0);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	ok = check_conflicts(r, other, id);
	xenvirtio_hv_close(other);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	return ok;
}

/* close leaves the server; it can be adopted by its id and range, and by no other */
static bool adopt_leftover(struct run *r, uint16_t id)
{
	struct xenvirtio_gpa_range other_range = {
		xenvirtio_gpa(r->c->window.start.v + 0x1000),
		xenvirtio_gpa(r->c->window.end_incl.v + 0x1000),
	};
	uint16_t wrong = 8;

	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &wrong), -ENOENT);
	wrong = id == 7 ? 6 : 7;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &wrong), -ENOENT);
	wrong = XENVIRTIO_IOREQ_NEW;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &wrong), -EEXIST);
	wrong = id;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &other_range, 1, &wrong), -ENOENT);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	return true;
}

bool ioreq_adopts_what_close_leaves(struct run *r)
{
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *first;
	int ret;

	EXPECT_EQ(r, r->c->open(r->c->ctx, &first), 0);
	ret = first->ops->ioreq_open(first, &r->c->window, 1, &id);
	xenvirtio_hv_close(first);
	EXPECT_EQ(r, ret, 0);
	if (!adopt_leftover(r, id))
		return false;
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	/* destroyed: there is nothing to adopt, and the range is free */
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), -ENOENT);
	id = XENVIRTIO_IOREQ_NEW;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	return true;
}
