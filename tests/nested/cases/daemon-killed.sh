# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# kill -9 of the daemon, idle and in the middle of an inflation and of a deflation: the next one adopts what was left
# behind, the guest goes on, and no page is lost or counted twice.

start_guest g 512
before=$(xen_pages "$domid")
set_target "$domid" 458752
check "64 MiB given back" wait_pages "$domid" $((before - 16384))

stop_daemon "$domid" KILL
is "$(xen_pages "$domid")" $((before - 16384)) "killed: Xen's count is as it was"
check "idle: another adopts" start_daemon "$domid"
check "idle: the bitmap is what it was" wait_ballooned "$domid" 65536 5
check "the guest goes on" guest_run g true

set_target "$domid" 262144
wait_for '[ "$(xen_pages "$domid")" -lt $((before - 24576)) ]' 30
stop_daemon "$domid" KILL
now=$(xen_pages "$domid")
check "inflating: killed under way" [ "$now" -gt $((before - 65536)) ]
sleep 1
check "inflating: another adopts" start_daemon "$domid"
check "inflating: it goes on to the target" wait_pages "$domid" $((before - 65536))
check "inflating: exact" wait_ballooned "$domid" 262144 5

set_target "$domid" 524288
wait_for '[ "$(xen_pages "$domid")" -gt $((before - 57344)) ]' 30
stop_daemon "$domid" KILL
now=$(xen_pages "$domid")
check "deflating: killed under way" [ "$now" -lt "$before" ]
sleep 1
check "deflating: another adopts" start_daemon "$domid"
check "deflating: it goes on to the target" wait_pages "$domid" "$before"
check "deflating: exact" wait_ballooned "$domid" 0 5
check "the guest is well and can use it all" guest_run g \
	'dd if=/dev/zero of=/tmp/fill bs=1M count=380 2>/dev/null && rm /tmp/fill && test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 90
