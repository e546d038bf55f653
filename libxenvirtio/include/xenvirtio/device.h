/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A virtio device as its author writes it: identity, features, configuration space, queues.
 *
 * The library runs the device status machine (virtio 1.2, 2.1 and 3.1):
 *
 *   0 --ACKNOWLEDGE--> 1 --DRIVER--> 3 --FEATURES_OK--> 11 --DRIVER_OK--> 15
 *   ^                                        |refused: the bit does not stick      |
 *   +---------------- 0 written: reset ------+------- guest fault: |NEEDS_RESET(64)+
 *
 * and calls the author's hooks at its edges. Hooks run on the thread that calls
 * xenvirtio_server_process(), while the guest's vcpu waits for its register access, except kick,
 * which runs after the access was completed.
 *
 * All that must survive the process is in struct xenvirtio_device_state, in memory the caller may
 * map from a file: a new process given the same state goes on where the old one died. Chains
 * that were popped and not pushed are popped again: processing must be idempotent.
 *
 * Foreign queues: another process serves them, as vhost-user's back-ends do. It gets the rings' places
 * (xenvirtio_queue_rings()), an eventfd for the kicks of each queue and one to interrupt with. Where the host can, neither
 * passes through this process, which then has only the registers to answer for. How far the queues were served is not in
 * the state: that is the other process's to know, or the author's to keep.
 */
#ifndef XENVIRTIO_DEVICE_H
#define XENVIRTIO_DEVICE_H

#include <xenvirtio/queue.h>
#include <xenvirtio/registers.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XENVIRTIO_QUEUES_MAX 64u
#define XENVIRTIO_CONFIG_MAX 256u

/** device status bits, virtio 1.2, 2.1 */
#define XENVIRTIO_STATUS_ACKNOWLEDGE 1u
#define XENVIRTIO_STATUS_DRIVER 2u
#define XENVIRTIO_STATUS_DRIVER_OK 4u
#define XENVIRTIO_STATUS_FEATURES_OK 8u
#define XENVIRTIO_STATUS_NEEDS_RESET 64u
#define XENVIRTIO_STATUS_FAILED 128u

/** offered always, as are the queues' own bits (queue.h); a driver must accept this one */
#define XENVIRTIO_F_VERSION_1 32

struct xenvirtio_device;

/** of struct xenvirtio_device_state and the queues' in it: changes with what a field means */
#define XENVIRTIO_DEVICE_STATE_VERSION 1u

/** a state has room for at least so many queues, however few its device has */
#define XENVIRTIO_STATE_QUEUES_MIN 16u

/**
 * struct xenvirtio_device_state - everything the guest knows of the device; plain data
 * @version: XENVIRTIO_DEVICE_STATE_VERSION of the library that began it; 0: none has
 * @bytes:   of it that are in use, see XENVIRTIO_DEVICE_STATE_BYTES()
 * @queue:   memory that a program keeps may end after those there is room for
 *
 * Zeroed memory is a device that was never touched. Written by the library only, in an order that
 * leaves it usable after each store. A program that keeps it in a file may find there what another
 * version of the library wrote: xenvirtio_device_new() refuses it. All else is private.
 */
struct xenvirtio_device_state {
	uint32_t version;
	uint32_t bytes;
	uint64_t driver_features;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint32_t status;
	uint32_t interrupt_status;
	uint32_t config_generation;
	struct xenvirtio_queue_state queue[XENVIRTIO_QUEUES_MAX];
};

/** XENVIRTIO_DEVICE_STATE_BYTES() - what the state of a device with @nr_queues takes; nothing behind that is touched */
#define XENVIRTIO_DEVICE_STATE_BYTES(nr_queues) \
	(offsetof(struct xenvirtio_device_state, queue) + \
	 ((nr_queues) > XENVIRTIO_STATE_QUEUES_MIN ? (nr_queues) : XENVIRTIO_STATE_QUEUES_MIN) * \
		 sizeof(struct xenvirtio_queue_state))

/**
 * struct xenvirtio_device_ops - the author's side
 *
 * Hooks that are NULL do nothing (check_features: all is accepted; config_read: zeros). A negative
 * return is a host failure and comes out of xenvirtio_server_process() unchanged.
 */
struct xenvirtio_device_ops {
	/**
	 * check_features - may the driver have exactly these?
	 *
	 * Called at FEATURES_OK with bits that were all offered and include VERSION_1.
	 * Return: 0; XENVIRTIO_E_GUEST: FEATURES_OK is refused (counting it is the hook's, who
	 *         alone knows whether it is the guest's fault); -errno
	 */
	int (*check_features)(void *opaque, uint64_t features);
	/** config_read - fill @buf from the configuration space; in bounds, any length up to 8 */
	void (*config_read)(void *opaque, uint32_t offset, void *buf, uint32_t len);
	/** config_write - the guest wrote; in bounds; hostile */
	void (*config_write)(void *opaque, uint32_t offset, const void *buf, uint32_t len);
	/** driver_ok - queues are usable from now on */
	int (*driver_ok)(void *opaque);
	/**
	 * kick - look at queue @index (below nr_queues, enabled, DRIVER_OK)
	 *
	 * The driver notified it; or DRIVER_OK or a resume may have hidden that it did, so there
	 * may be nothing. A driver can fill a ring as fast as it is emptied: stop after a bounded
	 * number of chains, and call xenvirtio_device_kick_again().
	 */
	int (*kick)(void *opaque, unsigned int index);
	/** reset - queues are quiesced already; the guest waits until this returns */
	int (*reset)(void *opaque);
	/** guest_error - something was wrong on the guest's side; @detail for a rate-limited log */
	void (*guest_error)(void *opaque, enum xenvirtio_guest_error kind, const char *detail);
	/**
	 * queue_stopped - the driver wrote 0 to QueueReady of queue @index
	 *
	 * All chains that were popped from it and not pushed are the driver's again: they are neither read nor written any more,
	 * and pushing one does nothing. Not called at a reset, which stops all queues and says so itself.
	 */
	void (*queue_stopped)(void *opaque, unsigned int index);
	/**
	 * queue_start - foreign queue @index is live from now on: enabled, DRIVER_OK, and its server open
	 *
	 * Whichever of these came last; one that was live under a process before, or before the server was closed, starts
	 * in xenvirtio_server_open(). Once this has returned the queue is kicked, for the driver may have done so already.
	 * Return: 0; XENVIRTIO_E_GUEST it cannot be served, what the driver set up is to blame: NEEDS_RESET; -errno.
	 *         Without 0 there is no queue_stop
	 */
	int (*queue_start)(void *opaque, unsigned int index);
	/**
	 * queue_stop - it is not live any more: the reverse of each queue_start
	 *
	 * QueueReady is 0, the device was reset, needs a reset or has failed, or its server closes or is freed. No kick
	 * comes any more, and signals of the call eventfd interrupt nobody once the last queue has stopped. What the driver
	 * set up is still there to look at, but for the status, which says why: 0 at a reset; in all cases but the last the
	 * queue never goes on from where it was, which queue_stopped() or reset() says next. After it returned the guest may
	 * use the rings' memory for anything: whoever serves them must have stopped.
	 */
	void (*queue_stop)(void *opaque, unsigned int index);
	/**
	 * field_written - the driver may have written one of host_fields, which the host has kept in its word
	 *
	 * Told once, and not again before xenvirtio_device_watch_fields(); of a field that the host does not answer for, config_write
	 * tells each time.
	 */
	void (*field_written)(void *opaque);
};

/**
 * struct xenvirtio_device_config - what the device is; copied
 * @device_id:      virtio 1.2, section 5 (5 is the balloon)
 * @vendor_id:      register VendorID
 * @features:       offered besides those the library serves; not bits 24-40 but VERSION_1's kin. With @foreign_queues
 *                  exactly these and VERSION_1 are offered, and of bits 24-41 the ring's may be among them: 28, 29,
 *                  34, 35, 40
 * @nr_queues:      1 to XENVIRTIO_QUEUES_MAX
 * @queue_size_max: power of two, 1 to XENVIRTIO_QUEUE_SIZE_MAX
 * @config_bytes:   size of the configuration space, up to XENVIRTIO_CONFIG_MAX
 * @ops, @opaque:   the author's hooks and their argument
 * @features_kept:  not offered now, but served for a driver that negotiated them with an earlier process:
 *                  what was negotiated stays until the driver resets the device
 * @foreign_queues: all queues are served by another process: the library reads and writes none of them, and calls
 *                  queue_start() and queue_stop() instead of kick()
 * @in_flight:      a record of the chains that are popped and not pushed: xenvirtio_in_flight_bytes() of memory, zeroed at
 *                  first, aligned as for uint64_t, borrowed, which lives as long as the state does. With it chains may be
 *                  pushed in any order, and after a restart those that were not are popped again, in the order in which they
 *                  were popped first. NULL: they are pushed in the order they were popped; not with @foreign_queues
 * @host_fields:    fields of the configuration space, up to XENVIRTIO_HOST_FIELDS_MAX, borrowed with their words, that a driver reads
 *                  or writes so often that nobody here should wake for it. Where the host can (XENVIRTIO_NOTIFY_EVENTFD_REGS), it
 *                  does so while queues have their shortcuts: reads give what is in the word, writes change it, at any time. Else
 *                  config_read and config_write are called: they serve the same words
 * @nr_host_fields: how many
 */
struct xenvirtio_device_config {
	uint32_t device_id;
	uint32_t vendor_id;
	uint64_t features;
	unsigned int nr_queues;
	uint16_t queue_size_max;
	uint32_t config_bytes;
	const struct xenvirtio_device_ops *ops;
	void *opaque;
	uint64_t features_kept;
	bool foreign_queues;
	void *in_flight;
	const struct xenvirtio_host_field *host_fields;
	size_t nr_host_fields;
};

/** xenvirtio_in_flight_bytes() - how much memory that record takes */
size_t xenvirtio_in_flight_bytes(unsigned int nr_queues);

/**
 * xenvirtio_device_new() - make a device
 * @dev:   out; freed with xenvirtio_device_free()
 * @cfg:   copied
 * @gmem:  the guest's memory; borrowed
 * @state: where its state lives, borrowed, of XENVIRTIO_DEVICE_STATE_BYTES(@cfg->nr_queues) at least; NULL: inside the
 *         device. If it is not all zero the device goes on from there, after the state was checked like a guest's. One of a
 *         device with fewer queues is gone on from: the others are new; of one with more only before a driver has begun
 *
 * A @state that is refused is left as it is.
 * Return: 0; -EINVAL @cfg cannot be; -ENOTSUP @state is of another version or size than this
 *         library's; -EBADMSG @state cannot be, or the record of chains in flight is not of it; -ENOMEM; -EMFILE and the like with foreign queues
 */
int xenvirtio_device_new(struct xenvirtio_device **dev, const struct xenvirtio_device_config *cfg,
			 struct xenvirtio_gmem *gmem, struct xenvirtio_device_state *state);
/** xenvirtio_device_free() - the state stays as it is; NULL is fine */
void xenvirtio_device_free(struct xenvirtio_device *dev);

/** xenvirtio_device_queue() - queue @index, or NULL if there is none of that number */
struct xenvirtio_queue *xenvirtio_device_queue(struct xenvirtio_device *dev, unsigned int index);
/** xenvirtio_device_features() - negotiated bits; 0 before FEATURES_OK */
uint64_t xenvirtio_device_features(const struct xenvirtio_device *dev);
/** xenvirtio_device_status() - the status register */
uint32_t xenvirtio_device_status(const struct xenvirtio_device *dev);
/** xenvirtio_device_driver_ok() - DRIVER_OK and neither NEEDS_RESET nor FAILED: queues may be used */
bool xenvirtio_device_driver_ok(const struct xenvirtio_device *dev);

/**
 * xenvirtio_device_config_changed() - tell the driver its configuration space changed
 *
 * Call after the change: bumps ConfigGeneration, and interrupts once the driver is there.
 * Source: virtio 1.2, 4.2.2
 */
int xenvirtio_device_config_changed(struct xenvirtio_device *dev);

/**
 * xenvirtio_device_guest_fault() - the guest broke the device type's rules beyond repair
 * @kind:   counted through the guest_error hook
 * @detail: for the log
 *
 * Sets NEEDS_RESET and tells the driver; queues stay quiet until it resets the device.
 */
int xenvirtio_device_guest_fault(struct xenvirtio_device *dev, enum xenvirtio_guest_error kind,
				 const char *detail);
/**
 * xenvirtio_device_needs_reset() - the device cannot go on, and it is no fault of the guest's
 *
 * Sets NEEDS_RESET and tells the driver, as xenvirtio_device_guest_fault() does; nothing is counted. Of a device that was
 * not begun with, or needs a reset already, it does nothing.
 * Source: virtio 1.2, 2.1.2
 */
int xenvirtio_device_needs_reset(struct xenvirtio_device *dev);
/**
 * xenvirtio_device_kick_again() - from inside a kick: queue @index has more than one call should do
 *
 * The kick is called again by the next xenvirtio_server_process(), which the loop is told to call soon: XENVIRTIO_E_AGAIN. Until
 * then others have their turn: the guest's registers, other devices, what else is in the loop. Forgotten when the queue
 * stops and at a reset.
 */
void xenvirtio_device_kick_again(struct xenvirtio_device *dev, unsigned int index);

/**
 * xenvirtio_device_set_prompt() - serve kicks of these queues before their access is answered
 * @queues: a bit each; set before they are enabled, or before FEATURES_OK is answered: in check_features
 *
 * For drivers that send a message and look for its end as the next thing they do: what is done by then takes no interrupt. The vcpu
 * stands still meanwhile, so the kick's callback does little then (xenvirtio_device_at_once()), and leaves what is more to
 * xenvirtio_device_kick_again() or its own time. The interrupt for what was used meanwhile is held back until the next
 * xenvirtio_server_process(): see xenvirtio_server_holds(). Such queues have no ioeventfd.
 */
void xenvirtio_device_set_prompt(struct xenvirtio_device *dev, uint64_t queues);
/** xenvirtio_device_at_once() - from inside a kick: a vcpu waits for its end */
bool xenvirtio_device_at_once(const struct xenvirtio_device *dev);

/**
 * xenvirtio_device_watch_fields() - have field_written() called once for what the driver writes from now on
 *
 * Look at the words after this, not before. A driver may write all the time: call it as often as its writes are worth waking for.
 * The first one after a queue got its shortcut is told without it.
 * Return: 0; -errno
 */
int xenvirtio_device_watch_fields(struct xenvirtio_device *dev);

/** xenvirtio_device_guest_error() - count a guest's error that does not stop the device */
void xenvirtio_device_guest_error(struct xenvirtio_device *dev, enum xenvirtio_guest_error kind,
				  const char *detail);

/**
 * xenvirtio_device_kick_fd() - the eventfd that kicks of foreign queue @index signal
 *
 * The same for the device's life, and the library's: to be sent or duplicated, not closed. Non-blocking; counts from any
 * time before, so that a kick too many may be in it. Between queue_start() and queue_stop() kicks signal it, by the kernel
 * or by xenvirtio_server_process(), whichever way notifications travel. The author may signal it, too.
 * Return: it; -EINVAL the device has no foreign queues, or none of that number
 */
int xenvirtio_device_kick_fd(const struct xenvirtio_device *dev, unsigned int index);
/**
 * xenvirtio_device_call_fd() - the eventfd that interrupts the driver for foreign queues
 *
 * A write to it does what used buffers do: InterruptStatus has bit 0, and the line is raised. Where the host takes such
 * writes itself nobody here wakes; elsewhere xenvirtio_server_process() does it. One for all queues, while any is live: what
 * was written before the first starts is dropped. With an irqfd, and InterruptStatus not the kernel's, that has bit 0 for as
 * long, acknowledged or not: a look too many for the driver. Otherwise as xenvirtio_device_kick_fd().
 */
int xenvirtio_device_call_fd(const struct xenvirtio_device *dev);

/** xenvirtio_device_ring_gfn() - whether @gfn holds a part of a ring of an enabled queue */
bool xenvirtio_device_ring_gfn(const struct xenvirtio_device *dev, struct xenvirtio_gfn gfn);
/**
 * xenvirtio_device_next_ring() - how many frames from @start on hold no part of such a ring
 *
 * One look at each queue, however large @nr is.
 * Return: the offset from @start of the first that does; @nr if none of them does
 */
uint64_t xenvirtio_device_next_ring(const struct xenvirtio_device *dev, struct xenvirtio_gfn start,
				    uint64_t nr);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_DEVICE_H */
