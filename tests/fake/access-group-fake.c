// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The group, in the place of backend/base/access-group.c.
 */
#include "machine-fake.h"

#include "backend/base/access.h"

static gid_t fake_group = ACCESS_NO_GROUP;

gid_t access_group(const char *name)
{
	return fake_group;
}

void machine_fake_set_group(gid_t group)
{
	fake_group = group;
}
