# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# rmmod virtio_balloon gives everything back first; the driver that comes next finds the same target.

start_guest g 256
before=$(xen_pages "$domid")
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
for round in 1 2; do
	check "round $round: rmmod virtio_balloon" guest_run g 'rmmod virtio_balloon'
	is "$(xen_pages "$domid")" "$before" "round $round: every page is there again"
	check "round $round: the daemon knows" wait_ballooned "$domid" 0 5
	check "round $round: insmod virtio_balloon" guest_run g 'insmod /lib/modules/virtio_balloon.ko'
	check "round $round: 64 MiB given back again" wait_pages "$domid" $((before - 16384))
done
check "virtio_mmio goes and comes too" guest_run g \
	'rmmod virtio_balloon && rmmod virtio_mmio && insmod /lib/modules/virtio_mmio.ko && insmod /lib/modules/virtio_balloon.ko'
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
set_target "$domid" 262144
check "every page is there at the end" wait_pages "$domid" "$before"
