# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# notify: own
# modules: ours
# timeout: 400
#
# The ioctls of dom0's modules, by the programs of kernel/privcmd/test against guests of their own: every bad argument has its
# errno and no effect, a program written for upstream's header runs unchanged, and kicks and interrupts arrive once and at
# the right place whatever is closed, killed or unmapped meanwhile. The kernel's log has nothing to say to all that.

export STRESS_CHANGES=300 STRESS_KICKS=0
kernel_tests eventfd-args upstream-abi eventfd-path eventfd-load eventfd-close eventfd-account eventfd-stress

for module in xen_privcmd xen_evtchn; do
	check "$module is in use and cannot be unloaded" sh -c "! rmmod $module 2>/dev/null"
done
