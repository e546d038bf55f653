# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# xl mem-set drives the balloon; the guest's own Xen balloon driver, which reads the same target, stays out of it.

start_guest g 256 1 'acpi = 0' --mem-set=follow
before=$(xen_pages "$domid")
node=/local/domain/$domid/memory/target
check "xl mem-set g 192" xl mem-set g 192
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
check "through the balloon device" wait_ballooned "$domid" 65536 5
is "$(guest_run g 'cat /sys/devices/system/xen_memory/xen_memory0/target_kb')" 262144 "the guest's Xen balloon did not act"
check "xl mem-set g 256" xl mem-set g 256
check "every page is there again" wait_pages "$domid" "$before"
sleep 2
is "$(xen_pages "$domid")" "$before" "and stays"
following=$(xenstore-ls -fp "/local/domain/$domid/memory" | grep "^$node ")
check "SIGTERM ends the daemon" stop_daemon "$domid" TERM
restored=$(xenstore-ls -fp "/local/domain/$domid/memory" | grep "^$node ")
diag "following: $following"
diag "after:     $restored"
case $following in
*"r$domid"*) not_ok "while following the guest may not read its target" ;;
*) ok "while following the guest may not read its target" ;;
esac
case $restored in
*"r$domid"*|*"b$domid"*) ok "after, it may" ;;
*) not_ok "after, it may" ;;
esac
