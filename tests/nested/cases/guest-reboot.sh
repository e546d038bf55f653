# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# A reboot is a new domain: the old daemon ends by itself, the new domain's starts with an empty balloon, and the guest has the size
# again that somebody had named.

start_guest g 256
first=$domid
before=$(xen_pages "$first")
set_target "$first" 131072
check "128 MiB given back" wait_pages "$first" $((before - 32768))
guest_send g 'reboot -f' >/dev/null
check "xl makes a new domain" wait_for '[ -n "$(domid g)" ] && [ "$(domid g)" != "$first" ]' 30
second=$(domid g)
# There is no pause this time: the daemon must be there before the guest's driver is, a second or two after this.
check "with a device" wait_for '[ -n "$(xs "$second" grant_usage)" ]' 10
start_daemon "$second" || bail "the new domain's daemon serves its device"
check "the old daemon has ended by itself" wait_daemon "$first" 5
is "$daemon_status" 0 "with status 0"
check "the guest is up again" wait_guest g 60 2
is "$(xs "$second" target)" 131072 "with the size that was named"
check "which it comes to" wait_pages "$second" $((before - 32768))
set_target "$second" 262144
check "all of its memory is there" wait_pages "$second" "$before"
check "with an empty balloon" wait_ballooned "$second" 0 5
set_target "$second" 196608
check "which works" wait_pages "$second" $((before - 16384))
