# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
# boot: own
#
# The service, started first: guests of Debian's kernel that are created *unpaused* find their device (many-creates has 100
# of another kind); reboot, kill -9 of a device process and of the service, stop and start: no hand in between, and nothing is left.

log=$XV_LOGS/xen-vballoond.log
dir=/run/xen-vballoon

processes()
{
	started xen-vballoond | wc -w
}

fds()
{
	ls "/proc/$1/fd" | wc -l
}

served()
{
	[ -n "$(xs "$1" path)" ]
}

# works DOMID PAGES TARGET_KIB: the balloon takes what it is told to, exactly
works()
{
	set_target "$1" "$3"
	wait_pages "$1" $(($2 - 65536 + $3 / 4)) 60
}

memory_of()
{
	awk '/^(VmRSS|RssAnon):/ { printf "%s %s KiB  ", $1, $2 }' "/proc/$1/status"
}

check "the service starts" start_service xen-vballoond $dir
xen-vballoond >"$XV_LOGS/second.log" 2>&1
is $? 5 "a second one ends with exit code 5"
check "and one line that names the first" [ "$(grep -c "process $service" "$XV_LOGS/second.log")" = 1 ]
is "$(wc -l <"$XV_LOGS/second.log")" 1 "and nothing else"

# The first one paused: it is the configuration of all others, and the other supported way.
create_guest g 256 >/dev/null || bail "xl create -p"
check "a paused guest is served" wait_for 'served "$(domid g)"' 20
idle_fds=$(($(fds "$service") - 1))
xl destroy g
check "and let go" wait_for '[ "$(processes)" = 1 ]' 10

begin=$(now_cs)
creates=0
good=0
while [ $creates -lt 4 ]; do
	creates=$((creates + 1))
	xl create "$XV_STATE/g.cfg" >&2 || break
	id=$(domid g)
	wait_guest g 60 $creates || break
	before=$(xen_pages "$id")
	works "$id" "$before" 229376 || break
	xl destroy g
	good=$((good + 1))
done
is "$good" "$creates" "each guest created unpaused had a balloon that works"
diag "$good creates in $((($(now_cs) - begin) / 100)) s of virtual time"
check "each device process has ended" wait_for '[ "$(processes)" = 1 ]' 10
is "$(fds "$service")" "$idle_fds" "the service has as many descriptors as before"
is "$(ls "$dir" | grep -vc '^service[.]')" 0 "no state file, no socket is left"

boots=$creates
xl create "$XV_STATE/g.cfg" >&2 || bail "xl create"
boots=$((boots + 1))
check "a guest for the rest" wait_guest g 60 $boots
first=$(domid g)
before=$(xen_pages "$first")
diag "the service: $(memory_of "$service")"
diag "a device process: $(memory_of "$(device_process xen-vballoond "$first")")"
guest_send g 'reboot -f' >/dev/null
check "after a reboot it is another domain" wait_for '[ -n "$(domid g)" ] && [ "$(domid g)" != "$first" ]' 30
boots=$((boots + 1))
check "that boots" wait_guest g 60 $boots
id=$(domid g)
check "and has its balloon" works "$id" "$before" 196608
is "$(processes)" 2 "one process serves it, the first's is gone"

pid=$(device_process xen-vballoond "$id")
kill -KILL "$pid"
check "a device process that is killed is started again" \
	wait_for 'replaced "$pid" "$(device_process xen-vballoond $id)" && served $id' 20
check "and goes on where the other was" works "$id" "$before" 229376

pid=$(device_process xen-vballoond "$id")
kill -KILL "$service"
wait "$service"
sleep 1
is "$(device_process xen-vballoond "$id")" "$pid" "the service is killed: the device process lives"
check "and serves" works "$id" "$before" 196608
check "another service starts" start_service xen-vballoond $dir
check "sees that it is served" wait_for 'grep -q "served already, by process $pid" "$log"' 10
ticks=$(cut -d' ' -f14,15 "/proc/$service/stat" | tr ' ' +)
sleep 3
now=$(cut -d' ' -f14,15 "/proc/$service/stat" | tr ' ' +)
check "and does not spin" [ $((now - (ticks))) -lt 5 ]
is "$(device_process xen-vballoond "$id")" "$pid" "nor start another"
kill -KILL "$pid"
check "but when it is gone" wait_for 'replaced "$pid" "$(device_process xen-vballoond $id)" && served $id' 20
check "which works" works "$id" "$before" 229376

kill -TERM "$service"
check "told to end, it does" wait_for "! pid_alive $service" 15
wait "$service"
is $? 0 "with status 0"
is "$(processes)" 0 "and device processes before it"
check "started again" start_service xen-vballoond $dir
check "it serves the guest again" wait_for '[ -n "$(device_process xen-vballoond $id)" ] && served $id' 20
check "which has waited, and goes on" works "$id" "$before" 262144
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30

kill -USR1 "$service"
check "told to end alone, it does" wait_for "! pid_alive $service" 5
pid=$(device_process xen-vballoond "$id")
check "and the device process lives" [ -n "$pid" ]
check "started again" start_service xen-vballoond $dir
begin=$(now_cs)
check "the guest is destroyed" xl destroy g
check "at once" [ $(($(now_cs) - begin)) -lt 500 ]
check "its process has ended" wait_for '[ "$(processes)" = 1 ]' 10
is "$(fds "$service")" "$idle_fds" "no descriptor is left"
is "$(ls "$dir" | grep -vc '^service[.]')" 0 "and no file"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 5
