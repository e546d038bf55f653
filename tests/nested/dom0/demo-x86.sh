# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# timeout: 180
#
# ./lab demo --x86: the same on the second platform.

. /xv/cases/demo.sh
