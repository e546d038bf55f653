/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one seam to the hypervisor.
 *
 * A struct xenvirtio_hv is a connection to one hypervisor on behalf of one guest. Behind its
 * operations stand siblings that device code cannot tell apart: real Xen (hv-xen*.c, the only
 * files that include Xen headers), a stateful fake (tests/fake/hv-fake.c) and a recorder
 * (hv-record.c) that wraps another.
 *
 * A handle has at most one ioreq server:
 *
 *   open_* --> [no server] --ioreq_open--> [serving] --ioreq_next--> [request held]
 *                   ^                       |   ^                         |
 *                   +------ioreq_close------+   +-----ioreq_complete------+
 *
 * A request held must be completed before the next one is asked for, on every path: until then the
 * guest's vcpu does not run.
 *
 * Threads: a handle belongs to one thread. Fork: a handle is useless in the child; open a new one.
 */
#ifndef XENVIRTIO_HV_H
#define XENVIRTIO_HV_H

#include <xenvirtio/error.h>
#include <xenvirtio/registers.h>
#include <xenvirtio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** of struct xenvirtio_hv_ops: changes when what is there already changes, not with what is added */
#define XENVIRTIO_HV_VERSION 3u

/** ioreq_open: make a new server rather than adopt one */
#define XENVIRTIO_IOREQ_NEW 0xffffu
/** slots of one ioreq page, so vcpus of one server */
#define XENVIRTIO_VCPUS_MAX 128u
/** ranges one ioreq_open takes */
#define XENVIRTIO_RANGES_MAX 16u

/** values of xenvirtio_ioreq.type; others exist and are answered as unclaimed */
#define XENVIRTIO_IOREQ_PIO 0
#define XENVIRTIO_IOREQ_COPY 1
#define XENVIRTIO_IOREQ_PCI_CONFIG 2
#define XENVIRTIO_IOREQ_TIMEOFFSET 7
#define XENVIRTIO_IOREQ_INVALIDATE 8

/**
 * struct xenvirtio_ioreq - one access of a vcpu, copied once from the shared page
 * @addr:        guest-physical address (COPY) or port (PIO)
 * @data:        value written; for a read, the answer, set before ioreq_complete.
 *               With @data_is_ptr a guest-physical address that must not be followed unchecked
 * @count:       repetitions; more than one only with a string instruction (x86)
 * @size:        bytes of one access: 1, 2, 4 or 8 from Xen
 * @vcpu:        whose access
 * @type:        XENVIRTIO_IOREQ_*
 * @read:        the guest reads
 * @data_is_ptr: see @data
 */
struct xenvirtio_ioreq {
	uint64_t addr;
	uint64_t data;
	uint32_t count;
	uint32_t size;
	uint32_t vcpu;
	uint8_t type;
	bool read;
	bool data_is_ptr;
};

/** what the hypervisor says of the domain at this moment */
struct xenvirtio_domain_info {
	uint64_t tot_pages;	/* frames the domain owns */
	uint64_t max_pages;	/* frames it may own */
	uint32_t nr_vcpus;	/* vcpus it may have, online or not */
	bool dying;		/* teardown has begun: unmap everything */
	bool shutdown;		/* it has powered off, rebooted or crashed */
	bool paused;		/* by the toolstack: no vcpu runs */
	uint8_t shutdown_code;	/* XENVIRTIO_SHUTDOWN_*, with shutdown; 0 of a seam of before there was any */
};

/** what the hypervisor says of the host's memory at this moment */
struct xenvirtio_host_info {
	uint64_t total_pages;	/* frames there are */
	uint64_t free_pages;	/* frames nobody has, and nobody has claimed: what xl info calls free */
};

/** what a guest that was started with populate-on-demand has still to touch */
struct xenvirtio_pod_info {
	uint64_t entries;	/* frames that will be populated at a touch, a mapping of ours included */
	uint64_t cache_pages;	/* memory that is kept for them; counted in tot_pages */
};

/** what eventfd_features answers */
#define XENVIRTIO_EVENTFD_IOEVENTFD 1u	/* ioeventfd_add works */
#define XENVIRTIO_EVENTFD_IRQFD 2u	/* irqfd_add works */
#define XENVIRTIO_EVENTFD_QUIET 4u	/* a kick that is taken wakes its eventfd's reader alone */
#define XENVIRTIO_EVENTFD_REGISTERS 8u	/* registers_add works */
#define XENVIRTIO_EVENTFD_WAIT 16u	/* kick_wait works */
#define XENVIRTIO_EVENTFD_FIELDS 32u	/* field_add works */

struct xenvirtio_hv;

/**
 * struct xenvirtio_hv_ops - the operations of the seam
 *
 * Optional operations (the last ones) may be NULL; everything else is there. Return values follow
 * error.h. New operations are added at the end and are optional, so that a seam built with an older
 * header goes on working: what its @size does not reach is as if NULL, see XENVIRTIO_HV_HAS().
 * Where a seam comes into the library another @version is refused, and so is a @size that lacks an
 * operation that is not optional: -EINVAL.
 * Operations on a domain that is gone return XENVIRTIO_E_GONE.
 */
struct xenvirtio_hv_ops {
	/** XENVIRTIO_HV_VERSION of the header the sibling was built with */
	unsigned int version;
	/** sizeof(struct xenvirtio_hv_ops) of that header */
	size_t size;
	/** for logs: "xen", "fake", "record" */
	const char *name;

	/** close - unmap what is left, leave an open ioreq server registered, free the handle */
	void (*close)(struct xenvirtio_hv *hv);

	/** domain_info - Return: 0; XENVIRTIO_E_GONE; -errno */
	int (*domain_info)(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info);

	/**
	 * ram_ranges - where the guest's RAM may be
	 * @range: out; ascending, not overlapping
	 * @max:   entries of @range
	 * @nr:    out; entries filled in
	 *
	 * Frames outside are never RAM; frames inside may be holes.
	 */
	int (*ram_ranges)(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max, size_t *nr);

	/**
	 * map - map frames of the guest, in order, contiguously in our address space
	 * @gfn:      frames; hostile numbers are allowed
	 * @nr:       how many, at least 1
	 * @writable: read and write, or read only
	 * @va:       out; page aligned
	 *
	 * All or nothing. A mapping keeps the frames allocated in Xen: unmap before releasing.
	 * Return: 0; XENVIRTIO_E_GUEST a frame is not RAM; XENVIRTIO_E_GONE; -errno
	 */
	int (*map)(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool writable, void **va);
	/** unmap - undo one map; @nr as it was given there */
	int (*unmap)(struct xenvirtio_hv *hv, void *va, size_t nr);

	/**
	 * ioreq_open - make or adopt the ioreq server of this handle
	 * @range: MMIO ranges to claim (adopting: those it has; nothing is claimed again)
	 * @nr:    1 to XENVIRTIO_RANGES_MAX
	 * @id:    in: XENVIRTIO_IOREQ_NEW or the id of a server a dead process of this domain left;
	 *         out: the server's id, to be kept where it survives the process
	 *
	 * On failure nothing is left behind in the hypervisor. A request that was in flight when
	 * the former owner died is given out again by ioreq_next.
	 * Return: 0; -EEXIST another server claims a range; -ENOENT no server to adopt;
	 *         -ENOSYS this Xen has no ioreq servers; XENVIRTIO_E_GONE; -errno
	 */
	int (*ioreq_open)(struct xenvirtio_hv *hv, const struct xenvirtio_gpa_range *range, size_t nr, uint16_t *id);
	/** ioreq_close - destroy the server: later accesses of the guest are unclaimed */
	int (*ioreq_close)(struct xenvirtio_hv *hv);
	/** ioreq_fd - readable when ioreq_next may have something; valid while serving */
	int (*ioreq_fd)(struct xenvirtio_hv *hv);
	/**
	 * ioreq_next - claim the next pending request
	 * @req: out; a private copy
	 *
	 * Order:  acquire after READY was seen, so the copy is what Xen wrote
	 * Return: 0; XENVIRTIO_E_EMPTY; -EIO the event channel is lost; -errno
	 */
	int (*ioreq_next)(struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req);
	/**
	 * ioreq_complete - answer it and let the vcpu go on
	 * @req: as ioreq_next gave it, @data set for a read
	 *
	 * Order: release before RESP_READY, notify, and only then unmask the port
	 */
	int (*ioreq_complete)(struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req);

	/**
	 * set_irq - set the level of the device's interrupt line
	 * @irq:   Arm: SPI; x86: 0 to 15 an ISA line, else 16 + device * 4 + pin of a PCI line
	 *         (GSI 16 + ((device * 4 + device / 8 + pin) & 31))
	 * @level: Arm's virtio lines are edge-triggered: one `true` per interrupt; x86's stay as they
	 *         are set, and setting one again changes nothing
	 */
	int (*set_irq)(struct xenvirtio_hv *hv, uint32_t irq, bool level);

	/**
	 * release_pages - give frames of the guest back to the hypervisor
	 * @start: first frame of each extent, aligned to 2^@order
	 * @nr:    extents, 1 to XENVIRTIO_EXTENTS_MAX
	 * @order: 0 to XENVIRTIO_ORDER_MAX
	 * @done:  out; extents released. Set on every return
	 *
	 * Stops at the first extent that cannot be released whole: @done < @nr and returns 0. With
	 * @order > 0 extent number @done may be released in part, from its start on.
	 * Nothing may be mapped of what is released. Files of the guest's memory may have it: what is
	 * released is forgotten there, as memory_forget does it.
	 * Return: 0; XENVIRTIO_E_GONE; -errno the call could not be made
	 */
	int (*release_pages)(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
			     unsigned int order, size_t *done);
	/**
	 * populate_pages - put frames back where the guest has holes
	 *
	 * As release_pages, but an extent is populated whole or not at all. Stops (@done < @nr,
	 * returns 0) when the heap is empty or max_pages forbids more. Files of the guest's memory
	 * show the new frames, also to who looked at the holes. Populating a frame that is
	 * there leaks the old one: the caller must know what is a hole.
	 */
	int (*populate_pages)(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start,
			      size_t nr, unsigned int order, size_t *done);
	/** set_max_mem - limit of the domain's memory, in KiB */
	int (*set_max_mem)(struct xenvirtio_hv *hv, uint64_t max_kib);

	/**
	 * irq_held - whether set_irq sets a level that stays, to be held until the driver has
	 * acknowledged (x86), or each `true` is an interrupt (Arm)
	 *
	 * Optional: NULL is no.
	 */
	bool (*irq_held)(struct xenvirtio_hv *hv);

	/*
	 * Notification by eventfds: optional, all of what follows or nothing. Where a call is
	 * refused, set_irq and ioreq_next go on as before: a refusal costs speed, nothing else.
	 *
	 * What is added is to be taken away again, before ioreq_close and before its eventfd is
	 * closed. With a process that dies it goes by itself, as far as the host can (QUIET says
	 * so too); the successor adds it anew. Eventfds are borrowed and non-blocking.
	 */

	/**
	 * eventfd_features - which of them work here
	 * @features: out; XENVIRTIO_EVENTFD_*, 0 on most hosts. May be asked before ioreq_open
	 *
	 * Return: 0; -errno
	 */
	int (*eventfd_features)(struct xenvirtio_hv *hv, uint32_t *features);
	/**
	 * ioeventfd_add - kicks of one virtqueue signal an eventfd and are no requests any more
	 * @base:  of the device's virtio-mmio window
	 * @queue: a kick is a write of 4 bytes at @base + 0x50 that has this in its low 16 bits
	 *
	 * Serving only. A kick that was there before stays a request.
	 * Order:  the eventfd is signalled before the vcpu goes on
	 * Return: 0; -EEXIST the queue has one; -ENOSYS; -EACCES; XENVIRTIO_E_GONE; -errno
	 */
	int (*ioeventfd_add)(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue, int fd);
	/** ioeventfd_del - kicks are requests again. Return: 0; -ENODEV there is none; -errno */
	int (*ioeventfd_del)(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue, int fd);
	/** irqfd_add - a write to @fd does what set_irq(@irq, true) does, and consumes the write */
	int (*irqfd_add)(struct xenvirtio_hv *hv, uint32_t irq, int fd);
	/** irqfd_del - it does not any more. Return: 0; -ENODEV there is none; -errno */
	int (*irqfd_del)(struct xenvirtio_hv *hv, uint32_t irq, int fd);
	/**
	 * registers_add - the host answers the driver's accesses to these registers
	 *
	 * Serving, and only while the handle has an ioeventfd. The word is the host's until
	 * registers_del; with a process that dies its value is lost.
	 * Return: 0; -EEXIST the device has them; -ENOENT no ioeventfd; as ioeventfd_add
	 */
	int (*registers_add)(struct xenvirtio_hv *hv, const struct xenvirtio_irq_registers *regs);
	/** registers_del - @status: out; the last value, the caller's again. Return: as irqfd_del */
	int (*registers_del)(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t *status);

	/** host_info - of the host, whatever became of the domain; optional. Return: 0; -errno */
	int (*host_info)(struct xenvirtio_hv *hv, struct xenvirtio_host_info *info);

	/**
	 * pause - no vcpu of the domain runs until as many unpauses; optional, both or none
	 *
	 * Counted, together with what toolstacks do: a domain that was created paused stays so. The
	 * count is the domain's: it survives this process.
	 *
	 * Return: 0; XENVIRTIO_E_GONE; -errno
	 */
	int (*pause)(struct xenvirtio_hv *hv);
	/** unpause - Return: as pause; -EINVAL it is not paused */
	int (*unpause)(struct xenvirtio_hv *hv);
	/**
	 * kick_wait - stay on the CPU, which may halt, until an ioeventfd's next kick
	 * @base:    of the device whose kicks are wanted
	 * @idle_us: 1 to 1000; how long without any access of the guest that the host answers,
	 *           up to twice of it, and 20 times of it in any case
	 * @fd:      eventfd that is written to first; -1: none
	 * @queue:   out; it was kicked, and its eventfd was not signalled for it
	 *
	 * Only while the handle has an ioeventfd. Gives up for other kicks and requests of the guest, for a
	 * signal, and when others are to run; nobody looks at other descriptors.
	 * Return: 0; XENVIRTIO_E_EMPTY gave up: go to sleep as ever; -errno, @fd was written to or
	 *         not
	 */
	int (*kick_wait)(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t idle_us,
			 int fd, uint32_t *queue);

	/**
	 * frames_present - which of these frames have memory behind them, by the guest's page tables; optional
	 * @gfn:     frames; hostile numbers are allowed, and are not present
	 * @nr:      how many, 1 to XENVIRTIO_EXTENTS_MAX
	 * @present: out; @nr of them
	 *
	 * Counters of the domain cannot tell. Costs as much as a mapping. What a guest started with
	 * populate-on-demand has not touched yet is present, and not populated by the question; while there is such
	 * it costs a hypercall a frame. (A handle of xenvirtio_hv_open_xen_confined() can only map, which
	 * populates: its caller asks who has plain hypercalls.)
	 * Return: 0; XENVIRTIO_E_GONE; -errno
	 */
	int (*frames_present)(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present);

	/**
	 * pod_info - populate-on-demand; optional
	 *
	 * To release a frame that was never touched takes an entry away, and no page.
	 * Return: 0, all zero where the guest has none; XENVIRTIO_E_GONE; -errno
	 */
	int (*pod_info)(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info);

	/**
	 * memory_file - a range of the guest's memory as a file, for a process that maps it; optional, both or none
	 * @range:  of frames, holes included
	 * @fd:     out; a new descriptor, close-on-exec, to be closed by the caller
	 * @offset: out; of the range's first byte in the file; 0 on real Xen
	 *
	 * Who has the descriptor may map it MAP_SHARED, read and write, and nothing else. A page is mapped
	 * when it is touched; what is no memory of the guest's reads zeros, and kills nobody. Nothing can be
	 * pinned: O_DIRECT and the like fail with EFAULT. All there is of it ends with the handle: mappings
	 * that outlive it have such pages.
	 * Return: 0; -ENOSYS this host has none; -ENOSPC too many; XENVIRTIO_E_GONE; -errno
	 */
	int (*memory_file)(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd,
			   uint64_t *offset);
	/**
	 * memory_forget - nobody's file of the guest's memory keeps these frames any more
	 * @range: what has left the guest, or come back; frames that nobody has are no error
	 * @nr:    how many, at least 1
	 *
	 * Of all processes, not of this handle alone. A frame that is the guest's still comes back at the
	 * next access; one that is gone reads zeros until it is forgotten again.
	 * Return: 0, also where there are no such files; -errno
	 */
	int (*memory_forget)(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr);

	/**
	 * revoke - take memory away from under a mapping; optional
	 * @va, @nr: of one map
	 *
	 * Private memory is there until unmap, for who uses the pointer.
	 * Return: 0; -EINVAL; -EOPNOTSUPP; -errno
	 */
	int (*revoke)(struct xenvirtio_hv *hv, void *va, size_t nr);

	/**
	 * move_extents - release_pages or populate_pages of several orders, and domain_info before it; optional
	 * @release:   else populate
	 * @tot_pages: the domain's, as far as the caller knows; of releasing 0
	 * @extent:    1 to XENVIRTIO_EXTENTS_MAX, larger ones before smaller ones
	 * @info:      out, with 0 and XENVIRTIO_E_AGAIN
	 *
	 * One way to another process. Nothing is populated if the domain's frames are not as many: somebody else moved some.
	 * Return: as those; XENVIRTIO_E_AGAIN that is so
	 */
	int (*move_extents)(struct xenvirtio_hv *hv, bool release, uint64_t tot_pages, const struct xenvirtio_extent *extent,
			    size_t nr, struct xenvirtio_domain_info *info, size_t *done);

	/**
	 * field_add - the host answers the driver's accesses of a field, on the terms of registers_add; optional, both or none
	 *
	 * Return: as registers_add; -EFAULT @word is no memory that can be written and stays where it is; -ENOMEM its page is
	 * more than RLIMIT_MEMLOCK lets this process have locked
	 */
	int (*field_add)(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field);
	/** field_del - by @addr and @written; nothing touches @word after it returned. Return: as irqfd_del */
	int (*field_del)(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field);
};

/** struct xenvirtio_hv - siblings embed this as their first member */
struct xenvirtio_hv {
	const struct xenvirtio_hv_ops *ops;
};

/**
 * XENVIRTIO_HV_HAS() - whether a handle has an optional operation
 * @hv:     a handle
 * @member: of struct xenvirtio_hv_ops
 */
#define XENVIRTIO_HV_HAS(hv, member) \
	((hv)->ops->size >= \
		 offsetof(struct xenvirtio_hv_ops, member) + sizeof((hv)->ops->member) && \
	 (hv)->ops->member)

struct xentoollog_logger;

/**
 * xenvirtio_hv_open_xen() - connect to the Xen this process runs on
 * @hv:     out; closed with xenvirtio_hv_close()
 * @domid:  the guest; it need not exist yet for the handle to open
 * @logger: for Xen's own libraries, NULL for their default; must outlive @hv
 *
 * Return: 0; -EACCES no privilege; -ENOENT not on Xen, or /dev/xen is absent; -ENOSYS built
 *         without Xen; -errno
 */
int xenvirtio_hv_open_xen(struct xenvirtio_hv **hv, uint32_t domid,
			  struct xentoollog_logger *logger);

/**
 * xenvirtio_hv_open_xen_confined() - the same, with descriptors that can do nothing to other domains
 *
 * For a process that reads what a guest says, beside one that does not: maps frames, serves requests, raises interrupts,
 * has eventfds. What takes a plain hypercall is refused: domain_info, ram_ranges, release_pages, populate_pages and
 * set_max_mem return -EACCES; pause, unpause, host_info and pod_info are not there. Somebody else does these on its behalf.
 *
 * Restricts whatever handles of Xen's libraries this process has open, xenstore's among them, which is of no use after: open
 * that one later. There is no way back, not even for a handle that is opened on the same descriptor.
 *
 * Return: as xenvirtio_hv_open_xen(); -ENOSYS this kernel's privcmd (before Linux 4.13) cannot be restricted
 */
int xenvirtio_hv_open_xen_confined(struct xenvirtio_hv **hv, uint32_t domid,
				   struct xentoollog_logger *logger);

/**
 * xenvirtio_hv_open_record() - wrap a handle and write each call and its result to a stream
 * @hv:    out; closing it closes @inner
 * @inner: the handle that does the work; owned by @hv on success
 * @path:  text file, one line a call; appended to
 *
 * Return: 0; -EINVAL @inner is of another version of the seam; -ENOMEM; -errno of the file
 */
int xenvirtio_hv_open_record(struct xenvirtio_hv **hv, struct xenvirtio_hv *inner,
			     const char *path);

/** xenvirtio_hv_close() - close any sibling; NULL is fine */
void xenvirtio_hv_close(struct xenvirtio_hv *hv);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_HV_H */
