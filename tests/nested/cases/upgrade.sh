# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# boot: own
# timeout: 400
#
# xen-vballoonctl upgrade, under a guest that inflates and deflates: another pair of processes goes on, each time less than 50 ms after
# the one before let go, under the service and by hand; counts are exact. What cannot go over is refused, with a reason, and nothing has
# changed.

dir=/run/xen-vballoon

# served_by: the broker that serves
served_by()
{
	if [ -n "${service:-}" ]; then
		device_process xen-vballoond "$domid" | head -n 1
	else
		broker_of "$domid"
	fi
}

# goes_over: one upgrade, with a balloon in motion; notes how long nobody served
goes_over()
{
	local before_it=$1 took
	took=$(absence "$domid" run xen-vballoonctl upgrade "$domid" --force 2>>"$XV_LOGS/ctl.log") || { diag "$took"; return 1; }
	echo "$took" | tail -n 1 >>"$XV_STATE/took"
	[ "$(served_by)" != "$before_it" ]
}

middle()
{
	sort -n "$XV_STATE/took" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# upgrades NR HOW: so many, each from another moment of the balloon's motion
upgrades()
{
	local i=0 good=0 exact=0
	rm -f "$XV_STATE/took"
	while [ $i -lt "$1" ]; do
		i=$((i + 1))
		target=$((i % 2 ? 98304 + i * 4096 : 262144 - i * 2048))
		set_target "$domid" $target
		sleep 0.$((i * 37 % 90 + 10))
		goes_over "$(served_by)" && good=$((good + 1))
		wait_pages "$domid" $((before - 65536 + target / 4)) 60 && exact=$((exact + 1))
	done
	is $good "$1" "$2: each time another serves"
	is $exact "$1" "$2: and the balloon comes to its target exactly"
	diag "$2: absent for $(middle) us, at worst $(sort -n "$XV_STATE/took" | tail -n 1) us, of $(wc -l <"$XV_STATE/took")"
	check "$2: each less than 50 ms" [ "$(sort -n "$XV_STATE/took" | tail -n 1)" -lt 50000 ]
}

# asks CODE TEXT [ARGUMENTS]: how it ends, and what it says
asks()
{
	local code=$1 text=$2 said
	shift 2
	said=$(xen-vballoonctl upgrade "$domid" "$@" 2>&1)
	is $? "$code" "$text"
	diag "$said"
	answer=$said
}

# says WORDS: the answer does
says()
{
	case $answer in
	*"$1"*) ;;
	*) return 1 ;;
	esac
}

# refused TEXT WORDS: nothing has changed, and the reason has the word
refused()
{
	local pid
	pid=$(served_by)
	asks 5 "$1 is refused" --force
	check "$1: for a reason" says "$2"
	is "$(served_by)" "$pid" "$1: it serves on"
	is "$(started xen-vballoond | wc -w)" "$processes" "$1: and nobody else is there"
	set_target "$domid" 196608
	check "$1: as before" wait_pages "$domid" $((before - 16384))
	set_target "$domid" 262144
	check "$1: and back" wait_pages "$domid" "$before"
}

# put_version BYTE: the version of the state file's layout
put_version()
{
	printf "$1" | dd of="$dir/$domid-0.state" bs=1 seek=8 conv=notrunc 2>/dev/null
}

check "the service starts" start_service xen-vballoond $dir
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
wait_for '[ -n "$(xs "$domid" path)" ]' 20 || bail "the guest is served"

# It has no driver yet, and must find its device whenever it looks.
pid=$(served_by)
check "a guest that does not run yet goes over" goes_over "$pid"
unpause g
wait_guest g || bail "the guest boots"
before=$(xen_pages "$domid")
asks 0 "what runs is what is installed"
check "which is said" [ "$answer" = "domain $domid, device 0: same version already" ]
upgrades 10 "under the service"

processes=2
put_version '\143'
refused "a state that the new version does not know" "cannot go on with the state"
put_version '\004'
mv /usr/sbin/xen-vballoond /usr/sbin/aside
refused "a program that is not there" "not installed any more"
printf '#!/bin/sh\nexit 2\n' >/usr/sbin/xen-vballoond
chmod 755 /usr/sbin/xen-vballoond
refused "one that does not know these options" "does not take the options"
cp -p /usr/sbin/aside /usr/sbin/xen-vballoond
asks 0 "another file is another version"
check "which serves then" [ "$answer" = "domain $domid, device 0: upgraded" ]
mv /usr/sbin/aside /usr/sbin/xen-vballoond

# As a package does it: the service first, which leaves its processes to the next.
pid=$(served_by)
kill -USR1 "$service"
wait "$service"
check "the service is started anew" start_service xen-vballoond $dir
check "and finds who serves" wait_for 'grep -q "served already, by process $pid" "$XV_LOGS/xen-vballoond.log"' 10
asks 0 "the service has its processes go over"
check "all of them" [ "$answer" = "domain $domid, device 0: upgraded" ]
check "to another" [ "$(served_by)" != "$pid" ]
kill -TERM "$service"
wait "$service"
service=
is "$(pidof xen-vballoond)" "" "the service ended, and all processes with it"

start_daemon "$domid" || bail "by hand: served"
keeper=$(daemon_pid "$domid")
upgrades 4 "by hand"
check "its keeper is still there" pid_alive "$keeper"
put_version '\143'
processes=1
refused "a state that the new version does not know, by hand" "cannot go on with the state"
put_version '\004'
check "ended" stop_daemon "$domid"
is "$(ls "$dir" | grep -c upgrade)" 0 "nobody is to be asked any more"
start_daemon "$domid" --no-restart || bail "by hand: served without a keeper"
asks 5 "without a keeper it is refused" --force
check "with what to do" says "end it and start it again"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
check "ended" stop_daemon "$domid"

# Destroyed while it goes over and over: whichever of the two has it then lets go, and the other finds nothing.
check "the service goes on" start_service xen-vballoond $dir
check "and serves" wait_for '[ -n "$(xs "$domid" path)" ]' 20
while [ ! -e "$XV_STATE/over" ]; do xen-vballoonctl upgrade --force; done >"$XV_LOGS/last.log" 2>&1 &
asking=$!
sleep 0.3
begin=$(now_cs)
check "the guest is destroyed meanwhile" xl destroy g
check "without waiting" [ $(($(now_cs) - begin)) -lt 500 ]
touch "$XV_STATE/over"
wait $asking
diag "$(sort "$XV_LOGS/last.log" | uniq -c)"
check "its processes have ended" wait_for '[ "$(started xen-vballoond)" = "$service" ]' 15
kill -TERM "$service"
wait "$service"
check "nothing runs any more" wait_for '[ -z "$(pidof xen-vballoond)" ]' 10
is "$(ls "$dir" | grep -v '^service[.]lock$' | tr '\n' ' ')" "" "no state file and no socket is left"
is "$(xenstore-ls -f /local/domain/0/backend/virtio 2>/dev/null | grep -c "virtio/$domid/")" 0 "nor a node"
