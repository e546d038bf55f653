// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What this machine's group database says. Tests have one of their own, tests/fake/machine-fake.h.
 */
#include "backend/base/access.h"

#include <grp.h>

gid_t access_group(const char *name)
{
	const struct group *group = getgrnam(name);

	return group ? group->gr_gid : ACCESS_NO_GROUP;
}
