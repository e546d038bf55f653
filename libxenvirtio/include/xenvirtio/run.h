/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A whole program around one device of one guest: a description of the device, and main() is one call.
 *
 *   int main(int argc, char **argv)
 *   {
 *           return xenvirtio_main(&program, argc, argv);
 *   }
 *
 * Two processes. The parent has xenstore, the signals and the domain's end, and reads no byte of the guest. Its child is the device:
 * it opens what it needs, gives away all else (confine.h), and serves. What the guest knows of the device is in memory of both: a
 * child that dies is replaced at once, and the next one goes on where it was (device.h). The program's own variables are not: each
 * child begins with those that the parent has, as the options left them.
 *
 * The program ends, and takes the device's ioreq server along, with SIGTERM, SIGINT or SIGHUP, when the domain ends, when the
 * toolstack takes the device away, and when the device died six times without having served for a minute. Where the service
 * manager gave a NOTIFY_SOCKET it is told when the device is served.
 *
 * Threads: none of its own; hooks run one at a time, in the device's process but for those of options.
 */
#ifndef XENVIRTIO_RUN_H
#define XENVIRTIO_RUN_H

#include <xenvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/** what xenvirtio_main() returns, for main() to return; the same numbers as those of the project's daemons */
enum xenvirtio_exit {
	/** the domain or its device went away, or a signal asked for the end */
	XENVIRTIO_EXIT_DONE = 0,
	/** the host failed, or the device died too often */
	XENVIRTIO_EXIT_HOST = 1,
	/** the command line is wrong */
	XENVIRTIO_EXIT_USAGE = 2,
	/** no such domain, or it has no such device */
	XENVIRTIO_EXIT_NO_DEVICE = 3,
	/** not on Xen, no xenstored, no permission; or the host does not confine as --sandbox=require wants */
	XENVIRTIO_EXIT_NO_XEN = 4,
	/** somebody serves the device's address already */
	XENVIRTIO_EXIT_BUSY = 5,
	/** the device is there and cannot be served as it is configured */
	XENVIRTIO_EXIT_UNSUITABLE = 6,
};

/** options of its own that a program may have */
#define XENVIRTIO_OPTIONS_MAX 16u

/**
 * struct xenvirtio_option - an option of the program's own, --name VALUE or --name=VALUE
 * @name:  without the dashes; NULL ends the list
 * @value: what stands for the value in --help
 * @help:  one line
 * @set:   takes the value, which stays where it is. In the parent: it opens nothing. Return: 0; -errno it cannot be
 */
struct xenvirtio_option {
	const char *name;
	const char *value;
	const char *help;
	int (*set)(void *opaque, const char *value);
};

/**
 * struct xenvirtio_program - a program that serves one device of one guest; constant; what is NULL is not there
 * @name:     of the program, for messages
 * @summary:  what it is, for --help: one line
 * @version:  for --version; NULL: the library's
 * @type:     of the device, as in xl.cfg: "virtio,device4"
 * @device:   what the device is; with @serve, ops.kick is not called. Its opaque is the argument of all hooks; no foreign queues
 * @serve:    do what the driver wants with one chain, below
 * @options:  of its own, at most XENVIRTIO_OPTIONS_MAX
 * @open:     the last moment at which there are files, a network and rights: what the device needs is opened now, by each child.
 *            Return: 0; -errno
 * @begin:    the device was made; @dev is for xenvirtio_device_config_changed() and the like. Return: 0; -errno
 * @fd:       a descriptor to wait for besides, asked before each wait; -1: none now
 * @readable: it is readable. Return: as device hooks
 * @any_order: chains are pushed in another order than the one they were popped in: a record of them is kept, so that a child finds
 *            what the one before it had taken (device.h, in_flight, which is left NULL)
 * @calls:    names of system calls that the hooks make once the device serves, beside those of SECURITY.md's list; ended by NULL
 */
struct xenvirtio_program {
	const char *name;
	const char *summary;
	const char *version;
	const char *type;
	struct xenvirtio_device_config device;
	/**
	 * serve - one chain of queue @q
	 * @used_bytes: out, 0 at first; bytes written to the device-writable part, from its start
	 *
	 * Everything in the chain is the guest's and hostile: lengths are wishes. Called for a bounded number of chains, then others
	 * have their turn.
	 * Return: 0 the chain is given back to the driver; XENVIRTIO_E_GUEST it is given back with nothing used, for it makes no
	 *         sense or its memory has gone; XENVIRTIO_E_AGAIN it is kept, and pushed later by the program, which interrupts
	 *         then; XENVIRTIO_E_GONE; -errno the device cannot go on
	 */
	int (*serve)(void *opaque, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain, uint32_t *used_bytes);
	const struct xenvirtio_option *options;
	int (*open)(void *opaque);
	int (*begin)(void *opaque, struct xenvirtio_device *dev);
	int (*fd)(void *opaque);
	int (*readable)(void *opaque);
	const char *const *calls;
	bool any_order;
};

/**
 * xenvirtio_main() - be this program
 * @argc, @argv: main()'s
 *
 * Options of all programs: --domid, --devid, --base, --irq, --ready-fd, --sandbox, --no-sandbox, --version, --help. Without --base
 * and --irq the place is the one that xl has written into xenstore, or on x86, where it writes none, that of placement.h.
 * What of the confinement a host does not have is said once, on stderr, and the rest is kept; --sandbox=require does without the
 * device then.
 * Return: one of enum xenvirtio_exit
 */
int xenvirtio_main(const struct xenvirtio_program *program, int argc, char **argv);

/** a program's device, as xenvirtio_main() makes it */
struct xenvirtio_program_device;

/**
 * xenvirtio_program_device_new() - the device alone, for tests: on a hypervisor and a server of the caller's
 * @out:   freed with xenvirtio_program_device_free()
 * @gmem:  borrowed
 * @state: as xenvirtio_device_new()
 *
 * With any_order the record of chains in flight lives as long as this device, not as @state.
 * Calls neither @open nor @begin. Return: as xenvirtio_device_new()
 */
int xenvirtio_program_device_new(struct xenvirtio_program_device **out, const struct xenvirtio_program *program,
				 struct xenvirtio_gmem *gmem, struct xenvirtio_device_state *state);
/** xenvirtio_program_device_get() - for xenvirtio_server_add() */
struct xenvirtio_device *xenvirtio_program_device_get(struct xenvirtio_program_device *pd);
/** xenvirtio_program_device_free() - NULL is fine */
void xenvirtio_program_device_free(struct xenvirtio_program_device *pd);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_RUN_H */
