# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# mem: 2G
# timeout: 1800
#
# What drill is about, where most users are: a PV dom0, whose process could name all of the host's memory.

. /xv/drill.sh
