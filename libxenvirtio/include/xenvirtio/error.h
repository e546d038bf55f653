/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one return convention of the library.
 *
 *    0   done
 *   <0   the host failed: -errno, forwarded unchanged; this guest's device cannot go on
 *   >0   a condition the caller must handle, one of the values below
 *
 * Nothing a guest writes ever produces a negative value, and nothing a guest writes ever ends the
 * process: a guest's fault is XENVIRTIO_E_GUEST, and costs that guest its device until it resets it.
 */
#ifndef XENVIRTIO_ERROR_H
#define XENVIRTIO_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

enum xenvirtio_condition {
	/** nothing there: no request pending, no chain available, no event queued */
	XENVIRTIO_E_EMPTY = 1,
	/** the guest broke the specification or named memory that is not its RAM */
	XENVIRTIO_E_GUEST = 2,
	/** not now: the resource is short at the moment, ask again later */
	XENVIRTIO_E_AGAIN = 3,
	/** the domain is dying or gone: let go of everything that is mapped from it */
	XENVIRTIO_E_GONE = 4,
};

/**
 * enum xenvirtio_guest_error - what a guest did wrong, for counting and rate-limited logging
 *
 * The kinds are stable: they are the keys under which daemons publish their counters.
 */
enum xenvirtio_guest_error {
	XENVIRTIO_GUEST_BAD_ACCESS,	/* odd size or offset, an unclaimed request, data_is_ptr */
	XENVIRTIO_GUEST_BAD_STATUS,	/* status written in an order the specification forbids */
	XENVIRTIO_GUEST_BAD_FEATURES,	/* accepted what was not offered, or refused what is required */
	XENVIRTIO_GUEST_BAD_QUEUE,	/* queue number, size or ring address that cannot be */
	XENVIRTIO_GUEST_BAD_RING,	/* avail index jump, descriptor loop, chain too long, bad flags */
	XENVIRTIO_GUEST_BAD_ADDRESS,	/* a buffer that is not in the guest's RAM */
	XENVIRTIO_GUEST_BAD_MESSAGE,	/* a message of the device type that cannot be decoded */
	XENVIRTIO_GUEST_BAD_PAGE,	/* a page frame number outside RAM, repeated, or of a ring */
	XENVIRTIO_GUEST_ERRORS,		/* how many kinds there are */
};

/**
 * xenvirtio_guest_error_name() - the kind as a word, for logs and metrics
 * @kind: one of enum xenvirtio_guest_error
 *
 * Return: a static string such as "bad-ring"; "unknown" for a value out of range
 */
const char *xenvirtio_guest_error_name(enum xenvirtio_guest_error kind);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_ERROR_H */
