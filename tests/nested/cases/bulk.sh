# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# xen: patched
# timeout: 400
#
# Every way to name pages ends in the same: drivers and encodings follow each other in one guest, each unloaded with its
# balloon full, and Xen, the daemon and the guest agree to the page each time. Sourced by bulk-plain too, for the
# hypervisor without our patches.

# use MODULE [ARGUMENTS]: that driver instead of the one there is.
use()
{
	guest_run g "rmmod virtio_balloon" || return 1
	[ "$(xen_pages "$domid")" = "$before" ] || { diag "unloaded: $(xen_pages "$domid") pages of $before"; return 1; }
	wait_ballooned "$domid" 0 5 || return 1
	guest_run g "insmod /lib/modules/$*"
}

# round TEXT FEATURES MODULE [ARGUMENTS]: FEATURES are bits 56 to 58 as the driver has accepted them. Begins and ends with
# 64 MiB in the balloon, of which the unloaded driver has given back all.
round()
{
	local text=$1 features=$2
	shift 2
	check "$text: takes the place of the driver before" use "$@"
	is "$(guest_run g 'cat /sys/bus/virtio/devices/virtio0/features' | cut -c57-59)" "$features" "$text: features"
	check "$text: finds the target there was" wait_pages "$domid" $((before - 16384))
	set_target "$domid" 131072
	check "$text: inflates" wait_pages "$domid" $((before - 32768))
	check "$text: the daemon publishes it" wait_ballooned "$domid" 131072 5
	check "$text: and what the guest says" wait_for '[ "$(xs "$domid" actual)" = 131072 ]' 5
	check "$text: statistics have 120 MiB less" \
		wait_for '[ -n "$(xs "$domid" stats/free-memory)" ] && [ $(($(xs "$domid" stats/free-memory) / 1024)) -lt $((free - 122880)) ]' 30
	set_target "$domid" 262144
	check "$text: deflates" wait_pages "$domid" "$before"
	check "$text: nothing is ballooned" wait_ballooned "$domid" 0 5
	check "$text: the guest says so too" wait_for '[ "$(xs "$domid" actual)" = 0 ]' 5
	# Whole blocks, one of which has to be cut.
	set_target "$domid" 196608
	check "$text: inflates by whole blocks" wait_pages "$domid" $((before - 16384))
	set_target "$domid" 196620
	check "$text: deflates by three pages" wait_pages "$domid" $((before - 16381))
	set_target "$domid" 262144
	check "$text: and by the rest" wait_pages "$domid" "$before"
	# An odd target: runs are cut, blocks are not whole.
	set_target "$domid" 196620
	check "$text: inflates by an odd number of pages" wait_pages "$domid" $((before - 16381))
	set_target "$domid" 196608
	check "$text: three pages more" wait_pages "$domid" $((before - 16384))
}

start_guest g 256 1 '' --stats-interval=1
before=$(xen_pages "$domid")
free=$(guest_meminfo g MemFree)
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))

round "chunks, blocks" 010 ours/virtio_balloon.ko page_chunks=57
round "page numbers, the stock driver" 000 virtio_balloon.ko
round "page bitmap, single pages" 100 ours/virtio_balloon.ko page_bitmap=56 block_order=0
round "page numbers, our driver" 000 ours/virtio_balloon.ko
round "chunks, single pages" 010 ours/virtio_balloon.ko page_chunks=57 block_order=0
round "page bitmap, blocks" 100 ours/virtio_balloon.ko page_bitmap=56
round "both and the host request queue" 111 ours/virtio_balloon.ko page_bitmap=56 page_chunks=57 host_req_vq=58

check "every page comes back" guest_run g 'rmmod virtio_balloon'
is "$(xen_pages "$domid")" "$before" "to Xen"
check "the guest can use it all" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=160 2>/dev/null && rm /tmp/fill'
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|WARNING|unable to handle|external abort")"'
is "$(xenstore-ls -f "$(backend_node "$domid")/guest-errors" 2>/dev/null | grep -v ' = "0"')" "" "no guest error was counted"
