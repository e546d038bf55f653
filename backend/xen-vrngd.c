// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vrngd: the daemon whose device type is the entropy device.
 */
#include "backend/daemon.h"
#include "backend/devices/rng/daemon/rng-daemon.h"

int main(int argc, char **argv)
{
	return daemon_main(&rng_type, argc, argv);
}
