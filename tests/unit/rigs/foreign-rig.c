// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See foreign-rig.h. Memory that is not there is not served, and nothing a guest put into a ring is believed.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/rigs/foreign-rig.h"

#define DESCS_MAX 32

/* --- the guest's memory --- */

static bool is_there(struct foreign *f, uint64_t gpa, uint64_t len)
{
	uint64_t page = gpa & ~UINT64_C(4095);

	if (!len || len > RIG_ECHO_MAX || gpa + len < gpa)
		return false;
	for (; page < gpa + len; page += BUS_PAGE_BYTES)
		if (!fake_present(f->rig.fake, xenvirtio_gpa_to_gfn(xenvirtio_gpa(page))))
			return false;
	return true;
}

static bool get(struct foreign *f, uint64_t gpa, void *buf, size_t len)
{
	return is_there(f, gpa, len) && !fake_guest_read(f->rig.fake, xenvirtio_gpa(gpa), buf, len);
}

static bool put(struct foreign *f, uint64_t gpa, const void *buf, size_t len)
{
	return is_there(f, gpa, len) && !fake_guest_write(f->rig.fake, xenvirtio_gpa(gpa), buf, len);
}

/* --- the back-end --- */

static bool copy_desc(struct foreign *f, const struct ring_desc *desc, uint8_t *bytes, uint32_t *in, uint32_t *out)
{
	if (desc->flags & DESC_WRITE) {
		uint32_t len = *in - *out < desc->len ? *in - *out : desc->len;

		if (len && !put(f, desc->addr, bytes + *out, len))
			return false;
		*out += len;
		return true;
	}
	if (desc->len > RIG_ECHO_MAX - *in || !get(f, desc->addr, bytes + *in, desc->len))
		return false;
	*in += desc->len;
	return true;
}

static bool echo_chain(struct foreign *f, uint64_t table, uint32_t size, uint16_t at, uint32_t *len)
{
	static uint8_t bytes[RIG_ECHO_MAX];
	uint32_t in = 0;
	struct ring_desc desc;

	*len = 0;
	for (int i = 0; i < DESCS_MAX; i++) {
		if (at >= size || !get(f, table + 16ull * at, &desc, sizeof(desc)))
			return false;
		if (desc.flags & DESC_INDIRECT) {
			table = desc.addr;
			size = desc.len / 16;
			at = 0;
			continue;
		}
		if (!copy_desc(f, &desc, bytes, &in, len))
			return false;
		if (!(desc.flags & DESC_NEXT))
			return true;
		at = desc.next;
	}
	return false;
}

static bool serve_next(struct foreign *f, unsigned int i)
{
	const struct xenvirtio_queue_rings *r = &f->rings[i];
	struct ring_used_elem elem;
	uint16_t avail_idx, head;

	if (!get(f, r->avail_gpa + 2, &avail_idx, 2) || avail_idx == f->last_avail[i])
		return false;
	if (!get(f, r->avail_gpa + 4 + 2ull * (f->last_avail[i] % r->size), &head, 2) || head >= r->size)
		return false;
	if (!echo_chain(f, r->desc_gpa, r->size, head, &elem.len))
		return false;
	elem.id = head;
	f->last_avail[i]++;
	put(f, r->used_gpa + 4 + 8ull * (f->used[i]++ % r->size), &elem, sizeof(elem));
	put(f, r->used_gpa + 2, &f->used[i], 2);
	/* the field of event indices is there, negotiated or not */
	put(f, r->used_gpa + 4 + 8ull * r->size, &f->last_avail[i], 2);
	f->served++;
	return true;
}

void foreign_serve_queues(struct foreign *f)
{
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		bool served = false;

		if (!f->live[i] || !foreign_kicks(f, i))
			continue;
		while (serve_next(f, i))
			served = true;
		if (served)
			foreign_call(f);
	}
}

uint64_t foreign_kicks(struct foreign *f, unsigned int index)
{
	int fd = xenvirtio_device_kick_fd(f->rig.dev, index);
	uint64_t count;

	assert_true(fd >= 0);
	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

void foreign_call(struct foreign *f)
{
	const uint64_t one = 1;

	assert_int_equal(write(xenvirtio_device_call_fd(f->rig.dev), &one, sizeof(one)), sizeof(one));
}

bool foreign_has_work(struct foreign *f)
{
	struct pollfd pfd = { .fd = xenvirtio_server_fd(f->rig.server), .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

int foreign_serve(void *opaque)
{
	struct foreign *f = opaque;
	int ret = xenvirtio_server_process(f->rig.server);

	if (f->asleep)
		return ret;
	if (!ret)
		foreign_serve_queues(f);
	if (!ret && foreign_has_work(f))
		ret = xenvirtio_server_process(f->rig.server);
	return ret;
}

uint32_t foreign_read(struct foreign *f, uint32_t reg)
{
	uint32_t val;

	assert_int_equal(driver_read(&f->rig.driver, reg, &val), 0);
	return val;
}

void foreign_write(struct foreign *f, uint32_t reg, uint32_t val)
{
	assert_int_equal(driver_write(&f->rig.driver, reg, val), 0);
}

/* --- the library's author --- */

static int queue_start(void *opaque, unsigned int index)
{
	struct foreign *f = opaque;
	struct xenvirtio_queue *q = xenvirtio_device_queue(f->rig.dev, index);

	assert_false(f->live[index]);
	assert_true(xenvirtio_device_driver_ok(f->rig.dev));
	assert_int_equal(xenvirtio_queue_rings(q, &f->rings[index]), 0);
	f->starts[index]++;
	if (f->start_result) {
		f->stops[index]++;
		return f->start_result;
	}
	f->live[index] = true;
	if (f->fault_in_start)
		return xenvirtio_device_guest_fault(f->rig.dev, XENVIRTIO_GUEST_BAD_QUEUE, "test");
	return 0;
}

/* Where it was is kept here: for a process that goes on. What ends a queue for good forgets it. */
static void queue_stop(void *opaque, unsigned int index)
{
	struct foreign *f = opaque;
	struct xenvirtio_queue_rings rings;

	assert_true(f->live[index]);
	assert_int_equal(xenvirtio_queue_rings(xenvirtio_device_queue(f->rig.dev, index), &rings), 0);
	assert_int_equal(rings.desc_gpa, f->rings[index].desc_gpa);
	assert_int_equal(rings.avail_gpa, f->rings[index].avail_gpa);
	assert_int_equal(rings.used_gpa, f->rings[index].used_gpa);
	assert_int_equal(rings.size, f->rings[index].size);
	f->live[index] = false;
	f->stops[index]++;
	f->stopped_at = xenvirtio_device_status(f->rig.dev);
}

static void forget(struct foreign *f, unsigned int index)
{
	assert_false(f->live[index]);
	f->last_avail[index] = 0;
	f->used[index] = 0;
}

static void queue_stopped(void *opaque, unsigned int index)
{
	forget(opaque, index);
}

static int reset(void *opaque)
{
	struct foreign *f = opaque;

	for (unsigned int i = 0; i < RIG_QUEUES; i++)
		forget(f, i);
	f->rig.resets++;
	return 0;
}

static int kick(void *opaque, unsigned int index)
{
	fail_msg("the library serves foreign queue %u", index);
	return -EIO;
}

int foreign_rig_init(struct foreign *f, const struct fake_config *config)
{
	int ret;

	memset(f, 0, sizeof(*f));
	ret = rig_init(&f->rig, config);
	if (ret)
		return ret;
	f->rig.foreign_queues = true;
	f->rig.features |= F_INDIRECT | F_EVENT_IDX;
	f->rig.ops.queue_start = queue_start;
	f->rig.ops.queue_stop = queue_stop;
	f->rig.ops.queue_stopped = queue_stopped;
	f->rig.ops.reset = reset;
	f->rig.ops.kick = kick;
	f->rig.bus.serve = foreign_serve;
	fake_set_serve(f->rig.fake, foreign_serve, f);
	return 0;
}

int foreign_rig_open(struct foreign *f)
{
	int ret = foreign_rig_init(f, NULL);

	return ret ? ret : rig_start(&f->rig);
}

void foreign_rig_fini(struct foreign *f)
{
	rig_fini(&f->rig);
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		assert_false(f->live[i]);
		assert_int_equal(f->starts[i], f->stops[i]);
	}
}
