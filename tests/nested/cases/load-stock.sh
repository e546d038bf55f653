# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 300
#
# As load, with the kernel's own driver and the hypervisor as it is.

. /xv/cases/load.sh
