# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# A device process is two: a broker and, as its child, the device. What the device has could do nothing to another domain:
# each of its descriptors of Xen is taken and tried. Neither has a capability. Each may be killed, and the guest is well.

# status_of PID KEY: a line of the process's status
status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

start_guest other 128
other=$domid
start_guest g 256
before=$(xen_pages "$domid")
broker=$(daemon_pid "$domid")
device=$(device_of "$broker")
check "the broker has one child" [ "$(echo "$device" | wc -w)" = 1 ]
for pid in "$broker" "$device"; do
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		is "$(status_of "$pid" $set)" 0000000000000000 "$(cat "/proc/$pid/comm"): $set is empty"
	done
	is "$(status_of "$pid" NoNewPrivs)" 1 "$(cat "/proc/$pid/comm"): no new privileges"
done

is "$(status_of "$device" Seccomp)" 2 "the device's system calls are filtered"

rights-xen "$device" "$domid" "$other" >"$XV_LOGS/rights.tap" 2>"$XV_LOGS/rights.err"
is $? 0 "rights-xen finds nothing that should be refused"
relay_tap "$XV_LOGS/rights.tap" rights
rights-xen "$broker" "$domid" "$other" >"$XV_LOGS/broker.tap" 2>&1
is $? 1 "which is no matter of course: of the broker it finds something"

set_target "$domid" 131072
check "inflates" wait_pages "$domid" $((before - 32768))
kill -KILL "$device"
check "the device is killed: the broker ends" wait_daemon "$domid" 5
is "$daemon_status" 137 "of the same signal"
check "another takes over" start_daemon "$domid"
check "and knows what is ballooned" wait_for '[ "$(xs "$domid" ballooned)" = 131072 ]' 5
broker=$(daemon_pid "$domid")
device=$(device_of "$broker")
check "the broker is killed" stop_daemon "$domid" KILL
check "the device is gone with it" wait_for "! pid_alive $device" 5
check "another takes over at once" start_daemon "$domid"
set_target "$domid" 262144
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_for '[ "$(xs "$domid" ballooned)" = 0 ]' 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
