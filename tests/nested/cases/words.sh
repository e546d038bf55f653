# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# One order of words: xl mem-set, the control socket, the key, the command line. The last one is in force, the same one counts again
# when another came in between, and a killed process changes nothing of that.

start_guest g 256 1 'acpi = 0' --mem-set=follow
before=$(xen_pages "$domid")
all=$before
less=$((before - 16384))
check "xl mem-set g 192" xl mem-set g 192
check "64 MiB given back" wait_pages "$domid" $less
check "ctl set 256M" xen-vballoonctl set g 256M --wait --timeout 20
is "$(xen_pages "$domid")" "$all" "all there"
stop_daemon "$domid" KILL
check "killed, another adopts" start_daemon "$domid" --mem-set=follow
sleep 3
is "$(xen_pages "$domid") $(xs "$domid" target)" "$all 262144" "the size in force, by ctl, stays: what memory/target says is older"
check "xl mem-set g 192 again" xl mem-set g 192
check "the last word counts, though the key had it already" wait_pages "$domid" $less 20
check "ctl set 224M" xen-vballoonctl set g 224M --wait --timeout 20
stop_daemon "$domid" KILL
check "xl mem-set g 192 while nobody serves" xl mem-set g 192
check "another adopts" start_daemon "$domid" --mem-set=follow
check "and has heard it" wait_pages "$domid" $less 20
set_target "$domid" 229376
check "the key is a word" wait_pages "$domid" $((before - 8192)) 20
check "xl mem-set g 256, all of it" xl mem-set g 256
check "is one" wait_pages "$domid" "$all" 20
check "ctl set 192M" xen-vballoonctl set g 192M --wait --timeout 20
check "xl mem-set g 256 again" xl mem-set g 256
check "is one again" wait_pages "$domid" "$all" 20
stop_daemon "$domid" KILL
check "a command line" start_daemon "$domid" --mem-set=follow --target=192M
check "is the last word" wait_pages "$domid" $less 20
check "ctl set 256M" xen-vballoonctl set g 256M --wait --timeout 20
stop_daemon "$domid" KILL
check "the same command line after a kill" start_daemon "$domid" --mem-set=follow --target=192M
sleep 3
is "$(xen_pages "$domid")" "$all" "is no new word"
xen-vballoonctl set g 8M 2>"$XV_STATE/why"
is $? 5 "a slip, 8 MiB, is refused"
check "with what to do" grep -q -- '--force' "$XV_STATE/why"
is "$(xs "$domid" target)" 262144 "and changes nothing"
