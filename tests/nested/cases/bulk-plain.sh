# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# run: named
# timeout: 400
#
# As bulk, on Xen as it is.

. /xv/cases/bulk.sh
