# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# A device process is two: a broker and, as its child, the device. What the device has could do nothing to another domain:
# each of its descriptors of Xen is taken and tried. It has no capability, is nobody, and is nowhere: an empty root, and namespaces
# of its own; of files it has its state. Each may be killed, and the guest is well.

# status_of PID KEY: a line of the process's status
status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

start_guest other 128
other=$domid
start_guest g 256
before=$(xen_pages "$domid")
broker=$(broker_of "$domid")
device=$(device_of "$broker")
check "the broker has one child" [ "$(echo "$device" | wc -w)" = 1 ]
is "$(status_of "$broker" CapPrm)" 0000000000000020 "the broker has kept CAP_KILL and nothing else"
is "$(status_of "$device" CapPrm)" 0000000000000000 "the device nothing"
is "$(status_of "$device" CapEff)" 0000000000000000 "in effect neither"
for pid in "$broker" "$device"; do
	for set in CapInh CapBnd CapAmb; do
		is "$(status_of "$pid" $set)" 0000000000000000 "$(cat "/proc/$pid/comm"): $set is empty"
	done
	is "$(status_of "$pid" NoNewPrivs)" 1 "$(cat "/proc/$pid/comm"): no new privileges"
done

is "$(status_of "$device" Seccomp)" 2 "the device's system calls are filtered"
nobody=$((1879048192 + domid))
is "$(status_of "$device" Uid | tr '\t' ' ')" "$nobody $nobody $nobody $nobody" "the device is a user of its own"
is "$(status_of "$device" Gid | tr '\t' ' ')" "$nobody $nobody $nobody $nobody" "and a group"
is "$(status_of "$device" Groups | tr -d ' ')" "" "and of no other"
is "$(status_of "$device" NSpid | tr '\t' ' ')" "$device 1" "it is the first of its pid namespace"
for ns in ipc mnt net pid uts; do
	check "it has a namespace of its own: $ns" [ "$(readlink "/proc/$device/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	is "$(readlink "/proc/$broker/ns/$ns")" "$(readlink "/proc/self/ns/$ns")" "which its broker has not: $ns"
done
is "$(ls -A "/proc/$device/root/" | wc -l)" 0 "its root is empty"
check "and cannot be written to" eval '! touch "/proc/$device/root/x" 2>/dev/null'
is "$(ls -A "/proc/$device/cwd/" | wc -l)" 0 "nor is it anywhere else"
is "$(wc -l <"/proc/$device/mountinfo")" 0 "it sees no mount, and its own root is none"
is "$(sed -n 's/^Max open files *\([0-9]*\).*/\1/p' "/proc/$device/limits")" 256 "its descriptors are limited"

# foreign_files PID: what it has open that a device has no need of
foreign_files()
{
	local fd target
	for fd in "/proc/$1/fd/"*; do
		target=$(readlink "$fd")
		case $target in
		/dev/xen/* | /dev/null | socket:* | pipe:* | anon_inode:*) ;;
		"/run/xen-vballoon/$domid-0.state" | "$XV_LOGS/"*) ;;
		*) echo "${fd##*/}: $target" ;;
		esac
	done
}

is "$(foreign_files "$device")" "" "no descriptor of it is a directory, or a file that is not its state or its log"
is "$(grep -c 'shares what\|does not get\|is the user that\|sees the numbers\|is not limited\|not confined' "$(daemon_log "$domid")")" 0 "nothing was missing"
# unconfined_of: what the status says of it
unconfined_of()
{
	xen-vballoonctl status "$domid" --json | tr -d ' \n' | grep -o '"unconfined":[^]]*]'
}
is "$(unconfined_of)" '"unconfined":[]' "as the status says"

rights-xen "$device" "$domid" "$other" >"$XV_LOGS/rights.tap" 2>"$XV_LOGS/rights.err"
is $? 0 "rights-xen finds nothing that should be refused"
relay_tap "$XV_LOGS/rights.tap" rights
rights-xen "$broker" "$domid" "$other" >"$XV_LOGS/broker.tap" 2>&1
is $? 1 "which is no matter of course: of the broker it finds something"

set_target "$domid" 131072
check "inflates" wait_pages "$domid" $((before - 32768))
kill -KILL "$device"
check "the device is killed: the broker ends" wait_for "! pid_alive $broker" 5
check "the keeper, which was started, starts others" wait_for '[ -n "$(device_of "$(broker_of "$domid")")" ]' 5
check "who know what is ballooned" wait_ballooned "$domid" 131072 5
broker=$(broker_of "$domid")
device=$(device_of "$broker")
kill -KILL "$broker"
check "the broker is killed: the device is gone with it" wait_for "! pid_alive $device" 5
check "and others are there" wait_for '[ -n "$(device_of "$(broker_of "$domid")")" ]' 5
broker=$(broker_of "$domid")
device=$(device_of "$broker")
keeper=$(daemon_pid "$domid")
is "$(ls -l "/proc/$keeper/fd" | grep -c "/dev/xen\|xenstore\|$domid-0")" 0 "the keeper has nothing of Xen's open, nor of the device's"
kill -KILL "$keeper"
check "the keeper is killed" wait_daemon "$domid" 5
check "all are gone with it" wait_for "none_alive $broker $device" 5
check "another is started at once, and has all that it asks for" start_daemon "$domid" --sandbox=require
set_target "$domid" 262144
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
check "ended, and begun for debugging" stop_daemon "$domid"
check "with --no-sandbox" start_daemon "$domid" --no-sandbox
is "$(unconfined_of)" '"unconfined":["anything:--no-sandbox"]' "the status says it aloud"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
