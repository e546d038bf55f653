# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 300
#
# Broker and device make no system call, in a whole life, that SECURITY.md does not list: from the start to the adoption by another
# process, and to the end of the domain, with memory that goes and comes, clients, and a target that xenstore has. trace-calls
# (tests/drill) follows them from where they have given their rights away.

lives=0
# traced: the daemon below trace-calls, once
traced()
{
	lives=$((lives + 1))
	printf '#!/bin/sh\nexec trace-calls /xv/SECURITY.md "%s" xen-vballoond --no-restart "$@"\n' "$XV_LOGS/calls-$lives" >"$XV_STATE/traced"
	chmod 755 "$XV_STATE/traced"
	XV_DAEMON=$XV_STATE/traced start_daemon "$domid" || bail "life $lives begins"
}

# of_life N: whether it has calls of both, and none that is foreign
of_life()
{
	diag "life $1: broker: $(sed -n 's/^broker \([^ ]*\) .*/\1/p' "$XV_LOGS/calls-$1" | tr '\n' ' ')"
	diag "life $1: device: $(sed -n 's/^device \([^ ]*\) .*/\1/p' "$XV_LOGS/calls-$1" | tr '\n' ' ')"
	is "$(grep FOREIGN "$XV_LOGS/calls-$1" | cut -d' ' -f1,2 | tr '\n' ';')" "" "life $1: no call that SECURITY.md does not list"
	check "life $1: the broker answered" grep -q '^broker recvmsg' "$XV_LOGS/calls-$1"
	check "life $1: the device served" grep -q '^device epoll_p\?wait' "$XV_LOGS/calls-$1"
}

domid=$(create_guest g 256) || bail "xl create"
traced
unpause g
wait_guest g || bail "guest g boots"
before=$(xen_pages "$domid")
set_target "$domid" 131072
check "inflates" wait_pages "$domid" $((before - 32768))
for command in "status $domid" "stats $domid" "list" "set $domid 192M" "unused $domid"; do
	# shellcheck disable=SC2086 # a list of words
	xen-vballoonctl $command >/dev/null 2>&1
done
check "deflates to what a client says" wait_pages "$domid" $((before - 16384))
check "ends" stop_daemon "$domid"
is "$daemon_status" 0 "as it should"
of_life 1

traced
check "another adopts it" wait_ballooned "$domid" 65536 5
set_target "$domid" 262144
check "deflates" wait_pages "$domid" "$before"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
# A third takes over from the second, which serves: what it does for that is listed, too.
second=$(daemon_pid "$domid")
lives=$((lives + 1))
sed -i "s/calls-2/calls-3/" "$XV_STATE/traced"
XV_DAEMON=$XV_STATE/traced start_daemon "$domid" --take-over || bail "life 3 takes over"
check "which has let go" wait_for "! pid_alive $second" 5
of_life 2
set_target "$domid" 131072
check "the third inflates" wait_pages "$domid" $((before - 32768))
xl destroy g
check "the domain is destroyed: it ends" wait_daemon "$domid" 20
of_life 3
