# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# Two guests at once, each with its own daemon: neither's target, figures or end touches the other.

start_guest one 256
one=$domid
start_guest two 256
two=$domid
one_before=$(xen_pages "$one")
two_before=$(xen_pages "$two")

set_target "$one" 196608
set_target "$two" 131072
check "the first gives 64 MiB" wait_pages "$one" $((one_before - 16384))
check "the second gives 128 MiB" wait_pages "$two" $((two_before - 32768))
check "the first's own figure" wait_for '[ "$(xs "$one" ballooned)" = 65536 ]' 5
check "the second's own figure" wait_for '[ "$(xs "$two" ballooned)" = 131072 ]' 5

check "the first is destroyed" xl destroy one
check "its daemon ends by itself" wait_daemon "$one" 5
is "$daemon_status" 0 "with status 0"
check "the other daemon lives" daemon_alive "$two"
set_target "$two" 262144
check "and its guest gets all its memory again" wait_pages "$two" "$two_before"
