// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sentences for where there is no Xen, see no-xen.h.
 */
#include "backend/base/no-xen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BUILT_WITHOUT "built without Xen: configure and build it again, with libxen-dev"

const char *no_xen_hypervisor(int rc, char text[NO_XEN_TEXT_MAX])
{
	switch (rc) {
	case -EACCES:
	case -EPERM:
		return strcpy(text, "no permission to use Xen: run it as root, in dom0");
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return strcpy(text,
			      "not on Xen, or /dev/xen is absent: run it in dom0; modprobe "
			      "xen-privcmd xen-evtchn");
	case -ENOSYS:
		return strcpy(text, BUILT_WITHOUT);
	default:
		snprintf(text, NO_XEN_TEXT_MAX, "cannot connect to Xen (%s): run it as root, in dom0",
			 strerror(-rc));
		return text;
	}
}

const char *no_xen_store(int rc, char text[NO_XEN_TEXT_MAX])
{
	if (rc == -ENOSYS)
		return strcpy(text, BUILT_WITHOUT);
	snprintf(text, NO_XEN_TEXT_MAX,
		 "xenstore cannot be reached (%s): run it as root, in dom0, with xenstored running",
		 strerror(-rc));
	return text;
}
