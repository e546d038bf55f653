# SPDX-License-Identifier: GPL-2.0-or-later
# What "xen-vballoonctl top --json --interval 1" wrote of guests that have all of their memory, as a load: see README. --argjson about:
#   host   MiB that the guests shall share; each that is there from the beginning has the same part
#   swap   MiB of each guest
#   leaks  names: what these allocated after the beginning they do not touch again
#   once   names: these read files once; all others over and over
#   lead   seconds in which nothing happens, before the first figures: the guests have been there for long
# None of these can be told from the figures. What is swapped out belongs to what a guest allocated, until it uses next to nothing.
def mib: . / 1048576 | floor;
def least(f): map(f) | min;
def point: "anon \(.anon) hot \(.hot) file \(.file) stream \(.stream)";
[inputs | map(select(.statistics.stats["available-memory"]))] as $steps
| [$steps | to_entries[] | .key as $step | .value[] | .statistics.stats as $t | {step: $step, domid, name, max: (.static_max_kib * 1024 | mib),
    used: (((.static_max_kib - .statistics.ballooned_kib) * 1024 - $t["available-memory"]) | mib), cache: ($t["disk-caches"] | mib),
    out: (($t["swap-out"] - $t["swap-in"]) | mib)}] | group_by(.domid) as $guests
| ([$guests[] | select(.[0].step == 0)] | length) as $there
| "host \($about.host)", "length \(($steps | length) + $about.lead)",
  ($guests[] | .[0] as $first | least(.used) as $kernel | least(.cache) as $cache | $first.name as $name | (if $first.step == 0 then $about.lead else 0 end) as $lead
  | "guest \($name) max \($first.max) kernel \($kernel) swap \($about.swap) \(if $first.step == 0
      then "has \($about.host / $there | floor)" else "start \($first.step)" end)",
    ([foreach .[] as $s ({given_up: $first.out, cache: $cache};
        {given_up: (if $s.used - $kernel <= 8 then $s.out else .given_up end), cache: $s.cache,
         point: {step: $s.step, anon: ($s.used - $kernel + ([$s.out - .given_up, 0] | max)), read: ([$s.cache - .cache, 0] | max)}};
        .point + {file: ($s.cache - $cache)})]
     | .[0].anon as $before
     | map(.hot = (if $about.leaks | index($name) then [.anon, $before] | min else .anon end)
         | if $about.once | index($name) then .stream = .read | .file = 0 else .stream = 0 end)
     | . as $all | to_entries[]
     | select(.key == 0 or .key == ($all | length) - 1 or
              (.value | point) != ($all[.key - 1] | point) or (.value | point) != ($all[.key + 1] | point))
     | "at \(if .key == 0 then 0 else .value.step - $first.step + $lead end) \(.value | point)",
       (if .key == 0 and $lead > 0 then "at \($lead) \(.value | point)" else empty end)))
