# SPDX-License-Identifier: GPL-2.0-or-later
# What "xen-vballoonctl top --json" wrote of one guest, with its counters: see README.
[inputs] | to_entries[] | .key as $step
| .value[] | select(.statistics.stats["alloc-stall"] != null) | .statistics as $s | $s.stats as $t
| [$step, .static_max_kib, $s.ballooned_kib, $t["available-memory"] / 1024, $t["free-memory"] / 1024, $t["swap-in"] / 1024,
   $t["major-faults"], $t["oom-kill"], $t["alloc-stall"], $t["async-scan"] / 1024, $t["direct-scan"] / 1024]
| map(floor | tostring) | join(" ")
