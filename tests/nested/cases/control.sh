# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# The control tool and the control socket with a real guest: sizes are reached when it says so, what cannot be is
# refused, garbage costs nobody anything, and metrics tell what Xen counts.

run_dir=/run/xen-vballoon

# ctl STATUS TEXT ARGUMENTS...: the exit status is that; what it said is in $XV_LOGS/ctl-N.log and $said.
ctl()
{
	local want=$1 text=$2 log status
	shift 2
	calls=$((${calls:-0} + 1))
	log=$XV_LOGS/ctl-$calls.log
	echo "-- xen-vballoonctl $*" >"$log"
	xen-vballoonctl "$@" >>"$log" 2>&1 </dev/null
	status=$?
	said=$(tail -n +2 "$log")
	is "$status" "$want" "$text"
	[ "$status" = "$want" ] || diag "$said"
}

has()
{
	printf '%s\n' "$said" | grep -qF -- "$1"
}

lines()
{
	printf '%s\n' "$said" | wc -l
}

ctl 0 "no guest is an empty list" list
is "$(lines)" 1 "of a head alone"
ctl 7 "waiting for one ends" wait no-such-guest --timeout 1
check "and says what is missing" has "no such domain"
ctl 3 "a domain that does not exist" status no-such-guest

ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up
start_guest g 256 1 "" "--metrics=127.0.0.1:9120"
ctl 0 "one that is served is not waited for" wait g
before=$(xen_pages "$domid")
sock=$run_dir/$domid-0.sock
is "$(stat -c %a "$sock")" 660 "the socket is for its group"

ctl 0 "list" list
check "has the guest's name" has " g "
ctl 0 "set by name, and wait" set g 128M --wait --timeout 90
check "reached" has "100%"
is "$(xen_pages "$domid")" $((before - 32768)) "Xen counts exactly that"
is "$(xs "$domid" target)" 131072 "the target is in xenstore"
ctl 0 "status" status "$domid" --json
check "has the same figures" has '"target_kib":131072'
check "and the balloon" has '"ballooned_kib":131072'
ctl 0 "stats" stats g
check "of the guest's memory" has free-memory
ctl 0 "top" top --count 1
check "shows it" has settled

wget -q -O "$XV_LOGS/metrics.txt" http://127.0.0.1:9120/metrics
check "metrics: what Xen holds back" grep -q '^xen_vballoon_ballooned_bytes{.*} 134217728$' "$XV_LOGS/metrics.txt"
check "metrics: time was spent" grep -q '^xen_vballoon_inflate_seconds_total{.*} 0\.[0-9]*[1-9]' "$XV_LOGS/metrics.txt"
check "metrics: the guest's own" grep -q '^xen_vballoon_guest_free_memory_bytes{' "$XV_LOGS/metrics.txt"

ctl 5 "more than static-max" set g 1G
is "$(lines)" 1 "one line"
ctl 2 "0" set g 0
ctl 2 "-5M" set g -5M
ctl 2 "12Q" set g 12Q

printf 'hello\n\001\002\n{"cmd":"set"}\n{"cmd":"status"}\n' | unix-say "$sock" >"$XV_LOGS/garbage"
is "$(grep -c '"error"' "$XV_LOGS/garbage")" 4 "garbage: three answers and the end"
head -c 100000 /dev/zero | tr '\0' x | unix-say "$sock" >"$XV_LOGS/garbage"
check "a line too long" grep -q too-long "$XV_LOGS/garbage"
printf '{"cmd":"pi' | unix-say "$sock" >"$XV_LOGS/garbage"
is "$(cat "$XV_LOGS/garbage")" "" "a line cut short has no answer"
check "the daemon lives" daemon_alive "$domid"

max=$(dominfo "$domid" max_pages)
check "the domain's limit is lowered by hand" xen-dominfo "$domid" set-max-kib 196608
ctl 6 "a limit in the way stalls it" set g 256M --wait
check "and the reason is told" has "xl mem-max"
check "and in status" [ "$(xs "$domid" stalled)" != "" ]
check "and raised again" xen-dominfo "$domid" set-max-kib $((max * 4))
ctl 0 "it goes on" set g 256M --wait --timeout 90
is "$(xen_pages "$domid")" "$before" "all is back"

xl destroy g
check "the daemon ends" wait_for '[ ! -e "$sock" ]' 20
ctl 3 "no daemon again" status "$domid"
