# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# modules: stock
#
# An ISA line as an event channel (pirq). Without our modules: Xen does not look at such a line again when the guest is done with an
# interrupt, so one that comes meanwhile is lost, and by the kernel it comes that fast (kernel/privcmd/README.md, "What does not work").

try_line a "ISA line 7, pirq" 7 pirq
