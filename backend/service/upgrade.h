/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that is served goes over to processes of the installed version. Another pair is started beside the one that serves
 * (LAUNCHER_TAKE_OVER): it begins, gets what of Xen and of xenstore a device process has, gives its rights away, and looks whether it
 * can go on with the state. Only then does its broker have the other let go (broker/take-over.h). If it ends before, nothing has happened.
 *
 * The supervisor does that for the service's devices, and a keeper for its own. This is what both say of it.
 */
#ifndef BACKEND_UPGRADE_H
#define BACKEND_UPGRADE_H

#include "backend/service/launcher.h"

/** for one to be ready and the other to end, and again to serve: less than what the supervisor takes for serving */
#define UPGRADE_MS 9000u

enum upgrade_result {
	UPGRADE_DONE,	 /* another serves */
	UPGRADE_SAME,	 /* the one that serves is what is installed */
	UPGRADE_REFUSED, /* with a reason: it serves on, or the reason says what happens */
};

/** struct upgrade_wish - @force: also what is the same */
struct upgrade_wish {
	uint32_t domid; /* 0: all */
	bool force;
};

/**
 * struct upgrade_listener - who asked
 * @told: of each device, once; @why: for UPGRADE_REFUSED, a clause; else ""
 * @over: there are no more; may free the listener
 *
 * Neither asks for anything from inside.
 */
struct upgrade_listener {
	void (*told)(void *opaque, uint32_t domid, uint32_t devid, enum upgrade_result result, const char *why);
	void (*over)(void *opaque);
	void *opaque;
};

/** of a process that is no program: a shell's and the loader's number */
#define UPGRADE_EXIT_NOT_RUN 127
#define UPGRADE_WHY_MAX 160u
/** upgrade_why() - of a process that was to take over, and ended before: in words */
void upgrade_why(const struct process_end *end, char why[UPGRADE_WHY_MAX]);
/** upgrade_why_not_started() - @rc: of starting it */
void upgrade_why_not_started(int rc, char why[UPGRADE_WHY_MAX]);

#endif /* BACKEND_UPGRADE_H */
