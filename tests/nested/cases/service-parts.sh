# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 400
# boot: own
#
# The service is three processes: the launcher has all rights and reads nothing, the watcher reads and has no right, the metrics have a
# socket. Seen from dom0: no capability, no descriptor of Xen's devices, no network, no files. Each is killed: guests are served
# on, and another is there; what came or went meanwhile is seen. Once more with a command for each, as systemd's units have it.

log=$XV_LOGS/xen-vballoond.log
dir=/run/xen-vballoon

# part NAME: the launcher's child of that name
part()
{
	local pid
	for pid in $(cat "/proc/$service/task/$service/children" 2>/dev/null); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && echo "$pid"
	done
}

status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '
}

served()
{
	[ -n "$(xs "$1" path)" ]
}

scraped()
{
	wget -q -O "$XV_LOGS/metrics.txt" http://127.0.0.1:9121/metrics && grep -q "^xen_vballoon_[a-z_]*{domid=\"$1\"" "$XV_LOGS/metrics.txt"
}

# foreign_files PID: what it has open beside sockets and the log
foreign_files()
{
	local fd target
	for fd in "/proc/$1/fd/"*; do
		target=$(readlink "$fd")
		case $target in
		/dev/null | socket:* | pipe:* | anon_inode:* | "$XV_LOGS/"*) ;;
		*) echo "${fd##*/}: $target" ;;
		esac
	done
}

# has_nothing PID NAME ROOT: what both of those without rights have in common; ROOT is what is below their root
has_nothing()
{
	local set ns
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		is "$(status_of "$1" $set)" 0000000000000000 "$2: $set is empty"
	done
	is "$(status_of "$1" NoNewPrivs)" 1 "$2: no new privileges"
	is "$(status_of "$1" Seccomp)" 2 "$2: its system calls are filtered"
	for ns in ipc mnt net pid uts; do
		check "$2: a namespace of its own: $ns" [ "$(readlink "/proc/$1/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	is "$(foreign_files "$1")" "" "$2: no file is open, nor a device"
	is "$(find "/proc/$1/root/" -type d 2>/dev/null | sed "s|^/proc/$1/root||" | sort | tr '\n' ' ')" "$3" "$2: it sees these directories"
	check "$2: and cannot write there" eval "! touch '/proc/$1/root/x' 2>/dev/null && ! touch '/proc/$1/root$dir/x' 2>/dev/null"
}

ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up
check "the service starts" start_service xen-vballoond $dir --metrics=127.0.0.1:9121
check "its parts are there" wait_for '[ -n "$(part xenvirtio-watch)" ] && [ -n "$(part xenvirtio-meter)" ]' 10
watcher=$(part xenvirtio-watch)
meter=$(part xenvirtio-meter)
create_guest g 256 >/dev/null || bail "xl create -p"
id=$(domid g)
check "a guest is served" wait_for 'served $id' 20
unpause g
wait_guest g || bail "the guest boots"
check "and in the metrics" wait_for 'scraped $id' 10
check "as is the host's free memory" grep -q '^xen_vballoon_host_free_bytes [1-9]' "$XV_LOGS/metrics.txt"
before=$(xen_pages "$id")
has_nothing "$watcher" "the watcher" "/ /run /run/xen-vballoon /run/xenstored /var /var/run /var/run/xenstored "
has_nothing "$meter" "the metrics" "/ /run /run/xen-vballoon "
is "$(status_of "$watcher" Uid)" "0 0 0 0" "the watcher is root by number, as xenstored's socket wants it"
is "$(wc -l <"/proc/$watcher/net/tcp")" 1 "it has no socket of the network"
is "$(ls -l "/proc/$service/fd" | grep -c '/dev/xen\|xenstore')" 0 "the launcher has nothing of Xen's open, nor of xenstore"
diag "launcher: $(awk '/^VmRSS/ { print $2 }' "/proc/$service/status") KiB, watcher: $(awk '/^VmRSS/ { print $2 }' "/proc/$watcher/status") KiB, metrics: $(awk '/^VmRSS/ { print $2 }' "/proc/$meter/status") KiB"
is "$(grep -c 'it sees all\|it shares\|are not filtered\|cannot be given away\|could come by' "$log")" 0 "nothing was missing"

broker=$(device_process xen-vballoond "$id")
kill -KILL "$watcher"
check "the watcher is killed: another is started" wait_for '[ -n "$(part xenvirtio-watch)" ] && [ "$(part xenvirtio-watch)" != $watcher ]' 5
check "which sees that the guest is served" wait_for 'grep -q "served already, by process $broker" "$log"' 10
is "$(device_process xen-vballoond "$id")" "$broker" "by the same process"

kill -KILL "$broker"
check "that is killed: another serves" wait_for 'replaced "$broker" "$(device_process xen-vballoond $id)" && served $id' 10
check "its end was told by the launcher, whose child it is" grep -q "process $broker died of signal 9" "$log"
set_target "$id" 196608
check "and works" wait_pages "$id" $((before - 16384)) 30

# what comes while there is no watcher
watcher=$(part xenvirtio-watch)
kill -STOP "$watcher"
create_guest h 128 >/dev/null || bail "xl create -p"
other=$(domid h)
kill -KILL "$watcher"
check "a guest that came meanwhile is served" wait_for 'served $other' 20
check "the metrics have both" wait_for 'scraped $other' 10
kill -KILL "$meter"
check "the metrics are killed: another process has them, at the same address" \
	wait_for '[ -n "$(part xenvirtio-meter)" ] && [ "$(part xenvirtio-meter)" != $meter ] && scraped $id' 10
xl destroy h

watcher=$(part xenvirtio-watch)
meter=$(part xenvirtio-meter)
broker=$(device_process xen-vballoond "$id")
kill -KILL "$service"
wait "$service"
check "the launcher is killed: its parts are gone with it" wait_for "none_alive $watcher $meter" 5
is "$(device_process xen-vballoond "$id")" "$broker" "the device process lives"
check "another service starts at once" start_service xen-vballoond $dir --auto --metrics=127.0.0.1:9121
check "and has the metrics' address" wait_for 'scraped $id' 10
check "its own control socket is there" [ -S $dir/service.sock ]
check "and answers" xen-vballoonctl free 1M
set_target "$id" 196608
kill -USR1 "$service"
check "told to end alone, it does" wait_for "! pid_alive $service" 5
is "$(pidof xen-vballoond | wc -w)" 2 "broker and device are left, and no part of the service"
is "$(ls $dir | grep -c '^service.sock$\|^launcher$')" 0 "nor a socket"

# as units have it
check "the launcher by itself" start_service xen-vballoond $dir --role=launch
xen-vballoond --role=watch --log-level=info >>"$log" 2>&1 </dev/null &
watcher=$!
check "and a watcher" wait_for '[ "$(grep -c "served already, by process $broker" "$log")" -ge 2 ]' 10
xen-vballoond --role=watch >>"$log" 2>&1 </dev/null
is $? 1 "a second watcher is refused"
kill -KILL "$broker"
check "it has the launcher start another device process" \
	wait_for 'replaced "$broker" "$(device_process xen-vballoond $id)" && served $id' 10
kill -KILL "$service"
wait "$service"
wait "$watcher"
is $? 1 "the launcher is killed: the watcher ends, for both to be started again"
check "the launcher again" start_service xen-vballoond $dir --role=launch
xen-vballoond --role=watch --log-level=info >>"$log" 2>&1 </dev/null &
watcher=$!
set_target "$id" 262144
check "all of it comes back" wait_pages "$id" "$before" 30
kill -TERM "$watcher"
wait "$watcher"
is $? 0 "the watcher is told to end"
check "it has ended the device processes" wait_for '[ "$(pidof xen-vballoond | wc -w)" = 1 ]' 10
kill -TERM "$service"
wait "$service"
is $? 0 "and the launcher ends"

# xenstored is another, at the same place: the watcher, which sees no other place, finds it
check "the service again" start_service xen-vballoond $dir
check "serves the guest" wait_for '[ -n "$(device_process xen-vballoond $id)" ] && served $id' 20
watcher=$(part xenvirtio-watch)
xenstore-ls -f >"$XV_LOGS/store"
kill -KILL "$(cat /run/xenstored.pid)"
sleep 1
rm -f /run/xenstored.pid
xenstored --pid-file=/run/xenstored.pid
sed 's/^\([^ ]*\) = "\(.*\)"$/\1 \2/' "$XV_LOGS/store" | while read -r path value; do
	xenstore-write "$path" "$value"
done
sleep 3
broker=$(device_process xen-vballoond "$id")
kill -KILL "$broker"
check "xenstored has died: a device process that dies then is started again" \
	wait_for 'replaced "$broker" "$(device_process xen-vballoond $id)" && served $id' 20
is "$(part xenvirtio-watch)" "$watcher" "by the same watcher"
set_target "$id" 196608
check "and works" wait_pages "$id" $((before - 16384)) 30
# each that dies so soon is waited for the longer: the end is asked for while there is none
n=0
while [ $n -lt 5 ]; do
	watcher=$(part xenvirtio-watch)
	kill -KILL "$watcher"
	wait_for '[ "$(part xenvirtio-watch)" != $watcher ]' 5
	[ $n = 4 ] || wait_for '[ -n "$(part xenvirtio-watch)" ]' 5
	n=$((n + 1))
done
is "$(part xenvirtio-watch)" "" "there is no watcher now"
kill -TERM "$service"
wait "$service"
is $? 0 "the service ends"
check "and the device processes as well" wait_for '[ -z "$(pidof xen-vballoond)" ]' 5
is "$(dmesg | grep -c 'type=1326.*xenvirtio-\(watch\|meter\)')" 0 "no part made a system call that is not in its list"
diag "$(dmesg | sed -n 's/.*type=1326.*comm="\([^"]*\)".* syscall=\([0-9]*\) .*/\1 \2/p' | sort | uniq -c | tr '\n' ';')"
# xenconsoled learns of no domain's end any more, and would hold its console's page for ever.
kill -KILL "$(cat /run/xenconsoled.pid)"
check "the guest is destroyed" xl destroy g
