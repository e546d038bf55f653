// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vballoond: the daemon whose device type is the balloon.
 */
#include "backend/daemon.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"

int main(int argc, char **argv)
{
	return daemon_main(&balloon_type, argc, argv);
}
