/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two processes a device, and the broker of the two: what a device process may have done to its guest's memory.
 *
 * Roles
 *   broker   the process that the supervisor started, or by hand its keeper (backend/service/keeper.h): its number is the one that
 *            is noted, and locks the state. It has plain hypercalls, reads not one byte of the guest, not even a mapping, and does for exactly one
 *            domain what is below. It starts the device, passes the signals on that ask it to end, ends when the device
 *            has ended, and as that did: whoever started it has the rights to start another pair, at once, which it has given away.
 *            Parent, not child: it is the one that can put its child into namespaces and tell how the child ended; and
 *            whoever kills it has killed both.
 *   device   its child (broker-start.c), which reads what the guest says, and nothing that counts elsewhere. It has
 *            handles of Xen that are restricted to the domain (xenvirtio_hv_open_xen_confined()), no capability, no way to
 *            new privileges and a user of its own (confine.c), an empty root, namespaces and limits (confine-world.c), no files by name
 *            (confine-files.c), few system calls once it serves (confine-calls.c), and the other ends of three sockets. It dies with the
 *            broker.
 *
 * Protocol (protocol.h has the bytes)
 *   One SOCK_SEQPACKET pair, made before the fork. The device asks with a header of 32 bytes and, for frames, as many numbers
 *   of 8 bytes as the header says, one message; the broker answers with one message of fixed size. One question at a time:
 *   a device that does not take its answers is ended. A memory call of up to 512 extents is one round trip: some 20,000 instructions.
 *
 *   release, populate   frames inside the RAM ranges that the broker was told of by Xen, when it was first asked
 *   present             likewise; others are not there
 *   release_extents, populate_extents   the same of extents of several orders, large ones first, so that there are no more hypercalls than
 *                       orders; the answer has what Xen said of the domain before. Nothing is populated if the domain does not own as many
 *                       frames as the device says: somebody else has moved some. So a message of the guest's is one question
 *   ram_ranges          those ranges
 *   domain_info, host_info   what Xen says; with the former what it says of populate-on-demand
 *   set_max_mem         up to memory/static-max of xenstore and what libxl adds, read each time
 *   pause, unpause      at most BROKER_PAUSES_MAX at a time, and no unpause beyond the pauses of this broker's, but for one if
 *                       the domain was paused when the device had got its lock: a predecessor's, killed meanwhile
 *   open_state          the descriptor of <state_dir>/<domid>-<devid>.state, locked; once. The broker keeps a copy until it
 *                       ends, so that no successor begins while a hypercall for a device that was killed is still under way
 *   remove_state        that name, of the file that was locked
 *   listen_control, unlisten_control   a listener at <state_dir>/<domid>-<devid>.sock, and that name; one at a time, with the lock
 *   read_size, keep_size, drop_size   of the guest, by the UUID that xenstore has of it: base/saved-size.h; with the lock
 *                       The first of these questions settles the device's number.
 *   connect_backend     a connection to the socket that --socket says; with the lock, and not more often than once in
 *                       BROKER_CONNECT_MS. Of programs whose devices have a backend, as the next one
 *   memory_file         a file of a range of RAM, for the backend; with the lock, each range once. It ends with the broker
 *
 *   xenstore is on two more sockets: store-broker.h, store-rules.h, store-protocol.h.
 *
 * Every message is checked as if the device were the enemy: length, reserved bytes, counts, orders, alignment, ranges, in
 * broker-request.c, which is pure but for the seam below it. A message that is no question ends the device: there is no
 * honest one that sends it. A question that is one and may not be is answered -EPERM, and logged, not often.
 *
 * What is not done yet: a pause that a predecessor left is told from the toolstack's only as said above.
 *
 * This folder knows no event loop, no JSON, no device type; of xenstore the seam.
 */
#ifndef BACKEND_BROKER_H
#define BACKEND_BROKER_H

#include "backend/base/doors.h"
#include "backend/base/log.h"
#include "backend/broker/protocol.h"
#include "backend/broker/store-broker.h"

#include <stdbool.h>
#include <sys/types.h>
#include <xenvirtio/hv.h>

/** pauses of one broker at a time; a device needs one */
#define BROKER_PAUSES_MAX 2u
/** between two connections to a backend */
#define BROKER_CONNECT_MS 200u

/**
 * struct broker_config - what a broker stands on
 * @log:        borrowed
 * @open_hv:    plain handle of the domain; opened when first needed
 * @doors:      what has a name, by that; borrowed
 * @started:    the device has been: the broker gives away what it needed for that. Return: 0; -errno: end it; NULL: no more to do
 * @static_max: memory/static-max of the domain, in KiB. Return: 0; -errno: no max_mem is set
 * @program:    borrowed
 * @open_store: as xenvirtio_store_open_xen(); when the device asks for it
 */
struct broker_config {
	struct log *log;
	uint32_t domid;
	int (*open_hv)(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log);
	int (*static_max)(void *opaque, uint32_t domid, uint64_t *kib);
	int (*started)(void *opaque);
	const struct program *program;
	int (*open_store)(void *opaque, struct xenvirtio_store **store);
	const struct doors *doors;
	void *opaque;
};

/** struct broker_ends - sockets, of one of the two; SOCK_SEQPACKET */
struct broker_ends {
	int memory; /* protocol.h */
	int store;  /* store-protocol.h */
	int events; /* likewise; from the broker to the device */
};

struct broker {
	struct broker_config cfg;
	struct xenvirtio_hv *hv; /* NULL: not opened yet */
	struct xenvirtio_gfn_range ram[BROKER_RANGES_MAX];
	size_t nr_ram; /* 0: not asked yet */
	unsigned int pauses;
	bool inherits_pause; /* the domain was paused before anything was done here */
	bool has_devid;
	uint32_t devid; /* what names are of */
	bool listens;
	uint32_t lent; /* ranges, a bit each, whose files the device has */
	uint64_t connected_ms; /* to a backend, or tried; 0: never */
	int gives; /* goes with the answer under way; -1: none */
	int kept; /* the state file's descriptor; -1: none */
	uint64_t refused;
};

void broker_init(struct broker *b, const struct broker_config *cfg);
/** broker_fini() - lets go of the kept descriptor last */
void broker_fini(struct broker *b);

/**
 * broker_answer() - one message of the device's
 * @bytes, @len: as it came; hostile
 * @answer:      out; to be sent whole
 * @fd:          out; a descriptor that goes with it, the caller's; -1: none
 *
 * Return: 0; -EPROTO it is no question: end the device
 */
int broker_answer(struct broker *b, const void *bytes, size_t len, struct broker_answer *answer, int *fd);

/** broker_sees_it_run() - the domain is not paused: a pause from now on is no predecessor's */
void broker_sees_it_run(struct broker *b);

/**
 * broker_serve_one() - receive one message from @sock and answer it
 *
 * Waits for no one: there must be a message. Return: 0; XENVIRTIO_E_EMPTY the device has closed its end; -EPROTO;
 * -ENOBUFS the device does not take its answers; -errno
 */
int broker_serve_one(struct broker *b, int sock);

/**
 * broker_pass_events() - all that xenstore has for the device, as far as @sock takes them
 *
 * What it does not take is kept, @s->pending: to be called again when it does. Return: 0; -errno: it is not heard any more
 */
int broker_pass_events(struct store_broker *s, int sock);

/**
 * broker_serve() - answer until the device has ended
 * @signals: signalfd of those that are passed on
 * @device:  pidfd
 *
 * A device whose domain is no more has ten seconds to end by itself: its handles are restricted to a number, and numbers come again.
 * Return: true: it was ended here
 */
bool broker_serve(struct broker *b, struct store_broker *s, const struct broker_ends *ends, int signals, int device);

/**
 * broker_start() - become a broker, with a device as a child
 * @ends:   out; of the child
 * @code:   out; of the parent, once the device has ended: how this process is to end
 * @signal: out; likewise; not 0: of this signal, instead
 *
 * Before anything was opened that must not be shared: the log may be. The child has the default signal handling, with the
 * signals that ask for its end blocked until broker_device_hear(), and is in a process group of its own, so that what a
 * terminal sends comes once, from the broker. Comes back in both processes.
 * Return: the device's number in the parent, 0 in the child, -errno nothing was started
 */
pid_t broker_start(const struct broker_config *cfg, struct broker_ends *ends, int *code, int *signal);

/**
 * broker_device_tie() - in the device: it dies with its broker, or at once if that is gone
 *
 * To be said again when it has become another user: the kernel forgets it then.
 */
void broker_device_tie(int sock);
/** broker_device_hear() - in the device: it has handlers for what asks for its end, which may have come meanwhile */
void broker_device_hear(void);

#endif /* BACKEND_BROKER_H */
