/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The probes of xenvirtio-probes(7): each with its arguments, in their order.
 *
 * What is an argument is at hand where the probe stands: nothing is computed for one, so none needs a semaphore. What the guest
 * chose among them is hostile, and shown as it is. base/probe-emit.h makes a probe of these; a name or an argument that changes
 * here changes in man/xenvirtio-probes.7.scd too, which tests/unit/libxenvirtio/test-probes.sh sees to.
 */
#ifndef PROBES_H
#define PROBES_H

#include "base/probe-emit.h"

/** how a kick came: a write of QueueNotify that was an ioreq, or past the ioreq server */
#define PROBE_BY_IOREQ 0
#define PROBE_BY_EVENTFD 1

/** what became of an interrupt */
#define PROBE_SUPPRESSED 0
#define PROBE_SENT 1
#define PROBE_HELD 2
/** in place of a queue: an interrupt that is not of one, or of which nobody here knows */
#define PROBE_NO_QUEUE UINT32_MAX

/** PROBE_IOREQ() - an access of a vcpu is about to be answered; @value: what it wrote, or is answered */
#define PROBE_IOREQ(domid, gpa, size, write, value, type) PROBE_EMIT6(ioreq, domid, gpa, size, write, value, type)
/** PROBE_KICK() - the driver notified an enabled queue of a live device; @way: PROBE_BY_* */
#define PROBE_KICK(device_id, queue, way) PROBE_EMIT3(kick, device_id, queue, way)
/** PROBE_POP() - a chain was taken */
#define PROBE_POP(device_id, queue, head, readable_bytes, writable_bytes) \
	PROBE_EMIT5(pop, device_id, queue, head, readable_bytes, writable_bytes)
/** PROBE_PUSH() - and given back: the driver can see it */
#define PROBE_PUSH(device_id, queue, head, used_bytes) PROBE_EMIT4(push, device_id, queue, head, used_bytes)
/** PROBE_INTERRUPT() - @how: PROBE_SUPPRESSED and the others */
#define PROBE_INTERRUPT(device_id, queue, how) PROBE_EMIT3(interrupt, device_id, queue, how)
/** PROBE_RELEASE(), PROBE_POPULATE() - the hypercall is over; @done of @nr extents of 2^@order pages, the first at @gfn */
#define PROBE_RELEASE(domid, gfn, nr, order, done) PROBE_EMIT5(release, domid, gfn, nr, order, done)
#define PROBE_POPULATE(domid, gfn, nr, order, done) PROBE_EMIT5(populate, domid, gfn, nr, order, done)

#endif /* PROBES_H */
