# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# dom0: pvh
# modules: ours
# run: named
# mode: icount
# timeout: 240
#
# In a PVH dom0, whose foreign pages take the place of pages of its own, kicks come by ioeventfd with our modules as in a PV one,
# and InterruptStatus is the kernel's, over a PCI slot's line, which is held until InterruptACK.

is "$(cat /sys/hypervisor/guest_type)" PVH "dom0 is a PVH domain"
start_guest g 256
before=$(xen_pages "$domid")
is "$(xs "$domid" path)" eventfd-regs "the best path is found"
set_target "$domid" 196608
check "inflates" wait_pages "$domid" $((before - 16384))
check "the daemon publishes it" wait_ballooned "$domid" 65536 5
set_target "$domid" 262144
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
