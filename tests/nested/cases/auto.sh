# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 300
#
# --auto with two guests and a host that has next to nothing left: what one needs comes from the other, then the roles
# swap. Neither is taken below its floor, a size that is named is left alone, and the service's metrics show them both.
#
# trace.json among the logs is what the guests said meanwhile, second by second: see tests/traces/README. metrics.series is what the
# service said of them, of which doc/dashboard draws the picture in the manual.

log=$XV_LOGS/service.log

# mib DOMID: what the domain has
mib()
{
	echo $(($(xen_pages "$1") / 256))
}

free_mib()
{
	echo $(($(dominfo 0 free_pages) / 256))
}

# fill NAME, drain NAME: 80 MiB in ten seconds, and none
fill()
{
	guest_send "$1" 'for i in 0 1 2 3 4 5 6 7 8 9; do dd if=/dev/zero of=/tmp/fill.$i bs=1M count=8 2>/dev/null; sleep 1; done'
}

drain()
{
	guest_run "$1" 'rm -f /tmp/fill.*' 30 >/dev/null
}

ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up
xen-vballoond ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} --auto --overcommit --stats-interval=1 --log-level=info --metrics=127.0.0.1:9121 >>"$log" 2>&1 </dev/null &
service=$!
for guest in a b; do
	create_guest $guest 256 >/dev/null || bail "xl create -p $guest"
	check "guest $guest is served" wait_for "[ -n \"\$(xs \$(domid $guest) path)\" ]" 20
	unpause $guest
done
a=$(domid a)
b=$(domid b)
wait_guest a && wait_guest b || bail "the guests boot"
request=$(fill b)
guest_result b "$request" 60 >/dev/null
check "the idle guest gives what it does not need" wait_for '[ "$(mib "$a")" -lt 180 ]' 40
# settled DOMID: it moves no more; a guest that shrinks does so every five seconds
last=0
settled()
{
	local now
	now=$(mib "$1")
	[ "$now" = "$last" ] && return 0
	last=$now
	sleep 6
	return 1
}
wait_for 'settled "$a"' 90
idle=$(mib "$a")
busy=$(mib "$b")
diag "idle: $idle MiB, busy: $busy MiB, the host: $(free_mib) MiB free"
check "the busy one keeps it" [ "$busy" -gt $((idle + 40)) ]

filler=$(($(free_mib) - 24))
create_guest filler "$filler" 1 >/dev/null || bail "a domain of $filler MiB is created"
diag "with another domain of $filler MiB the host has $(free_mib) MiB free"
check "less than the idle guest will need" [ "$(free_mib)" -lt 32 ]
xen-vballoonctl top --json --interval 1 >"$XV_LOGS/trace.json" 2>/dev/null </dev/null &
top=$!
while sleep 2; do
	# The time of this machine begins with 2026, and a scrape is of one moment.
	echo "# at $(date +%s)"
	wget -q -O - http://127.0.0.1:9121/metrics
done >"$XV_LOGS/metrics.series" 2>/dev/null </dev/null &
scraper=$!

drain b
request=$(fill a)
check "the one under load grows" wait_for '[ "$(mib "$a")" -ge $((idle + 60)) ]' 60
check "by what the other gives" wait_for '[ "$(mib "$b")" -le $((busy - 30)) ]' 30
check "and its load went on" guest_result a "$request" 60
wait_for 'settled "$b"' 90
diag "a: $(mib "$a") MiB, b: $(mib "$b") MiB, the host: $(free_mib) MiB free"
a_busy=$(mib "$a")
b_idle=$(mib "$b")

drain a
request=$(fill b)
check "the roles swap: the other grows" wait_for '[ "$(mib "$b")" -ge $((b_idle + 40)) ]' 60
check "by what the first gives" wait_for '[ "$(mib "$a")" -le $((a_busy - 30)) ]' 30
check "and its load went on" guest_result b "$request" 60
diag "a: $(mib "$a") MiB, b: $(mib "$b") MiB, the host: $(free_mib) MiB free"
check "nobody is below the floor" [ "$(mib "$a")" -ge 64 ]
check "no deflate had to wait" [ -z "$(xs "$a" stalled)$(xs "$b" stalled)" ]
kill "$top" "$scraper"
is "$(guest_run a 'dmesg | grep -c "Out of memory"' 30)$(guest_run b 'dmesg | grep -c "Out of memory"' 30)" 00 "and nobody ran out of memory"

wget -q -O "$XV_LOGS/metrics.txt" http://127.0.0.1:9121/metrics
for figure in target_bytes actual_bytes ballooned_bytes guest_available_memory_bytes; do
	is "$(grep -c "^xen_vballoon_$figure{domid=\"\($a\|$b\)\"" "$XV_LOGS/metrics.txt")" 2 "metrics: $figure of both guests"
done

# So little that it is under pressure: 27 MiB besides what its kernel never had to give.
small=$((262144 - $(guest_meminfo a MemTotal) + 27648))
check "a size is named" xen-vballoonctl set a ${small}K --wait --timeout 20
check "so --auto leaves it alone" [ "$(xs "$a" pinned)" = 1 ]
sleep 3
is "$(xs "$a" target)" $small "also under pressure"
check "until it may choose again" xen-vballoonctl auto a
check "which it does" wait_for '[ "$(xs "$a" target)" -gt $small ]' 20
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
