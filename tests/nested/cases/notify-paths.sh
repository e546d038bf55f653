# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# notify: own
# modules: ours
#
# Each notification path in turn under one guest that never notices: the daemon is killed, or ends, and its successor takes
# another one. What the dead one had assigned is gone with it: its successor, and the guest, are served by the new path.

start_guest g 256
before=$(xen_pages "$domid")
is "$(xs "$domid" path)" eventfd-regs "the best path is found"
round=0
for path in eventfd event-channel eventfd-regs upstream auto; do
	round=$((round + 1))
	if [ $((round % 2)) -eq 1 ]; then stop_daemon "$domid" KILL; else stop_daemon "$domid"; fi
	check "$path: adopts" start_daemon "$domid" "--notify=$path"
	[ $path = auto ] || is "$(xs "$domid" path)" $path "$path: is what is published"
	set_target "$domid" 229376
	check "$path: 32 MiB given back" wait_pages "$domid" $((before - 8192))
	set_target "$domid" 262144
	check "$path: and taken again" wait_pages "$domid" "$before"
done
check "auto: the log says by what" grep -q 'by eventfd-regs' "$(daemon_log "$domid")"

set_target "$domid" 196608
wait_for '[ "$(xen_pages "$domid")" -lt $((before - 2048)) ]' 30
stop_daemon "$domid" KILL
check "killed while the guest kicks" [ "$(xen_pages "$domid")" -gt $((before - 16384)) ]
sleep 1
check "another goes on" start_daemon "$domid"
check "to the target" wait_pages "$domid" $((before - 16384))
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"'
check "dom0's kernel has nothing to say" sh -c '! dmesg | grep -E "BUG|WARNING|Oops|Call trace|leaking|refcount"'
