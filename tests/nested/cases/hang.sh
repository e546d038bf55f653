# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
#
# A device process that hangs: its guest waits at the device, and the service ends it and starts another, which goes on. One
# that is stopped ends of SIGKILL only; one that a debugger looks at is left alone when the service was stopped before.

log=$XV_LOGS/xen-vballoond.log

served()
{
	[ -n "$(xs "$1" path)" ]
}

# another DOMID PID: another process than PID serves the domain
another()
{
	pid=$(device_process xen-vballoond "$1")
	[ -n "$pid" ] && [ "$pid" != "$2" ] && served "$1"
}

check "the service starts" start_service xen-vballoond /run/xen-vballoon
create_guest g 256 >/dev/null || bail "xl create -p"
id=$(domid g)
check "a guest is served" wait_for 'served "$id"' 20
xl unpause g
check "and boots" wait_guest g 60
before=$(xen_pages "$id")
set_target "$id" 229376
check "its balloon takes what it is told to" wait_pages "$id" $((before - 8192)) 60
sleep 6

first=$(device_process xen-vballoond "$id")
begin=$(now_cs)
kill -STOP "$first"
set_target "$id" 196608
check "a device process that hangs is replaced" wait_for 'another "$id" "$first"' 60
after=$((($(now_cs) - begin) / 100))
diag "it took $after s"
check "in no less than half a minute, and no more than a whole" [ "$after" -ge 28 -a "$after" -le 60 ]
is "$(grep -c "process $first does not come through its loop" "$log")" 1 "that is said once"
is "$(grep -c "process $first does not end: SIGKILL" "$log")" 1 "and that it was stopped"
check "the guest, which has waited, goes on, exactly" wait_pages "$id" $((before - 16384)) 60

second=$(device_process xen-vballoond "$id")
kill -USR1 "$service"
wait "$service"
sleep 4
kill -STOP "$second"
sleep 60
is "$(device_process xen-vballoond "$id")" "$second" "without the service nobody ends it"
kill -CONT "$second"
set_target "$id" 229376
check "and it goes on where it was" wait_pages "$id" $((before - 8192)) 60
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
