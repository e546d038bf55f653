// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capabilities and no_new_privs. The sets are cleared with capset() itself: that is all there is to it, and no reason for a
 * library. A file is given to a group by chown(), which its owner may do for groups that he is in.
 */
#include "backend/broker/confine.h"
#include "backend/base/access.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Those of groups that the process came with. Without the right to change that, it came with few enough. */
static int keep_group(gid_t group)
{
	size_t nr = group != ACCESS_NO_GROUP ? 1 : 0;

	return setgroups(nr, &group) && errno != EPERM ? -errno : 0;
}

static int drop_bounding_set(void)
{
	/* ends with the first that this kernel does not know; EPERM: what has none to drop with has none to lose */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			return -errno;
	}
	return 0;
}

int confine_privileges(const char *group)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	int ret = keep_group(access_group(group));

	if (!ret)
		ret = drop_bounding_set();
	if (ret)
		return ret;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_capset, &header, none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}
