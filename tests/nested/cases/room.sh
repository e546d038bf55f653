# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
#
# Room for a guest to come: a domain that does not fit is created after "xen-vballoonctl free SIZE --wait", out of what a guest
# does not need; more than there is is not waited for without end; and a paused guest neither gains nor loses meanwhile.

log=$XV_LOGS/service.log

free_mib()
{
	echo $(($(dominfo 0 free_pages) / 256))
}

mib()
{
	echo $(($(xen_pages "$1") / 256))
}

check "without a service nobody makes room" eval '! xen-vballoonctl free 64M 2>"$XV_LOGS/none.txt" && grep -q -- --auto "$XV_LOGS/none.txt"'
xen-vballoond ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} --auto --overcommit --log-level=info >>"$log" 2>&1 </dev/null &
service=$!
for guest in a b; do
	create_guest $guest 256 >/dev/null || bail "xl create -p $guest"
	check "guest $guest is served" wait_for "[ -n \"\$(xs \$(domid $guest) path)\" ]" 20
	unpause $guest
done
a=$(domid a)
b=$(domid b)
wait_guest a && wait_guest b || bail "the guests boot"
check "b tells statistics" wait_for '[ -n "$(xs "$b" stats/available-memory)" ]' 20

xl pause b
sleep 7
paused=$(mib "$b")
diag "b is paused with $paused MiB; the host has $(free_mib) MiB free"
filler=$(($(free_mib) + 16))
check "room is made" xen-vballoonctl free $((filler + 24))M --wait --timeout 60
diag "a has $(mib "$a") MiB; the host has $(free_mib) MiB free"
check "by the guest that runs" [ "$(mib "$a")" -lt 250 ]
is "$(mib "$b")" "$paused" "the paused one lost nothing"
sleep 5
check "it is held" [ "$(free_mib)" -ge $((filler + 24)) ]
create_guest filler "$filler" 1 >/dev/null
check "and xl create takes it" [ -n "$(domid filler)" ]
xen-vballoonctl free 4G --wait --timeout 3 2>"$XV_LOGS/more.txt"
is $? 7 "more than there is is not waited for without end"
check "and said" grep -q "no guest has more to give" "$XV_LOGS/more.txt"
check "it is given up" eval 'xen-vballoonctl free 0 --json | grep -q "\"held_kib\":0"'
xl unpause b
check "the paused guest goes on" guest_run b true 30
is "$(guest_run a 'dmesg | grep -c "Out of memory"' 30)$(guest_run b 'dmesg | grep -c "Out of memory"' 30)" 00 "and nobody ran out of memory"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
check "and so does its socket" [ ! -e /run/xen-vballoon/service.sock ]
