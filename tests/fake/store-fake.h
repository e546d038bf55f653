/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A xenstored in this process: a tree of nodes, permissions, watches, and its death.
 *
 * A struct fake_store is the daemon; it outlives the handles opened on it. Events wait in each
 * handle's own queue, in order, and a watch fires once when it is set, as in xenstored. Paths that
 * do not start with a slash are below /local/domain/0; the event of a relative watch comes back
 * relative. What the toolstack or the guest does is fake_store_put() and its siblings: not a call
 * of a handle, so not counted and never failing.
 *
 * Threads: one, for the daemon and its handles. It must not know virtio.
 */
#ifndef STORE_FAKE_H
#define STORE_FAKE_H

#include <xenvirtio/store.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fake_store;

struct fake_store *fake_store_new(void);
/** fake_store_free() - handles still open must not be used again */
void fake_store_free(struct fake_store *s);
/** fake_store_open() - as xenvirtio_store_open_xen(); -ENOENT while the daemon is down */
int fake_store_open(struct fake_store *s, struct xenvirtio_store **store);

/* --- the toolstack's and the guest's side --- */

/** fake_store_put() - write; parents are made, watches fire */
void fake_store_put(struct fake_store *s, const char *path, const char *value);
/** fake_store_del() - remove a node and all below it; watches fire */
void fake_store_del(struct fake_store *s, const char *path);
/** fake_store_get() - the value, valid until it is changed; NULL when there is no such node */
const char *fake_store_get(const struct fake_store *s, const char *path);
/** fake_store_perms() - the same for permissions; a node begins with "n0" */
const char *fake_store_perms(const struct fake_store *s, const char *path);
/** fake_store_event() - fire a special watch: "@releaseDomain", "@introduceDomain" */
void fake_store_event(struct fake_store *s, const char *name);

/* --- what befalls the daemon --- */

/** fake_store_stop() - every handle open now answers -EPIPE for ever; the tree stays */
void fake_store_stop(struct fake_store *s);
/** fake_store_start() - it can be opened again */
void fake_store_start(struct fake_store *s);
/** fake_store_fail() - the @nth call from now (1 is the next) fails with @result; 0 turns it off */
void fake_store_fail(struct fake_store *s, uint64_t nth, int result);
/** fake_store_calls() - calls of handles, but for close and fd, since fake_store_fail() or new */
uint64_t fake_store_calls(const struct fake_store *s);

/* --- what is open; zero when a test has closed everything --- */

size_t fake_store_handles(const struct fake_store *s);
size_t fake_store_watches(const struct fake_store *s);

#ifdef __cplusplus
}
#endif

#endif /* STORE_FAKE_H */
