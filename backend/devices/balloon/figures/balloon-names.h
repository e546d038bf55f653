/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that xen-vballoond and its tools share.
 */
#ifndef BACKEND_BALLOON_NAMES_H
#define BACKEND_BALLOON_NAMES_H

#include "backend/base/log.h"

#define BALLOON_GROUP "xen-vballoon"
#define BALLOON_STATE_DIR "/run/xen-vballoon"
/** where an administrator writes what each guest has at least and at most, see limits.h */
#define BALLOON_GUESTS_FILE "/etc/xen-vballoon/guests"
/** the socket of the service, where it chooses the memory of guests */
#define BALLOON_SERVICE_SOCKET "service.sock"

/* Error codes of the control socket, beside those of control-request.h. */
#define CONTROL_BELOW_FLOOR "below-floor"
#define CONTROL_RESERVE "reserve"
#define CONTROL_PINNED "pinned"
#define CONTROL_NO_DRIVER "no-driver"
#define CONTROL_NO_ANSWER "no-answer"
#define CONTROL_BAD_ANSWER "bad-answer"

/** kinds of the daemon's limited log lines; balloon_program names them */
enum balloon_log_kind {
	BALLOON_LOG_STALL = LOG_KIND_DEVICE,
	BALLOON_LOG_TARGET,
};

extern const struct program balloon_program;

#endif /* BACKEND_BALLOON_NAMES_H */
