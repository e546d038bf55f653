/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hypervisor with one guest, in this process.
 *
 * A struct fake is the machine: the guest's RAM (real bytes in a memfd, so mappings are true
 * mappings), which frames are present, the host's free heap, ioreq servers, interrupt lines. It
 * outlives the handles opened on it with fake_open(), as Xen outlives a daemon: closing a handle
 * leaves its ioreq server for the next handle to adopt.
 *
 * It does what Xen does, including what one would not expect: a frame released while mapped stays
 * allocated until it is unmapped; populating a populated frame leaks the old one; an extent with a
 * hole is released in part. tests/contract runs the same checks on both.
 *
 * It counts what a correct caller never does, for tests to assert on: see struct fake_faults.
 * Threads: one, for the machine and its handles. It must not know virtio.
 */
#ifndef HV_FAKE_H
#define HV_FAKE_H

#include <xenvirtio/hv.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FAKE_RAM_MAX 4u
#define FAKE_SERVERS_MAX 8u
#define FAKE_IRQS_MAX 1024u
#define FAKE_EVENTFDS_MAX 64u

/**
 * struct fake_config - the machine; zero fields get a default
 * @ram, @nr_ram:   RAM, ascending, all populated at first; between them are holes for MMIO.
 *                  Default: two ranges, [0x40000, 0x40fff] and [0x200000, 0x2003ff], 20 MiB
 * @nr_vcpus:       1 to XENVIRTIO_VCPUS_MAX; default 1
 * @max_pages:      the domain's limit; default: what it has at first
 * @heap_pages:     free frames of the host beside the guest's; default 0
 * @others_pages:   what fake_set_heap() may say beyond those: free, but this guest never gets them, and there is no
 *                  memory behind them; default 0
 * @no_ioreq:       this Xen has no ioreq servers: -ENOSYS
 * @invalidate:     each release makes the next access of a vcpu an IOREQ_TYPE_INVALIDATE first
 * @held_irqs:      lines are levels that stay (x86); default: whether the environment variable
 *                  FAKE_HELD_IRQS is set
 * @eventfd_features: XENVIRTIO_EVENTFD_* that this host has; default: the number in the environment
 *                  variable FAKE_EVENTFD_FEATURES, so that any test can be run with each path, or 0
 *                  (FAKE_ONE_WAY: handles have move_extents, as those of a device with a broker)
 * @quick:          for a machine that has many short lives (fake_reset()): as few system calls as
 *                  can be. Without eventfd_features a server's ioreq_fd is -ENOSYS. Where there is
 *                  AddressSanitizer, one page that is mapped is a part of a view that stays, and is
 *                  poisoned while nobody has it mapped: there a second mapping of a frame is at
 *                  the same address
 */
struct fake_config {
	struct xenvirtio_gfn_range ram[FAKE_RAM_MAX];
	size_t nr_ram;
	uint32_t nr_vcpus;
	uint64_t max_pages;
	uint64_t heap_pages;
	uint64_t others_pages;
	bool no_ioreq;
	bool invalidate;
	bool held_irqs;
	uint32_t eventfd_features;
	bool quick;
};

/** struct fake_faults - what a correct caller never does; all zero at the end of a good test */
struct fake_faults {
	uint64_t released_mapped;	/* frames released while we had them mapped */
	uint64_t leaked;		/* frames lost by populating what was populated */
	uint64_t populated_outside;	/* populate of a frame that is not in a RAM range */
	uint64_t holes_touched;		/* the guest touched a frame that is not there: Xen kills it */
	uint64_t unclaimed;		/* the guest touched MMIO that no server claims */
	uint64_t bad_state;		/* a slot went a way that makes Xen crash the domain */
	uint64_t stuck;			/* a vcpu was left without an answer */
	uint64_t bad_unmap;		/* unmap of what is not mapped, or of another length */
	uint64_t pod_empty;		/* an entry touched for which no memory is kept: Xen crashes the domain */
	uint64_t left_armed;		/* eventfds still assigned when the server was closed */
};

struct fake;
struct ioreq_slot;

/** fake_new() - @config NULL for all defaults; NULL when out of memory or @config is wrong */
struct fake *fake_new(const struct fake_config *config);
/** fake_free() - unmaps what leaked, too; handles still open must not be used again */
void fake_free(struct fake *f);
/**
 * fake_reset() - the machine as fake_new() made it, at the cost of what was touched
 *
 * No handle may be open. The configuration stays as it is.
 */
void fake_reset(struct fake *f);
/** fake_open() - a handle on the machine, as xenvirtio_hv_open_xen(). Not a seam call */
int fake_open(struct fake *f, struct xenvirtio_hv **hv);

/* --- what is so now --- */

const struct fake_faults *fake_faults(const struct fake *f);
/** fake_faults_total() - the sum: one assert at the end of a test */
uint64_t fake_faults_total(const struct fake *f);
uint64_t fake_tot_pages(const struct fake *f);
uint64_t fake_max_pages(const struct fake *f);
/** fake_heap_free() - frames the host could still give */
uint64_t fake_heap_free(const struct fake *f);
/** fake_present() - whether the guest has a frame there */
bool fake_present(const struct fake *f, struct xenvirtio_gfn gfn);
/** fake_frame_maps() - how often the frame at @gfn is mapped by us */
unsigned int fake_frame_maps(const struct fake *f, struct xenvirtio_gfn gfn);
/** fake_holes() - frames of the RAM ranges that are not there: what a balloon should hold */
uint64_t fake_holes(const struct fake *f);
/** fake_read_holes() - the same as bits, a frame after the other, RAM ranges end to end */
void fake_read_holes(const struct fake *f, uint64_t *word);

/** what is open or mapped; all zero when a test has closed everything */
size_t fake_live_mappings(const struct fake *f);
size_t fake_live_pages(const struct fake *f);
size_t fake_open_handles(const struct fake *f);
size_t fake_open_fds(const struct fake *f);
/** fake_servers() - ioreq servers that are not foreign, owned or left over */
size_t fake_servers(const struct fake *f);

/** fake_irqs() - set_irq and the like for @irq with @level; fake_irq_level() the level now */
uint64_t fake_irqs(struct fake *f, uint32_t irq, bool level);
bool fake_irq_level(struct fake *f, uint32_t irq);

/** fake_answered() - accesses that the host answered itself */
uint64_t fake_answered(const struct fake *f);
/** fake_armed() - what is assigned now: ioeventfds, irqfds, registers */
size_t fake_armed(const struct fake *f);

/** fake_forgotten() - frames that memory_forget was told of */
uint64_t fake_forgotten(const struct fake *f);
/** fake_waits() - kick_wait calls that waited */
uint64_t fake_waits(const struct fake *f);

/** fake_set_no_memory_files() - this host has no files of the guest's memory: -ENOSYS */
void fake_set_no_memory_files(struct fake *f);

/* --- what befalls the domain --- */

/** fake_on_wait() - what happens while a kick_wait waits: @fn may access registers; NULL: nothing */
void fake_on_wait(struct fake *f, void (*fn)(void *opaque), void *opaque);

void fake_set_dying(struct fake *f);
/** fake_set_shutdown() - it has ended by itself; @code: XENVIRTIO_SHUTDOWN_* */
void fake_set_shutdown(struct fake *f, unsigned int code);
/** fake_set_paused() - as xl pause and unpause do; the guest's side works on all the same */
void fake_set_paused(struct fake *f, bool paused);
/** fake_set_gone() - destroyed: every call but unmap and close answers XENVIRTIO_E_GONE */
void fake_set_gone(struct fake *f);
void fake_set_max_pages(struct fake *f, uint64_t max_pages);
/** fake_set_heap() - free frames of the host from now on, at most what there were at first, and @others_pages */
void fake_set_heap(struct fake *f, uint64_t pages);
/** fake_set_heap_order() - fragmentation: no contiguous block above this order is left */
void fake_set_heap_order(struct fake *f, unsigned int order);
/** fake_make_hole() - take @nr frames from the guest without a seam call */
void fake_make_hole(struct fake *f, struct xenvirtio_gfn gfn, uint64_t nr);
/**
 * fake_set_pod() - the guest was started with populate-on-demand, and has touched none of these frames
 * @cache: memory that is kept for them, at most one a frame
 */
void fake_set_pod(struct fake *f, struct xenvirtio_gfn gfn, uint64_t nr, uint64_t cache);
/**
 * fake_pod_sweep() - Xen found nothing in these frames: those that are there are entries again, and kept for them is as much more
 *
 * Where there are no entries left Xen looks for none. What is mapped stays. Return: frames
 */
uint64_t fake_pod_sweep(struct fake *f, struct xenvirtio_gfn gfn, uint64_t nr);
/** fake_set_direct() - memory is mapped directly (Arm): a frame that leaves the p2m stays the domain's, and comes back there */
void fake_set_direct(struct fake *f);
/** fake_pod_populated() - entries that were touched or mapped */
uint64_t fake_pod_populated(const struct fake *f);
/** fake_add_foreign() - another process's ioreq server. Return: its id; -ENOSPC */
int fake_add_foreign(struct fake *f, const struct xenvirtio_gpa_range *range);

/** fake_offer_eventfds() - what the host has from now on, as fake_config.eventfd_features */
void fake_offer_eventfds(struct fake *f, uint32_t features);
/** fake_leave_accesses() - whether the host leaves to us what it could answer, as of a guest that has had its part of a CPU */
void fake_leave_accesses(struct fake *f, bool leave);
/** fake_refuse_eventfds() - from now on refuse to add these, XENVIRTIO_EVENTFD_*, though offered */
void fake_refuse_eventfds(struct fake *f, uint32_t features);

/* --- failures on demand --- */

enum fake_fault_mode {
	FAKE_FAIL_ONCE,		/* the n-th call only */
	FAKE_FAIL_FROM,		/* the n-th and all after it */
};

/**
 * fake_fail() - let a seam call fail without doing anything
 * @nth:    1 is the next call; 0 turns failures off
 * @result: -errno or a condition of error.h
 * @unmap:  count unmap as well; it leaves the mapping in place
 *
 * Counts every operation but close, ioreq_fd (which only tells a number) and, without @unmap,
 * unmap. ioreq_complete that fails leaves the slot INPROCESS: a vcpu waits until a successor
 * adopts the server.
 */
void fake_fail(struct fake *f, uint64_t nth, int result, enum fake_fault_mode mode, bool unmap);
/** fake_calls() - calls counted since fake_fail() or fake_new() */
uint64_t fake_calls(const struct fake *f);
/** fake_failed() - calls that failed on demand since fake_fail() */
uint64_t fake_failed(const struct fake *f);

/* --- the guest's side: its CPU and RAM --- */

/**
 * fake_guest_page() - the bytes of one frame, as the guest's CPU sees them
 *
 * Return: XENVIRTIO_PAGE_SIZE bytes, valid until the frame is released; NULL for a hole, which is
 * counted in holes_touched
 */
void *fake_guest_page(struct fake *f, struct xenvirtio_gfn gfn);
/** fake_guest_ptr() - @len bytes at @gpa when they are in one run of memory; else NULL */
void *fake_guest_ptr(struct fake *f, struct xenvirtio_gpa gpa, size_t len);
/** fake_guest_read/write() - across pages. Return: 0; XENVIRTIO_E_GUEST a hole was touched */
int fake_guest_read(struct fake *f, struct xenvirtio_gpa gpa, void *buf, size_t len);
int fake_guest_write(struct fake *f, struct xenvirtio_gpa gpa, const void *buf, size_t len);

/**
 * fake_access_start() - a vcpu makes an access and stops; @req.type may be any
 *
 * Return: 0; -EBUSY the vcpu has one in flight; XENVIRTIO_E_GUEST nobody of ours claims the address
 * (only COPY is looked up by address, and must be inside the ranges whole; other types go to our
 * server of the highest id)
 */
int fake_access_start(struct fake *f, const struct xenvirtio_ioreq *req);
/**
 * fake_access_finish() - the vcpu goes on, if it has its answer
 * @data: out; of a read, cut to its size; may be NULL
 *
 * Return: 0; XENVIRTIO_E_EMPTY no answer yet; XENVIRTIO_E_AGAIN that was the answer to an
 * INVALIDATE and the access itself is in the slot now; -EFAULT Xen crashed the domain
 */
int fake_access_finish(struct fake *f, uint32_t vcpu, uint64_t *data);
/** fake_mmio_start() - fake_access_start() of a plain COPY */
int fake_mmio_start(struct fake *f, uint32_t vcpu, uint64_t addr, uint32_t size, bool read,
		    uint64_t data);
/** fake_mmio_finish() - the same as fake_access_finish() */
int fake_mmio_finish(struct fake *f, uint32_t vcpu, uint64_t *data);

/** fake_set_serve() - what fake_mmio_read/write call to have a request served */
void fake_set_serve(struct fake *f, int (*serve)(void *ctx), void *ctx);
/**
 * fake_mmio_read/write() - one access, served by the callback meanwhile
 *
 * Return: 0; what the callback returned if not 0; XENVIRTIO_E_EMPTY the vcpu is stuck (counted);
 * as fake_access_start() and fake_access_finish()
 */
int fake_mmio_read(struct fake *f, uint32_t vcpu, uint64_t addr, uint32_t size, uint64_t *data);
int fake_mmio_write(struct fake *f, uint32_t vcpu, uint64_t addr, uint32_t size, uint64_t data);

/**
 * fake_slot() - the raw slot of a vcpu in server @id, to scribble on; NULL when there is none
 *
 * 32 bytes, as Xen lays them out; for the library's own tests.
 */
struct ioreq_slot *fake_slot(struct fake *f, uint16_t id, uint32_t vcpu);

#ifdef __cplusplus
}
#endif

#endif /* HV_FAKE_H */
