# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# xen: patched
# timeout: 300
#
# A guest that goes to sleep has all its pages (the driver gives the balloon back first), and has the same balloon when it
# wakes: with our driver and every bulk feature, and with the stock one. Our driver's host request queue is asked before and
# after. The guest's kernel wakes by itself five seconds after its devices slept (pm_test).

# unused_mib: what the guest names as unused, by the host request queue.
unused_mib()
{
	xen-vballoonctl unused g --json >"$XV_STATE/unused" 2>&1 || { diag "$(cat "$XV_STATE/unused")"; return 1; }
	diag "$(cat "$XV_STATE/unused")"
}

# sleep_and_wake TEXT
sleep_and_wake()
{
	local text=$1 id
	set_target "$domid" 131072
	check "$text: inflates" wait_pages "$domid" $((before - 32768))
	id=$(guest_send g 'echo devices >/sys/power/pm_test && echo freeze >/sys/power/state')
	check "$text: asleep, every page is there" wait_pages "$domid" "$before" 20
	check "$text: and nothing is ballooned" wait_ballooned "$domid" 0 2
	guest_result g "$id" 60
	is "$?" 0 "$text: wakes"
	check "$text: has its balloon again" wait_pages "$domid" $((before - 32768))
	check "$text: the daemon publishes it" wait_ballooned "$domid" 131072 5
}

start_guest g 256
before=$(xen_pages "$domid")
check "unused pages are asked for" unused_mib
sleep_and_wake "bulk"
check "unused pages are asked for again" unused_mib
check "the stock driver" guest_run g 'rmmod virtio_balloon && insmod /lib/modules/virtio_balloon.ko'
sleep_and_wake "stock"
set_target "$domid" 262144
check "every page is there at the end" wait_pages "$domid" "$before"
is "$(guest_run g 'dmesg | grep -E "Oops|BUG:|WARNING:|Unable to handle|external abort"')" "" "the guest is well"
