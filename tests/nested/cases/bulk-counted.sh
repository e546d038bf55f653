# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# timeout: 300
#
# Our driver's balloon in the guest's own books: what is in it is off MemTotal to the page where nobody may take it back (no
# deflate-on-oom), whether it came and went in blocks or as single pages, and each of its pages is marked offline, for who dumps
# the guest's memory. All of that is undone when it comes back.

# offline: how many of the guest's pages are marked so; its RAM begins at 1 GiB, and each page has 8 bytes there
offline()
{
	guest_run g 'dd if=/proc/kpageflags bs=2M skip=1 count=1 2>/dev/null | hexdump -v -e "1/4 \"%08x\" 1/4 \"%08x\n\"" | grep -c "^..[89a-f]"'
}

# counted TEXT PAGES: that many are in the balloon
counted()
{
	check "$1: Xen has them" wait_pages "$domid" $((before - $2))
	check "$1: so does the driver" wait_for '[ "$(xs "$domid" actual)" = '$(($2 * 4))' ]' 5
	is "$(guest_meminfo g MemTotal)" $((total - $2 * 4)) "$1: the guest has so much less"
	is "$(offline)" "$2" "$1: offline are they and no others"
}

start_guest g 256 1 '' --no-deflate-on-oom
before=$(xen_pages "$domid")
total=$(guest_meminfo g MemTotal)
is "$(offline)" 0 "no page is offline"
set_target "$domid" 196608
counted "64 MiB" 16384
set_target "$domid" 196620
counted "three pages less" 16381
set_target "$domid" 196716
counted "some more less" 16357
set_target "$domid" 131184
counted "an odd number" 32740
set_target "$domid" 262144
counted "nothing" 0
check "the guest can use it all" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=160 2>/dev/null && rm /tmp/fill'
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|WARNING|bad page|unable to handle|external abort")"'
