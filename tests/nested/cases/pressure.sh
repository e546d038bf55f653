# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
#
# --auto and a stock guest that swaps in while it says that much is available: it grows, by its counters alone. Its swap is
# compressed memory (zram).
#
# trace.json among the logs is what the guest said meanwhile, second by second: see tests/traces/README.

log=$XV_LOGS/service.log

# stat NAME: of the guest, as it is now, in MiB
stat_mib()
{
	xen-vballoonctl stats g --json | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" | awk '{ print int($1 / 1048576) }'
}

xen-vballoond ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} --auto --auto-band=8-75 --overcommit --stats-interval=1 --log-level=info >>"$log" 2>&1 </dev/null &
service=$!
create_guest g 256 >/dev/null || bail "xl create -p g"
domid=$(domid g)
check "the guest is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
unpause g
wait_guest g || bail "the guest boots"
check "a size is named" xen-vballoonctl set g 256M
check "it has swap" guest_run g 'for m in $(cat /lib/modules/swap-order); do insmod /lib/modules/$m || exit 1; done
	echo 96M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0' 30
# not zeroes: Linux swaps those without counting them
check "and 60 MiB in memory" guest_run g 'yes pressure | head -c 62914560 >/tmp/fill' 60
xen-vballoonctl set g 92M --wait --timeout 60 >/dev/null 2>&1
check "which another 24 MiB push out" guest_run g 'yes more | head -c 25165824 >/tmp/more; rm /tmp/more' 60
diag "at 92 MiB: $(stat_mib available-memory) MiB available, $(stat_mib swap-out) MiB swapped out, $(stat_mib swap-in) in"
check "to swap" [ "$(stat_mib swap-out)" -ge 12 ]
check "then it has room again" xen-vballoonctl set g 150M --wait --timeout 30
check "and --auto decides" xen-vballoonctl auto g
sleep 2
before=$(xs "$domid" target)
diag "at $((before / 1024)) MiB: $(stat_mib available-memory) MiB available, $(stat_mib swap-in) MiB swapped in"
is "$before" 153600 "which leaves it that: it is in the band"

xen-vballoonctl top --json --interval 1 --count 12 >"$XV_LOGS/trace.json" 2>/dev/null </dev/null &
top=$!
sleep 2
request=$(guest_send g 'cat /tmp/fill >/dev/null')
check "it reads back what it swapped out, and grows" wait_for '[ "$(xs "$domid" target)" -gt "$before" ]' 10
guest_result g "$request" 60 >/dev/null
diag "then $(($(xs "$domid" target) / 1024)) MiB: $(stat_mib available-memory) MiB available, $(stat_mib swap-in) MiB swapped in"
wait "$top"
least=$(grep -o '"available-memory":[0-9]*' "$XV_LOGS/trace.json" | sed 's/.*://' | sort -n | head -n 1)
diag "at least $((least / 1048576)) MiB were available all the time"
check "though enough was: not under the band" [ "$least" -gt $((150 * 1048576 * 8 / 100)) ]
is "$(guest_run g 'dmesg | grep -c "Out of memory"' 30)" 0 "and nothing was killed"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
