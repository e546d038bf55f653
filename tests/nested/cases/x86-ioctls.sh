# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# notify: own
# modules: ours
# timeout: 400
#
# What ioctls.sh is about, in a PV dom0, where the kernel has the ioreq page at an address of its own.

is "$(cat /sys/hypervisor/guest_type)" PV "dom0 is a PV domain"
export STRESS_CHANGES=300 STRESS_KICKS=0
kernel_tests eventfd-args upstream-abi eventfd-path eventfd-load eventfd-close eventfd-account eventfd-stress

for module in xen_privcmd xen_evtchn; do
	check "$module is in use and cannot be unloaded" sh -c "! rmmod $module 2>/dev/null"
done
