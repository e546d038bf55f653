# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# Two guests at once, each with its own daemon: neither's target, figures or end touches the other. Without
# deflate-on-oom Linux takes the balloon off its MemTotal, so the guests' own figures are exact here.

start_guest one 256 1 '' --no-deflate-on-oom
one=$domid
start_guest two 256 1 '' --no-deflate-on-oom
two=$domid
total=$(guest_meminfo one MemTotal)
is "$(guest_meminfo two MemTotal)" "$total" "both have the same memory at first"
one_before=$(xen_pages "$one")
two_before=$(xen_pages "$two")

set_target "$one" 196608
set_target "$two" 131072
check "the first gives 64 MiB" wait_pages "$one" $((one_before - 16384))
check "the second gives 128 MiB" wait_pages "$two" $((two_before - 32768))
check "the first's own figure" wait_ballooned "$one" 65536 5
check "the second's own figure" wait_ballooned "$two" 131072 5
is "$(guest_meminfo one MemTotal)" $((total - 65536)) "the first has 65536 KiB less"
is "$(guest_meminfo two MemTotal)" $((total - 131072)) "the second has 131072 KiB less"

check "the first is destroyed" xl destroy one
check "its daemon ends by itself" wait_daemon "$one" 5
is "$daemon_status" 0 "with status 0"
check "the other daemon lives" daemon_alive "$two"
set_target "$two" 262144
check "and its guest gets all its memory again" wait_pages "$two" "$two_before"
is "$(guest_meminfo two MemTotal)" "$total" "which it counts too"
