/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of a device: the doors of a process that opens them. Two for each device, both in the state directory and both
 * made of numbers; that no others can be asked for is all there is to be careful about.
 */
#ifndef BACKEND_BROKER_NAMES_H
#define BACKEND_BROKER_NAMES_H

#include "backend/base/doors.h"

/**
 * struct names - what the doors stand on
 * @dir:     borrowed; made if only its last part is missing
 * @group:   the name of the group that may steer the daemon; borrowed
 * @gid:     its number, access.h
 */
struct names {
	const char *dir;
	const char *group;
	gid_t gid;
	uint32_t domid;
};

/** names_doors() - @doors: out; its functions are set, with @names, which are borrowed; the rest stays */
void names_doors(struct doors *doors, const struct names *names);

#endif /* BACKEND_BROKER_NAMES_H */
