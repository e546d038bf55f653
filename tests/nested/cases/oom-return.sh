# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
#
# A guest that was out of memory, and took some of its balloon back, is left alone while it has none to spare, and comes back to its
# size by itself when it has. Who names the size again need not wait for that.

inflated()
{
	xen-vballoonctl status g --json | sed -n 's/.*"inflated_bytes":\([0-9]*\).*/\1/p'
}

# quiet: no page has gone to the balloon for two seconds. What was asked for before it was out of memory is on its way for a while.
quiet()
{
	was=$(inflated)
	sleep 2
	[ "$(inflated)" = "$was" ]
}

# Until less than 12 MiB are available: what is left of a file cache differs from boot to boot, and it may be asked for all but 16 MiB.
available='$(sed -n "s/^MemAvailable: *\([0-9]*\) .*/\1/p" /proc/meminfo)'
fill_up="for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do [ $available -lt 12288 ] || dd if=/dev/zero bs=1M count=1 >>/tmp/fill 2>/dev/null; done; [ $available -lt 12288 ]"

start_guest g 256
before=$(xen_pages "$domid")
check "set 128M" xen-vballoonctl set g 128M --wait --timeout 30
is "$(xen_pages "$domid")" $((before - 32768)) "128 MiB given back"
check "the guest needs 110 MiB" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=110 2>/dev/null' 90
check "until it has next to nothing to spare" guest_run g "$fill_up" 90
check "and it settles" wait_for quiet 20
took=$(xs "$domid" ballooned)
check "and takes some back" [ "$took" -lt 131072 ]
is "$(xs "$domid" target)" 131072 "its size stays what was named"
sleep 25
tried=$(($(inflated) - was))
diag "in 25 s it was asked for $tried bytes of $(((131072 - took) * 1024))"
check "as long as it has next to nothing to spare it is asked for no more" [ $tried -le 0 ]
check "it frees it" guest_run g 'rm /tmp/fill; sync; echo 3 >/proc/sys/vm/drop_caches'
check "and comes back to its size by itself" wait_ballooned "$domid" 131072 60
is "$(xen_pages "$domid")" $((before - 32768)) "to the page"
check "once more" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=110 2>/dev/null' 90
check "it takes some back" [ "$(xs "$domid" ballooned)" -lt 131072 ]
guest_run g 'rm /tmp/fill; sync; echo 3 >/proc/sys/vm/drop_caches'
check "the same size named again is reached" xen-vballoonctl set g 128M --wait --timeout 9
check "all of it" wait_ballooned "$domid" 131072 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|killed process")"'
