// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of the kinds of guest errors. They are published as keys of counters, so they never change.
 */
#include <xenvirtio/error.h>

static const char *const names[XENVIRTIO_GUEST_ERRORS] = {
	[XENVIRTIO_GUEST_BAD_ACCESS] = "bad-access",
	[XENVIRTIO_GUEST_BAD_STATUS] = "bad-status",
	[XENVIRTIO_GUEST_BAD_FEATURES] = "bad-features",
	[XENVIRTIO_GUEST_BAD_QUEUE] = "bad-queue",
	[XENVIRTIO_GUEST_BAD_RING] = "bad-ring",
	[XENVIRTIO_GUEST_BAD_ADDRESS] = "bad-address",
	[XENVIRTIO_GUEST_BAD_MESSAGE] = "bad-message",
	[XENVIRTIO_GUEST_BAD_PAGE] = "bad-page",
};

const char *xenvirtio_guest_error_name(enum xenvirtio_guest_error kind)
{
	if ((unsigned int)kind >= XENVIRTIO_GUEST_ERRORS)
		return "unknown";
	return names[kind];
}
