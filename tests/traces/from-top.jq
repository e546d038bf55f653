# SPDX-License-Identifier: GPL-2.0-or-later
# What "xen-vballoonctl top --json" wrote, as a trace: see README. Guests without statistics are left out; they are
# numbered in the order they are listed in, so record while none comes or goes.
[inputs] | to_entries[] | .key as $step
| [.value[] | select(.statistics.stats["available-memory"])] | to_entries[]
| [$step, .key, .value.static_max_kib, .value.statistics.ballooned_kib, (.value.statistics.stats["available-memory"] / 1024 | floor)]
| map(tostring) | join(" ")
