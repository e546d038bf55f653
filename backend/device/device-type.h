/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table by which a daemon's common code knows its device type, and nothing else of it.
 *
 *   main() -- names one struct device_type --> daemon.c --> process/  one device of one guest
 *                                                      +--> service/  all of them
 *
 * A device process makes one object of the type and calls it in this order; whatever is not
 * wanted may be NULL where that is said:
 *
 *   new, prepare, memory_bytes, open, start, report, serving, stop, remove, close, free
 *
 * device() and in_use() are asked from open() to close(), work_pending(), work(), figures() and
 * report() from start() to stop(). stop() may come at any time after new(), also from inside a call
 * of the host: of all that is the type's own then nothing may be called any more but free(), and
 * `gone` of a client that was in an operation. Only start(), work(), tick(), store_event(), store_back()
 * and the type's own timers and commands may end the process; they look at ended() after a call
 * that may.
 *
 * Everything is called from the event loop. What a type gets is in struct device_host: it sees no
 * process, no signal and no exit code but by that.
 */
#ifndef BACKEND_DEVICE_TYPE_H
#define BACKEND_DEVICE_TYPE_H

#include "backend/base/exit-code.h"
#include "backend/control/control.h"
#include "backend/figures/figures.h"
#include "backend/options/options.h"
#include "backend/xenstore/publish.h"

#include <xenvirtio/device.h>
#include <xenvirtio/hv.h>
#include <xenvirtio/store.h>

struct event_base;

/** struct device_host - what a device has of its process; the hypervisor and the store until stop() */
struct device_host {
	struct event_base *base;
	struct log *log;
	const struct options *opts; /* the type's own, which begin with these */
	struct xenvirtio_hv *hv;
	struct store_link *link;
	const struct xenvirtio_xenbus *bus; /* its backend path is empty where there is no node */
	struct publish *publish;	    /* from start() on */
	const struct doors *doors;	    /* NULL: what has a name is opened by it */
	/**
	 * end_on - what the library or the device answered: the end of the process for
	 * XENVIRTIO_E_GONE and for a failure
	 *
	 * Return: true: the process has ended, and stop() was called
	 */
	bool (*end_on)(void *opaque, int rc, const char *what);
	/** ended - likewise, by something else */
	bool (*ended)(void *opaque);
	/** check_node - look at the node. Return: false: it is gone, and the process has ended */
	bool (*check_node)(void *opaque);
	/** guest_error - for the log; counting is the device's */
	void (*guest_error)(void *opaque, enum xenvirtio_guest_error kind, const char *detail);
	/** changed - figures did: they are told soon; from inside any call of the device */
	void (*changed)(void *opaque);
	/** moves - the same of some that go on changing: they are told the less often, the longer that takes */
	void (*moves)(void *opaque);
	/** report - tell them now */
	void (*report)(void *opaque);
	/** look_for_work - the device may have more to do, see work_pending() */
	void (*look_for_work)(void *opaque);
	/** figures - all of them, the type's with what every device has */
	void (*figures)(void *opaque, struct figures *f);
	void *opaque;
};

/** struct device_memory - of the device, where it survives the process; all zero when new */
struct device_memory {
	void *at; /* 8-byte aligned */
	size_t bytes;
	struct xenvirtio_device_state *state;
	unsigned int queues; /* that @state has room for: the program's queues_max, or fewer in a file of before there were so many */
	char *note;   /* STATE_FILE_NOTE_MAX bytes of text */
	void *keep;   /* STATE_FILE_KEEP_BYTES, 8-byte aligned, for what is above the device */
	bool adopted; /* a process before this one filled it */
};

/** struct device_service - what a type has of the service for all guests */
struct device_service {
	struct event_base *base;
	struct log *log;
	const struct options *opts;
	/** collect - the figures of all devices */
	figures_collect *collect;
	void *collect_opaque;
	/** open_hv - a handle of a domain's. Return: as xenvirtio_hv_open_xen() */
	int (*open_hv)(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log);
	/** doors - the service's control socket, service_socket, of device 0; NULL: it is opened by its name */
	const struct doors *doors;
	void *opaque;
};

/** struct device_type - constant */
struct device_type {
	const struct program *program;
	const struct command_line *command_line;
	size_t options_bytes; /* they begin with struct options */
	void (*options_default)(struct options *opts);
	/**
	 * keeps_mappings - frames of the guest may stay mapped between turns: the type itself sees
	 * to it that none is kept that goes away (xenvirtio_gmem_forget())
	 *
	 * Another device of the guest, its balloon, may release any frame between two turns.
	 */
	bool keeps_mappings;
	const struct figures_type *figures_type;

	/** new - Return: 0; -ENOMEM */
	int (*new)(void **self, const struct device_host *host);
	/** free - after close(); NULL is fine */
	void (*free)(void *self);
	/**
	 * prepare - whether this guest can be served as the options say; NULL: every one
	 * @code: out; with -ECANCELED how to end: the reason is in the log
	 *
	 * Return: 0; -ECANCELED
	 */
	int (*prepare)(void *self, const struct xenvirtio_domain_info *info, enum exit_code *code);
	/**
	 * memory_bytes - what must survive the process, for a new state file; 0: this guest's RAM
	 * is nothing to make such a device in
	 */
	size_t (*memory_bytes)(const struct xenvirtio_gfn_range *ram, size_t nr);
	/**
	 * opens_late - open() may have to wait for somebody. The device's address is claimed before, if nobody has it: a driver that
	 * looks meanwhile waits
	 */
	bool opens_late;
	/** open - make the device. Return: 0; -EBADMSG @memory cannot be; -errno */
	int (*open)(void *self, struct xenvirtio_gmem *gmem, const struct device_memory *memory);
	/** device - NULL: not open */
	struct xenvirtio_device *(*device)(void *self);
	/** close - what is in its memory stays; again is fine */
	void (*close)(void *self);
	/**
	 * in_use - the guest counts on it though no driver is bound; NULL: it never does
	 */
	bool (*in_use)(void *self);
	/**
	 * remove - before close(): the device is no more, and no process will go on with it; NULL
	 *
	 * Return: 0; XENVIRTIO_E_GONE; -errno
	 */
	int (*remove)(void *self);

	/**
	 * start - the device is at its address, and nothing of the guest's was served yet
	 *
	 * Return: 0; -errno
	 */
	int (*start)(void *self);
	/** serving - the guest is served, and the control socket is there; NULL */
	void (*serving)(void *self);
	/** stop - the end; before start() is fine */
	void (*stop)(void *self);

	/** store_event - a watch the type has set, by a token that is not "domain", "discover" or
	 * "node"; NULL: it sets none */
	void (*store_event)(void *self, const char *token);
	/** store_back - xenstore was away, and its node is looked at; NULL */
	void (*store_back)(void *self);
	/** work_pending - it stopped after as much as one turn may take; NULL: it never does */
	bool (*work_pending)(void *self);
	/** work - go on. Return: as xenvirtio_server_process() */
	int (*work)(void *self);
	/** tick - every other second while it serves; NULL. Return: as xenvirtio_server_process() */
	int (*tick)(void *self);
	/** report - publish the figures, and follow them; NULL */
	void (*report)(void *self);
	/**
	 * feature_name - of a bit that only this type has; NULL: it has none
	 * Return: NULL: none of its own
	 */
	const char *(*feature_name)(const void *self, unsigned int bit);
	/** figures - fill in the type's, and driver_ok and guest_errors */
	void (*figures)(void *self, struct figures *f);
	/** control - fill in the type's part of the control socket; NULL: it has none */
	void (*control)(void *self, struct control_config *cfg);

	/** service_words - what ends the command line of device processes of a service; up to a
	 * NULL; NULL: nothing */
	const char *const *service_words;
	/** service_socket - the name of a control socket that service_new() opens, in the state directory; NULL: none */
	const char *service_socket;
	/** service_new - what the type does beside the supervisor; NULL. Return: 0; -errno, told */
	int (*service_new)(void **self, const struct device_service *service);
	/** service_free - NULL is fine; NULL where service_new is */
	void (*service_free)(void *self);
};

#endif /* BACKEND_DEVICE_TYPE_H */
