// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Landlock, by its system calls: there is no library for it. What a kernel does not know of is left out of what is asked, by its
 * version, so an older one confines less. The numbers are the kernel's, written out, since the headers of a distribution are
 * older than the kernels it may run on.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

/* all rights of a version; linux/landlock.h */
#define ALL_1 ((1u << 13) - 1)
#define REFER (1u << 13)	 /* version 2 */
#define TRUNCATE (1u << 14)	 /* version 3 */
#define IOCTL_DEV (1u << 15)	 /* version 5 */
#define BIND_TCP (1u << 0)	 /* version 4 */
#define CONNECT_TCP (1u << 1)
#define SCOPE_ABSTRACT (1u << 0) /* version 6 */
#define SCOPE_SIGNAL (1u << 1)

#define ASK_VERSION 1u

struct ruleset {
	uint64_t files, net, scoped;
};

static void choose(struct ruleset *set, long version)
{
	*set = (struct ruleset){.files = ALL_1};
	if (version >= 2)
		set->files |= REFER;
	if (version >= 3)
		set->files |= TRUNCATE;
	if (version >= 4)
		set->net = BIND_TCP | CONNECT_TCP;
	if (version >= 5)
		set->files |= IOCTL_DEV;
	if (version >= 6)
		set->scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
}

static size_t ruleset_bytes(long version)
{
	return version >= 6 ? sizeof(struct ruleset) :
	       version >= 4 ? offsetof(struct ruleset, scoped) :
			      offsetof(struct ruleset, net);
}

int xenvirtio_confine_files(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
	struct ruleset set;
	int rules, ret;

	if (version < 1)
		return errno == ENOSYS || errno == EPERM ? -EOPNOTSUPP : -errno;
	choose(&set, version);
	/* no rule is added: nothing of it is allowed */
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, ruleset_bytes(version), 0);
	if (rules < 0)
		return -errno;
	ret = syscall(SYS_landlock_restrict_self, rules, 0) ? -errno : 0;
	close(rules);
	return ret;
}
