# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 300
#
# A guest that means harm, from inside: no driver is loaded, and root writes to the device's registers, rings and
# messages what no driver would (tests/guest). Each gets its defined answer, the daemon lives, what it publishes is what
# Xen counts, and the stock driver that comes afterwards finds a sound device.

cat "/guest/initrd-$XV_KERNEL" /xv/hostile-guest.cpio >"$XV_STATE/initrd"
XV_INITRD=$XV_STATE/initrd
XV_APPEND="xv.noload"
start_guest g 256
before=$(xen_pages "$domid")

base=$(xs "$domid" base)

guest_run g "hostile-guest $base" >"$XV_LOGS/hostile.tap"
is "$?" 0 "hostile-guest succeeds"
relay_tap "$XV_LOGS/hostile.tap" hostile
check "the daemon lives" daemon_alive "$domid"
is "$(xen_pages "$domid")" "$before" "Xen counts every page"
check "so does the daemon" wait_ballooned "$domid" 0 5
for kind in access status features queue ring address page message; do
	check "guest errors of kind bad-$kind are published" [ "$(xs "$domid" "guest-errors/bad-$kind")" -gt 0 ]
done

# hold NAME PAGES: the device as that scenario leaves it.
hold()
{
	guest_run g "hostile-guest $base '$1' hold >/tmp/tap 2>&1 & while ! grep -q holding /tmp/tap; do sleep 0.1; done"
	check "$1: Xen counts $2 less" wait_pages "$domid" $((before - $2)) 5
	check "$1: the daemon publishes $2" wait_ballooned "$domid" $(($2 * 4)) 5
	guest_run g 'kill $(pidof hostile-guest); while pidof hostile-guest; do sleep 0.1; done; cat /tmp/tap'
	is "$?" 0 "$1: ends"
	check "$1: Xen counts every page again" wait_pages "$domid" "$before" 5
	check "$1: so does the daemon" wait_ballooned "$domid" 0 5
}
hold "pages of all kinds" 3

guest_run g "hostile-guest $base 'request never answered' hold >/tmp/tap 2>&1 & while ! grep -q holding /tmp/tap; do sleep 0.1; done"
xen-vballoonctl unused g >"$XV_LOGS/never" 2>&1
is "$?" 7 "a guest that never tells its unused pages: the time is over"
check "and that is said" grep -q 'has not answered in time' "$XV_LOGS/never"
xen-vballoonctl unused g >"$XV_LOGS/busy" 2>&1
is "$?" 5 "it cannot be asked again"
check "its daemon serves it" xen-vballoonctl status g
guest_run g 'kill $(pidof hostile-guest); while pidof hostile-guest; do sleep 0.1; done; cat /tmp/tap'
is "$?" 0 "request never answered: ends"

hold "ring on a ballooned page" 1

check "the stock driver comes" guest_run g 'for m in $(cat /lib/modules/load-order); do insmod /lib/modules/$m || exit 1; done'
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
check "the daemon publishes them" wait_ballooned "$domid" 65536 5
set_target "$domid" 262144
check "and taken again" wait_pages "$domid" "$before"
check "nothing is ballooned" wait_ballooned "$domid" 0 5
