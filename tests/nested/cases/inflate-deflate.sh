# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# The guest gives 128 MiB back and takes them again: Xen, the daemon and the guest agree to the page, both times.

start_guest g 256
before=$(xen_pages "$domid")
free=$(guest_meminfo g MemFree)
is "$(xs "$domid" ballooned)" 0 "nothing is ballooned at first"
is "$(xs "$domid" target)" 262144 "the first target is all of the guest's memory"

set_target "$domid" 131072
check "inflates" wait_pages "$domid" $((before - 32768))
check "the daemon publishes it" wait_ballooned "$domid" 131072 5
check "and what the guest says" wait_for '[ "$(xs "$domid" actual)" = 131072 ]' 5
check "the guest has 120 MiB less at the least" [ "$(guest_meminfo g MemFree)" -lt $((free - 122880)) ]
is "$(xen_pages "$domid")" $((before - 32768)) "Xen still counts exactly that"

set_target "$domid" 262144
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
check "the guest says so too" wait_for '[ "$(xs "$domid" actual)" = 0 ]' 5
check "the guest can use it all" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=160 2>/dev/null && rm /tmp/fill'
is "$(xs "$domid" stalled)" "" "never stalled"
