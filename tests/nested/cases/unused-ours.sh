# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# timeout: 300
#
# As unused, with our driver's answers on the host request queue.

via=host-request
. /xv/cases/unused.sh
