# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the cases share that record loads (busybox sh): begin_record NAME, tell each guest what to do, record NAME. What the guests say
# meanwhile, second by second, is $XV_LOGS/NAME.json.

requests=

# tell GUEST COMMAND: begin
tell()
{
	requests="$requests $1:$(guest_send "$1" "$2")"
}

# record NAME SECONDS: until all that were told something have done it
record()
{
	local each well=0 nr=0
	sleep "$2"
	for each in $requests; do
		nr=$((nr + 1))
		guest_result "${each%:*}" "${each#*:}" 240 >/dev/null && well=$((well + 1))
	done
	is $well $nr "$1: what the guests did they finished"
	sleep 5
	kill "$top"
	wait "$top" 2>/dev/null
	requests=
	diag "$1: $(grep -o '"available-memory":[0-9]*' "$XV_LOGS/$1.json" | sed 's/.*://' | sort -n | head -n 1) bytes available at the least"
	check "$1: is recorded" [ -s "$XV_LOGS/$1.json" ]
}

begin_record()
{
	xen-vballoonctl top --json --interval 1 >"$XV_LOGS/$1.json" 2>/dev/null </dev/null &
	top=$!
	sleep 3
}
