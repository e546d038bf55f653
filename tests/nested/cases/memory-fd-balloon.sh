# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
#
# A process has all of the guest's memory mapped, and looks at each page all the time, while the balloon takes half of it and gives
# it back: Xen's count is exact to the page all the same, both times, and a guest that is destroyed is gone.

# How many frames of the guest the process sees; where it has looked at a hole, it is shown a page that is nobody's.
mapped()
{
	sed -n 's/^xen-mapped:[^0-9]*//p' /proc/"$holder"/fdinfo/*
}

frames=65536
start_guest g 256
before=$(xen_pages "$domid")
mkfifo "$XV_STATE/hold"
/xv/kernel-test/memory-hold "$domid" 0x40000 $frames <"$XV_STATE/hold" >"$XV_LOGS/hold.log" 2>&1 &
holder=$!
exec 8>"$XV_STATE/hold"
check "a process looks at all of the guest's memory" wait_for 'grep -q ready "$XV_LOGS/hold.log"' 60
is "$(cat "$XV_LOGS/hold.log")" "ready, $frames frames" "each frame is mapped"

for round in 1 2 3; do
	set_target "$domid" 131072
	check "inflates ($round)" wait_pages "$domid" $((before - 32768))
	check "the daemon publishes it ($round)" wait_ballooned "$domid" 131072 5
	is "$(xen_pages "$domid")" $((before - 32768)) "Xen counts exactly that, though each page is looked at ($round)"
	set_target "$domid" 262144
	check "deflates ($round)" wait_pages "$domid" "$before"
	check "nothing is ballooned at the end ($round)" wait_ballooned "$domid" 0 5
	check "and each frame is seen again ($round)" wait_for '[ "$(mapped)" = $frames ]' 10
done
check "the guest can use it all" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=160 2>/dev/null && rm /tmp/fill'
check "the process lives" pid_alive "$holder"

xl destroy g
check "destroyed, the guest is gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "while the process still has its mapping" pid_alive "$holder"
exec 8>&-
wait "$holder"
is "$?" 0 "and it ends well"
check "it came around more than once" [ "$(sed -n 's/ rounds$//p' "$XV_LOGS/hold.log")" -gt 1 ]
