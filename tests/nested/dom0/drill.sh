# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the cases drill and x86-drill do.

# drilled: the daemon, without a keeper, so that each end is seen, with its log in a pipe, as under systemd: a file of a log would be one that may grow
mkfifo "$XV_STATE/log"
exec 9<>"$XV_STATE/log"
printf '#!/bin/sh\nexec drill-vballoond --no-restart "$@" 2>"%s" 9>&-\n' "$XV_STATE/log" >"$XV_STATE/drilled"
chmod 755 "$XV_STATE/drilled"

# start_drilled: again, if there is none
start_drilled()
{
	XV_DAEMON=$XV_STATE/drilled start_daemon "$domid" || bail "another process takes over after $name"
}

# up_and_down: the other guest, until it is told to stop. It is there to be disturbed: little, and on x86_64 now and then, as QEMU makes
# guests hang that have many interrupts (README.md, "Guests on x86_64").
up_and_down()
{
	local n=0 pause=1
	[ "$(uname -m)" != x86_64 ] || pause=6
	while [ ! -e "$XV_STATE/stop" ]; do
		set_target "$other" 122880
		wait_pages "$other" $((others_pages - 2048)) 120 || echo "inflate $n: $(xen_pages "$other")" >>"$XV_STATE/bad"
		set_target "$other" 131072
		wait_pages "$other" "$others_pages" 120 || echo "deflate $n: $(xen_pages "$other")" >>"$XV_STATE/bad"
		n=$((n + 1))
		echo $n >"$XV_STATE/rounds"
		sleep $pause
	done
}

# try_one ROUND NUMBER NAME [ends]
try_one()
{
	local answer how
	name=$3
	answer=$(echo "{\"cmd\":\"drill\",\"attempt\":$2}" | unix-say "$socket" 2>/dev/null | tr -d ' ')
	how=$(echo "$answer" | sed -n 's/.*"errno":"\([A-Za-z0-9]*\)".*/\1/p')
	case $answer in
	*'"refused":true'*)
		ok "$1: $3: $how"
		return ;;
	*'"errno":"","refused":false,"alone":true'*)
		if [ "$1" = unfiltered ]; then
			alone="$alone $3"
			ok "$1: $3: done, since the filter alone refuses it"
		else
			not_ok "$1: $3: done"
		fi
		return ;;
	?*)
		not_ok "$1: $3: ${how:-done}"
		diag "$answer"
		return ;;
	esac
	if ! wait_daemon "$domid" 20; then
		not_ok "$1: $3: no answer, and no end"
		stop_daemon "$domid" KILL
	elif [ "$1" = filtered ] && [ "$daemon_status" = 159 ]; then
		ok "$1: $3: SIGSYS"
	elif [ -n "$4" ] && [ "$daemon_status" = 1 ]; then
		ok "$1: $3: the broker has ended it"
	else
		not_ok "$1: $3: it ended with $daemon_status"
	fi
	start_drilled
}

# Of hypercalls the filter sees one ioctl, whichever they are: three of them will do.
try_all()
{
	local number name ends
	while read -r number name ends <&8; do
		case $1-$name in
		filtered-hypercall-12|filtered-hypercall-36|filtered-hypercall-41) ;;
		filtered-hypercall-*) continue ;;
		esac
		try_one "$1" "$number" "$name" "$ends"
	done 8<"$XV_STATE/attempts"
}

drill-vballoond --attempts >"$XV_STATE/attempts"
ifconfig lo up
drill-vballoond --listen 9>&- &
listener=$!
sleep 1
free=$(drill-vballoond --free | tr '\n' ' ')
diag "a process of root's that is not confined: $free"
for name in open create execve clone kill pidfd ptrace process-vm-readv connect-unix connect-abstract connect-tcp mount chroot unshare-net setns setuid memory descriptors memfd mprotect-exec; do
	case " $free" in
	*" $name "*) ;;
	*) not_ok "what is not confined can: $name" ;;
	esac
done
ok "what is not confined can do what is tried"

start_guest other 128
other=$domid
others_pages=$(xen_pages "$other")
domid=$(create_guest g 256) || bail "xl create"
cat "$XV_STATE/log" >>"$(daemon_log "$domid")" &
logger=$!
export DRILL_OTHER=$other
name=nothing
start_drilled
unpause g
wait_guest g || bail "guest g boots"
before=$(xen_pages "$domid")
socket=/run/xen-vballoon/$domid-0.sock
state=/run/xen-vballoon/$domid-0.state
size=$(stat -c %s "$state")
xenstore-ls -f /tool >"$XV_STATE/tool"
up_and_down 9>&- &
loop=$!

first=$(cut -d. -f1 /proc/uptime)
try_all filtered
diag "filtered: $(($(cut -d. -f1 /proc/uptime) - first)) s of virtual time"
check "stopped, to be begun without the filter" stop_daemon "$domid"
export DRILL_UNSEALED=yes
start_drilled
is "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$(device_of "$(daemon_pid "$domid")")/status")" 0 "no system call is filtered now"
alone=
try_all unfiltered
# an x86 has system calls of another number space as well
[ "$(uname -m)" != x86_64 ] || other_calls=" int-80"
is "$alone" " userfaultfd io-uring keyctl memfd mmap-exec mprotect-exec${other_calls:-}" "the filter alone refuses what SECURITY.md says"
unset DRILL_UNSEALED
check "stopped, to be begun as it is" stop_daemon "$domid"
start_drilled

: >"$XV_STATE/stop"
wait $loop
diag "the other guest went up and down $(cat "$XV_STATE/rounds") times"
is "$(cat "$XV_STATE/bad" 2>/dev/null)" "" "each time the other guest had exactly what it should"
check "which was often enough" [ "$(cat "$XV_STATE/rounds")" -ge 5 ]
is "$(xen_pages "$other")" "$others_pages" "the other guest has all its pages"
is "$(stat -c %s "$state")" "$size" "the state file is as long as it was"
is "$(xenstore-ls -f /tool | diff "$XV_STATE/tool" -)" "" "nothing was written in xenstore"
check "the broker has told what it refused" grep -q 'asked for what it may not have' "$(daemon_log "$domid")"
set_target "$domid" 131072
check "the guest inflates" wait_pages "$domid" $((before - 32768))
set_target "$domid" 262144
check "and deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
for guest in g other; do
	check "guest $guest is well" guest_run $guest 'test -z "$(dmesg | grep -iE "oops|BUG:|unable to handle|external abort")"' 30
done
kill $listener $logger
