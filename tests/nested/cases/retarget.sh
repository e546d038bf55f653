# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# The target changes while the guest is on its way to another: the last one wins, to the page.

start_guest g 512
before=$(xen_pages "$domid")

set_target "$domid" 262144
check "on its way" wait_for '[ "$(xen_pages "$domid")" -lt $((before - 4096)) ]' 30
now=$(xen_pages "$domid")
check "and not there yet" [ "$now" -gt $((before - 65536)) ]
set_target "$domid" 458752
check "64 MiB given back, no more" wait_pages "$domid" $((before - 16384))

set_target "$domid" 262144
wait_for '[ "$(xen_pages "$domid")" -lt $((before - 24576)) ]' 30
set_target "$domid" 524288
check "called back half-way: every page is there again" wait_pages "$domid" "$before"

for target in 393216 327680 507904 262144 491520 360448; do
	set_target "$domid" $target
	sleep 0.2
done
check "the last of six quick ones holds" wait_pages "$domid" $((before - (524288 - 360448) / 4))
check "and is what the daemon publishes" wait_ballooned "$domid" $((524288 - 360448)) 5
sleep 1
is "$(xen_pages "$domid")" $((before - (524288 - 360448) / 4)) "it stays there"
