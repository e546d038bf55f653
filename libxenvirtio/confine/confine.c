// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Capabilities and no_new_privs. The sets are cleared with capset() itself: that is all there is to it, and no reason for a
 * library. A file is given to a group by chown(), which its owner may do for groups that he is in.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

/* Those of groups that the process came with. Without the right to change that, it came with few enough. */
static int keep_group(gid_t group)
{
	size_t nr = group != XENVIRTIO_CONFINE_NO_GROUP ? 1 : 0;

	return setgroups(nr, &group) && errno != EPERM ? -errno : 0;
}

int xenvirtio_confine_bounds(void)
{
	/* ends with the first that this kernel does not know; EPERM: what has none to drop with has none to lose */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			return -errno;
	}
	return 0;
}

int xenvirtio_confine_user(uid_t uid)
{
	/* the first of these says whether it may */
	return setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ? -errno : 0;
}

static int set_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets))
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= (uint32_t)(keep >> (32 * i));
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, sets) ? -errno : 0;
}

int xenvirtio_confine_privileges(gid_t group, uint64_t keep)
{
	int ret = keep_group(group);

	if (!ret)
		ret = xenvirtio_confine_bounds();
	if (ret)
		return ret;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return set_capabilities(keep);
}
