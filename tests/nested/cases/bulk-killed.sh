# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# xen: patched
# timeout: 300
#
# kill -9 of the daemon in the middle of bulk messages, of single pages and of whole blocks: the next daemon adopts, goes
# on in the message where the dead one was, and no page is lost or counted twice.

# when_pages TEST PAGES: as soon as Xen's count is that way; no pause, blocks move fast.
when_pages()
{
	local end=$(($(now_cs) + 3000))
	until [ "$(xen_pages "$domid")" "$1" "$2" ]; do
		[ "$(now_cs)" -lt $end ] || return 1
	done
}

# kill_under_way TEXT ARGUMENTS
kill_under_way()
{
	local text=$1 now
	shift
	check "$text: the driver" guest_run g "rmmod virtio_balloon; insmod /lib/modules/ours/virtio_balloon.ko $*"
	set_target "$domid" 131072
	when_pages -lt "$before"
	stop_daemon "$domid" KILL
	now=$(xen_pages "$domid")
	diag "$text: inflating, killed after $((before - now)) of 98304 pages"
	check "$text: inflating: killed under way" [ "$now" -gt $((before - 98304)) ]
	check "$text: inflating: another adopts" start_daemon "$domid"
	check "$text: inflating: it goes on to the target" wait_pages "$domid" $((before - 98304))
	check "$text: inflating: exact" wait_ballooned "$domid" 393216 5

	set_target "$domid" 524288
	when_pages -gt $((before - 98304))
	stop_daemon "$domid" KILL
	now=$(xen_pages "$domid")
	diag "$text: deflating, killed after $((98304 - (before - now))) of 98304 pages"
	check "$text: deflating: killed under way" [ "$now" -lt "$before" ]
	check "$text: deflating: another adopts" start_daemon "$domid"
	check "$text: deflating: it goes on to the target" wait_pages "$domid" "$before"
	check "$text: deflating: exact" wait_ballooned "$domid" 0 5
}

start_guest g 512
before=$(xen_pages "$domid")
kill_under_way "chunks, single pages" page_chunks=57 block_order=0
kill_under_way "page bitmap, single pages" page_bitmap=56 block_order=0
kill_under_way "chunks, blocks" page_chunks=57
check "the guest is well and can use it all" guest_run g \
	'dd if=/dev/zero of=/tmp/fill bs=1M count=380 2>/dev/null && rm /tmp/fill && test -z "$(dmesg | grep -iE "oops|BUG|WARNING|unable to handle|external abort")"' 90
