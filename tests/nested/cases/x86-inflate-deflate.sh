# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
#
# On x86 xl's 0 for base and irq, the daemon's defaults and xen-virtio-acpi's table are one place: an unmodified guest finds
# its device there, over a PCI slot's line gives 64 MiB back and takes them again, exact to the page, and a daemon that was
# killed with the line up is followed by one that goes on. dom0 is a PV domain with our modules: kicks come by ioeventfd, and
# InterruptStatus is the kernel's, over a line that is held until InterruptACK.

start_guest g 256
before=$(xen_pages "$domid")
is "$(cat /sys/hypervisor/guest_type)" PV "dom0 is a PV domain"
is "$(xs "$domid" path)" eventfd-regs "and the best path is found"
set_target "$domid" 196608
check "inflates" wait_pages "$domid" $((before - 16384))
check "the daemon publishes it" wait_ballooned "$domid" 65536 5
set_target "$domid" 262144
wait_for '[ "$(xen_pages "$domid")" -gt $((before - 12288)) ]' 30
stop_daemon "$domid" KILL
check "killed under way, another adopts" start_daemon "$domid"
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
interrupts=$(guest_run g 'sed -n "s/^ *[0-9]*: *\([0-9]*\) .* 47-fasteoi *virtio0/\1/p" /proc/interrupts')
# few: a driver that waits for its message anyway is not interrupted for it
check "interrupts came by GSI 47" [ "${interrupts:-0}" -gt 2 ]
check "and stopped: no storm" [ "${interrupts:-0}" -lt 5000 ]
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
