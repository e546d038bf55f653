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

start_guest g 256
before=$(xen_pages "$domid")
check "set 128M" xen-vballoonctl set g 128M --wait --timeout 30
is "$(xen_pages "$domid")" $((before - 32768)) "128 MiB given back"
check "the guest needs 110 MiB" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=110 2>/dev/null' 90
took=$(xs "$domid" ballooned)
check "and takes some back" [ "$took" -lt 131072 ]
is "$(xs "$domid" target)" 131072 "its size stays what was named"
sleep 2
was=$(inflated)
sleep 25
tried=$(($(inflated) - was))
diag "in 25 s it was asked for $tried bytes of $(((131072 - took) * 1024))"
check "as long as it has next to nothing to spare it is asked for no more" [ $tried -lt 4194304 ]
check "it frees it" guest_run g 'rm /tmp/fill; sync; echo 3 >/proc/sys/vm/drop_caches'
check "and comes back to its size by itself" wait_ballooned "$domid" 131072 60
is "$(xen_pages "$domid")" $((before - 32768)) "to the page"
check "once more" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=110 2>/dev/null' 90
check "it takes some back" [ "$(xs "$domid" ballooned)" -lt 131072 ]
guest_run g 'rm /tmp/fill; sync; echo 3 >/proc/sys/vm/drop_caches'
check "the same size named again is reached" xen-vballoonctl set g 128M --wait --timeout 9
check "all of it" wait_ballooned "$domid" 131072 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|killed process")"'
