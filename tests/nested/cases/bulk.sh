# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# xen: patched
#
# Bulk messages end in the same pages as page numbers do, on the patched hypervisor: Xen, the daemon and the guest agree.

start_guest g 256
before=$(xen_pages "$domid")
features=$(guest_run g 'cat /sys/bus/virtio/devices/virtio0/features')
is "$(echo "$features" | cut -c57-59)" 111 "the driver has accepted bitmaps, chunks and the host request queue"
set_target "$domid" 131072
check "inflates" wait_pages "$domid" $((before - 32768))
check "the daemon publishes it" wait_for '[ "$(xs "$domid" ballooned)" = 131072 ]' 5
set_target "$domid" 262144
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_for '[ "$(xs "$domid" ballooned)" = 0 ]' 5
check "the guest can use it all" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=160 2>/dev/null && rm /tmp/fill'
