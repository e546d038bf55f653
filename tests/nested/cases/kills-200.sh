# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# boot: own
# timeout: 3000
# run: named
#
# What kills does, two hundred times.

. /xv/kills.sh

run_kills 200 100
