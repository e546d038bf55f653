# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# boot: own
#
# xenstored dies and another starts, its contents brought back by hand: the daemon keeps serving, finds its node
# again, and does not spin meanwhile. The boot is not shared: xenconsoled does not survive this.

start_guest g 256
before=$(xen_pages "$domid")
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
pid=$(broker_of "$domid")
xenstore-ls -f >"$XV_LOGS/store"

kill -KILL "$(cat /run/xenstored.pid)"
ticks=$(cut -d' ' -f14,15 "/proc/$pid/stat" | tr ' ' +)
sleep 2
now=$(cut -d' ' -f14,15 "/proc/$pid/stat" | tr ' ' +)
check "the daemon lives" daemon_alive "$domid"
check "and does not spin" [ $((now - (ticks))) -lt 50 ]
rm -f /run/xenstored.pid
xenstored --pid-file=/run/xenstored.pid
sed 's/^\([^ ]*\) = "\(.*\)"$/\1 \2/' "$XV_LOGS/store" | while read -r path value; do
	xenstore-write "$path" "$value"
done
sleep 2
check "the daemon lives with the new one" daemon_alive "$domid"
set_target "$domid" 131072
check "and follows it" wait_pages "$domid" $((before - 32768)) 30
check "and publishes in it" wait_ballooned "$domid" 131072 5
set_target "$domid" 262144
check "every page is there at the end" wait_pages "$domid" "$before"
# xenconsoled learns of no domain's end any more, and would hold its console's page for ever.
kill -KILL "$(cat /run/xenconsoled.pid)"
