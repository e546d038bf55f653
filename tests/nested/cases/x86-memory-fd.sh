# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# notify: own
# modules: ours
# timeout: 200
#
# A PV dom0 has no files of a guest's memory, and says so.

is "$(cat /sys/hypervisor/guest_type)" PV "dom0 is a PV domain"
kernel_tests memory
