// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which command, and how failures are worded: what is wrong, and what to do.
 */
#include "tools/ctl/ctl.h"
#include "backend/base/access.h"
#include "backend/control/control-request.h"
#include "backend/devices/balloon/figures/balloon-names.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void ctl_say(struct ctl *ctl, const char *format, ...)
{
	va_list args;

	/* a line begun on the terminal is a progress bar */
	fflush(ctl->out);
	fprintf(ctl->err, "%s: ", ctl->program ? ctl->program : "xen-vballoonctl");
	va_start(args, format);
	vfprintf(ctl->err, format, args);
	va_end(args);
	fputc('\n', ctl->err);
}

enum ctl_exit ctl_fail(struct ctl *ctl, const char *who, int rc, const struct ctl_refusal *refusal)
{
	switch (rc) {
	case -EACCES:
	case -EPERM:
		ctl_say(ctl, "%s: no permission: be root, or in the group " BALLOON_GROUP, who);
		return CTL_EXIT_NO_PERMISSION;
	case -EREMOTEIO:
		ctl_say(ctl, "%s: %s", who, refusal->message);
		if (strcmp(refusal->code, CONTROL_NOT_PERMITTED) == 0)
			return CTL_EXIT_NO_PERMISSION;
		if (strcmp(refusal->code, CONTROL_NO_ANSWER) == 0)
			return CTL_EXIT_TIMEOUT;
		return strcmp(refusal->code, CONTROL_BUSY) == 0 ? CTL_EXIT_FAILED
								: CTL_EXIT_REFUSED;
	case -EPIPE:
		ctl_say(ctl, "%s: its xen-vballoond has ended", who);
		return CTL_EXIT_NO_DAEMON;
	case -ETIMEDOUT:
		ctl_say(ctl, "%s: its xen-vballoond does not answer", who);
		return CTL_EXIT_FAILED;
	case -EPROTO:
		ctl_say(ctl,
			"%s: its xen-vballoond says what this tool does not understand: is it "
			"of another version?",
			who);
		return CTL_EXIT_FAILED;
	default:
		ctl_say(ctl, "%s: %s", who, strerror(-rc));
		return CTL_EXIT_FAILED;
	}
}

enum ctl_exit ctl_run(struct ctl *ctl)
{
	static enum ctl_exit (*const commands[CTL_COMMANDS])(struct ctl * ctl) = {
		[CTL_LIST] = ctl_list,	 [CTL_STATUS] = ctl_status, [CTL_SET] = ctl_set,
		[CTL_AUTO] = ctl_auto,	 [CTL_STATS] = ctl_stats,   [CTL_UNUSED] = ctl_unused,
		[CTL_TOP] = ctl_top,	 [CTL_WAIT] = ctl_wait,
		[CTL_FREE] = ctl_free,	 [CTL_UPGRADE] = ctl_upgrade,
	};
	enum ctl_exit code;

	if (!ctl->stall_ms)
		ctl->stall_ms = CTL_STALL_MS;
	code = commands[ctl->opts->command](ctl);
	if (fflush(ctl->out) && code == CTL_EXIT_DONE)
		code = CTL_EXIT_FAILED;
	return code;
}
