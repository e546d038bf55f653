# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# notify: own
# modules: ours
#
# What notify-paths.sh is about, in a PV dom0 and over a line that is level-triggered: each path in turn under one guest, whose
# daemons are killed or end.

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
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
check "dom0's kernel has nothing to say" sh -c '! dmesg | grep -E "BUG|WARNING|Oops|Call trace|leaking|refcount"'
