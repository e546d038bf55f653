# SPDX-License-Identifier: GPL-2.0-or-later
# What "xen-vballoonctl top --json --interval 1" wrote, as a load: see README. --argjson host: MiB that the guests shared. What a guest used
# beside its kernel (16 MiB, for it cannot be told) is taken for allocated, and touched all the time.
def mib: . / 1024 | floor;
def used: (.static_max_kib - .statistics.ballooned_kib - .statistics.stats["available-memory"] / 1024) | mib | [. - 16, 0] | max;
[inputs | map(select(.statistics.stats["available-memory"]))] as $steps
| "host \($host)", "length \($steps | length)",
  ([$steps | to_entries[] | .key as $step | .value[] | . + {step: $step}] | group_by(.domid)[]
  | "guest \(.[0].name) max \(.[0].static_max_kib | mib) kernel 16 swap 64 \(if .[0].step == 0
	then "has \(.[0].static_max_kib - .[0].statistics.ballooned_kib | mib)" else "start \(.[0].step)" end)",
    (.[0].step as $first | .[] | "at \(.step - $first) anon \(used) hot \(used) file 0 stream 0"))
