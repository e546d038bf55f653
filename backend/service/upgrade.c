// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why a device was not upgraded, by how the process ended that was to take over.
 */
#include "backend/service/upgrade.h"
#include "backend/base/exit-code.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *words(int code)
{
	switch (code) {
	case EXIT_CODE_USAGE:
		return "the installed version does not take the options that this one has: restart the service, or the keeper";
	case EXIT_CODE_DONE:
	case EXIT_CODE_NO_DEVICE:
		return "the guest, or its device, is gone";
	case EXIT_CODE_NO_XEN:
		return "the installed version does not reach Xen, or cannot be confined as it must be: see its log";
	case EXIT_CODE_BUSY:
		return "the process that serves does not let go: see its log";
	case EXIT_CODE_UNSUITABLE:
		return "the installed version cannot go on with the state of the one that serves: see its log";
	case UPGRADE_EXIT_NOT_RUN:
		return "the program, or a library of it, is not installed any more";
	default:
		return NULL;
	}
}

void upgrade_why(const struct process_end *end, char why[UPGRADE_WHY_MAX])
{
	const char *said = end->known && !end->signalled ? words(end->value) : NULL;
	char text[PROCESS_END_TEXT_MAX];

	if (said)
		snprintf(why, UPGRADE_WHY_MAX, "%s", said);
	else {
		process_end_text(end, text);
		snprintf(why, UPGRADE_WHY_MAX, "the process that was to take over %s: see its log", text);
	}
}

void upgrade_why_not_started(int rc, char why[UPGRADE_WHY_MAX])
{
	if (rc == -ENOENT)
		snprintf(why, UPGRADE_WHY_MAX, "the program is not installed any more");
	else
		snprintf(why, UPGRADE_WHY_MAX, "no process could be started: %s", strerror(-rc));
}
