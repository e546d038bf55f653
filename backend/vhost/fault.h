/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be wrong with a backend: kinds, with a sentence each for whoever has to mend it. It must not know how they are
 * found.
 */
#ifndef BACKEND_VHOST_FAULT_H
#define BACKEND_VHOST_FAULT_H

enum vhost_fault {
	VHOST_OK,

	/* of one message: channel.h */
	VHOST_CLOSED,
	VHOST_CUT,
	VHOST_VERSION,
	VHOST_TOO_LONG,
	VHOST_CONTROL,
	VHOST_FULL,
	VHOST_SYSTEM,

	/* of an answer: frontend.h */
	VHOST_UNASKED,
	VHOST_NO_REPLY_FLAG,
	VHOST_OTHER_REQUEST,
	VHOST_LENGTH,
	VHOST_FDS_MANY,
	VHOST_FDS_MISSING,
	VHOST_VALUE,
	VHOST_REFUSED,
	VHOST_NO_REQUEST,
	VHOST_LATE,

	/* of the backend as a whole */
	VHOST_LEGACY,
	VHOST_QUEUES,
	VHOST_REGIONS,
	VHOST_CHANGED,
	VHOST_NO_CONFIG,
	VHOST_NO_RECORD,
	VHOST_NOT_CONNECTED,

	VHOST_FAULTS
};

/** vhost_fault_text() - "the backend ..."; never NULL */
const char *vhost_fault_text(enum vhost_fault fault);

#endif /* BACKEND_VHOST_FAULT_H */
