// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vhost-user: the daemon whose devices are served by backends of vhost-user.
 */
#include "backend/daemon.h"
#include "backend/devices/vhost-user/daemon/vhost-user-daemon.h"

int main(int argc, char **argv)
{
	return daemon_main(&vhost_user_type, argc, argv);
}
