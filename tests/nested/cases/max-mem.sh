# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# A domain whose max_mem forbids the deflate: nothing is acknowledged falsely, the reason is published, the guest
# lives, and the deflate finishes as soon as it may.

start_guest g 256
before=$(xen_pages "$domid")
max=$(dominfo "$domid" max_pages)
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
check "the domain's max_mem is lowered by hand" xen-dominfo "$domid" set-max-kib $((229376))
allowed=$(dominfo "$domid" max_pages)
diag "tot_pages $(xen_pages "$domid"), max_pages $allowed, was $max"
set_target "$domid" 262144
check "a reason is published" wait_for '[ -n "$(xs "$domid" stalled)" ]' 20
diag "stalled: $(xs "$domid" stalled)"
pages=$(xen_pages "$domid")
check "Xen's limit holds" [ "$pages" -le "$allowed" ]
ballooned=
settled='ballooned=$(xs "$domid" ballooned); [ $((before - ballooned / 4)) -eq "$(xen_pages "$domid")" ]'
check "what is still ballooned is exact" wait_for "$settled" 5
check "the guest lives" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=32 2>/dev/null && rm /tmp/fill'
check "the daemon lives" daemon_alive "$domid"
check "max_mem is raised again" xen-dominfo "$domid" set-max-kib $((max * 4))
check "the deflate finishes" wait_pages "$domid" "$before"
check "no reason is published any more" wait_for '[ -z "$(xs "$domid" stalled)" ]' 5
check "nothing is ballooned" wait_ballooned "$domid" 0 5
