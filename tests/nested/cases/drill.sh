# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# mem: 2G
# timeout: 1800
#
# A device process that was taken over gets nothing but its own guest. drill-vballoond (tests/drill) is xen-vballoond with a back door
# that makes, in the device that serves, whatever attempt is asked for: on another domain, on Xen, xenstore, the broker, the host, and
# on what can be used up. Every one is refused, by an error or by the end of the process, and then another process serves the guest.
# Twice: as it is, and with system calls not filtered, so that the walls below the filter are seen by themselves; what nothing below
# refuses is said. The other guest's balloon goes up and down meanwhile, and not one page of either is missing at the end.

. /xv/drill.sh
