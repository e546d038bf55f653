# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
#
# Both kinds of lines, as a guest takes them: an ISA line at the I/O APIC, a PCI slot's as an event channel (pirq), which is the
# device's default line.

try_line a "ISA line 7" 7 -
try_line b "PCI line 140, pirq" 140 pirq
