# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 200
#
# xl mem-max above what the guest was created with: Xen allows more, but the guest has no more memory to use, and whoever asks for
# it is told so in one sentence. All it has is still given, and comes back when the limit is what it was. Below what it has: see max-mem.

start_guest g 256 1 'acpi = 0' --mem-set=follow
all=$(xen_pages "$domid")
max=$(dominfo "$domid" max_pages)
check "xl mem-max g 320" xl mem-max g 320
check "Xen allows the domain more" [ "$(dominfo "$domid" max_pages)" -gt "$max" ]
xen-vballoonctl set g 300M 2>"$XV_STATE/why"
is $? 5 "more than it was created with is refused"
is "$(wc -l <"$XV_STATE/why")" 1 "in one line"
check "with the most there is" grep -q "at most 256 MiB" "$XV_STATE/why"
check "and what adds some" grep -q "xl mem-max adds none.*xl.cfg" "$XV_STATE/why"
diag "$(cat "$XV_STATE/why")"
is "$(xen_pages "$domid") $(xs "$domid" target)" "$all 262144" "and changes nothing"

check "xl mem-set g 192" xl mem-set g 192
check "64 MiB given back" wait_pages "$domid" $((all - 16384))
check "xl mem-max g 320 again, for xl lowers it with the size" xl mem-max g 320
xl mem-set g 300 >"$XV_STATE/mem-set" 2>&1
diag "xl mem-set g 300 ends with $?"
check "xl mem-set g 300 is taken as all it can have" wait_pages "$domid" "$all"
check "and the log says so" grep -q "asks for 300 MiB, more than the guest's 256 MiB" "$(daemon_log "$domid")"
check "nothing is in the balloon, as the daemon publishes" wait_ballooned "$domid" 0 5
is "$(xs "$domid" stalled)" "" "nothing waits"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|killed process")"'
