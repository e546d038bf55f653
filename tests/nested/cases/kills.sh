# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# boot: own
# timeout: 400
#
# kill -9 of the device, its broker and the service, and by hand of the keeper in the service's place: each subset in each order,
# under a guest that inflates and deflates. The guest lives, each time another serves, and at rest Xen's page tables, the state file
# and xenstore agree; nothing is left. kills-200 is the same two hundred times.

. /xv/kills.sh

run_kills 30 100
