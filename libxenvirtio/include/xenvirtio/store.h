/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore, as a backend needs it: read, write, watch, and the XenbusState a toolstack speaks.
 *
 * Behind the operations stand libxenstore (store-xen.c) and an in-process fake for tests
 * (tests/fake/store-fake.c). Values are text without a terminator on the wire and NUL-terminated here. Everything
 * under a frontend node is written by the guest and hostile; a backend node is the toolstack's.
 *
 * A lost connection (xenstored restarted) is -EPIPE from any call: close, open, watch again.
 * Threads: a handle belongs to one thread.
 */
#ifndef XENVIRTIO_STORE_H
#define XENVIRTIO_STORE_H

#include <xenvirtio/error.h>
#include <xenvirtio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XENVIRTIO_STORE_VERSION 1u
/** the longest path or value handed out, with its NUL */
#define XENVIRTIO_STORE_TEXT_MAX 1024u

/** XenbusState, xen/io/xenbus.h */
enum xenvirtio_xenbus_state {
	XENVIRTIO_XENBUS_UNKNOWN = 0,
	XENVIRTIO_XENBUS_INITIALISING = 1,
	XENVIRTIO_XENBUS_INIT_WAIT = 2,
	XENVIRTIO_XENBUS_INITIALISED = 3,
	XENVIRTIO_XENBUS_CONNECTED = 4,
	XENVIRTIO_XENBUS_CLOSING = 5,
	XENVIRTIO_XENBUS_CLOSED = 6,
};

struct xenvirtio_store;

struct xenvirtio_store_ops {
	/** XENVIRTIO_STORE_VERSION of the header the sibling was built with */
	unsigned int version;
	void (*close)(struct xenvirtio_store *store);
	/** fd - readable when next_event may have something */
	int (*fd)(struct xenvirtio_store *store);
	/** read - @value: out, @size bytes. Return: 0; -ENOENT; -EMSGSIZE; -EPIPE; -errno */
	int (*read)(struct xenvirtio_store *store, const char *path, char *value, size_t size);
	int (*write)(struct xenvirtio_store *store, const char *path, const char *value);
	/** remove - a path that is not there is success */
	int (*remove)(struct xenvirtio_store *store, const char *path);
	/**
	 * list - names of the children, NUL-separated, ended by an empty name
	 * Return: 0; -ENOENT; -EMSGSIZE does not fit in @size; -EPIPE; -errno
	 */
	int (*list)(struct xenvirtio_store *store, const char *path, char *names, size_t size);
	/** get_perms/set_perms - as text, xenstore-chmod's form: "n0,r3" */
	int (*get_perms)(struct xenvirtio_store *store, const char *path, char *perms, size_t size);
	int (*set_perms)(struct xenvirtio_store *store, const char *path, const char *perms);
	/** watch - an event fires at once; @token comes back with each event */
	int (*watch)(struct xenvirtio_store *store, const char *path, const char *token);
	int (*unwatch)(struct xenvirtio_store *store, const char *path, const char *token);
	/** next_event - never blocks. Return: 0; XENVIRTIO_E_EMPTY; -EPIPE; -errno */
	int (*next_event)(struct xenvirtio_store *store, char *path, size_t path_size, char *token,
			  size_t token_size);
};

/** struct xenvirtio_store - siblings embed this as their first member */
struct xenvirtio_store {
	const struct xenvirtio_store_ops *ops;
};

/** xenvirtio_store_open_xen() - Return: 0; -ENOENT no xenstored; -EACCES; -ENOSYS; -errno */
int xenvirtio_store_open_xen(struct xenvirtio_store **store);
/** xenvirtio_store_close() - close any sibling; NULL is fine */
void xenvirtio_store_close(struct xenvirtio_store *store);

/**
 * struct xenvirtio_xenbus - a virtio device as libxl (Xen 4.18 and later) writes it
 * @domid:       the guest
 * @devid:       its number among the guest's virtio devices
 * @backend:     path of the backend node, no trailing slash
 * @base:        of the virtio-mmio window; 0 on x86, where libxl does not choose
 * @irq:         its interrupt; 0 likewise
 * @grant_usage: the guest is told to use grants
 * @online:      cleared when the toolstack takes the device away
 * @state:       the backend's XenbusState as found
 */
struct xenvirtio_xenbus {
	uint32_t domid;
	uint32_t devid;
	char backend[128];
	struct xenvirtio_gpa base;
	uint32_t irq;
	bool grant_usage;
	bool online;
	unsigned int state;
};

/**
 * xenvirtio_xenbus_read() - read one backend node, with everything in it checked
 * @domid, @devid: which
 * @type:   what it must be, as in xl.cfg: "virtio,device5"
 * @bus:    out
 * @why:    out; one line for the user when the answer is not 0
 *
 * Return: 0; XENVIRTIO_E_EMPTY no such node; XENVIRTIO_E_AGAIN half written: wait for the watch;
 *         -ENODEV of another type; -EPROTO a value that cannot be; -EPIPE; -errno
 */
int xenvirtio_xenbus_read(struct xenvirtio_store *store, uint32_t domid, uint32_t devid,
			  const char *type, struct xenvirtio_xenbus *bus, char *why,
			  size_t why_size);
/**
 * xenvirtio_xenbus_find() - the guest's first device of a type
 *
 * As xenvirtio_xenbus_read() over all the guest's devices, in order of devid.
 */
int xenvirtio_xenbus_find(struct xenvirtio_store *store, uint32_t domid, const char *type,
			  struct xenvirtio_xenbus *bus, char *why, size_t why_size);
/** xenvirtio_xenbus_set_state() - write the backend's XenbusState */
int xenvirtio_xenbus_set_state(struct xenvirtio_store *store, const struct xenvirtio_xenbus *bus,
			       enum xenvirtio_xenbus_state state);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_STORE_H */
