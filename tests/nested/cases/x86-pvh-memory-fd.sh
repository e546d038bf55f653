# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# dom0: pvh
# mode: icount
# notify: own
# modules: ours
# run: named
# timeout: 400
#
# What memory-fd.sh is about, in a PVH dom0.

is "$(cat /sys/hypervisor/guest_type)" PVH "dom0 is a PVH domain"
export MEMORY_CHANGES=300
kernel_tests memory memory-stress
