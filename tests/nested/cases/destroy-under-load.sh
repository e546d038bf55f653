# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# xl destroy in the middle of an inflation and of a deflation: back within 3 s, no zombie, no daemon, all memory free.

# What Xen and dom0 allocate once, with the first guest, is no leak.
start_guest g-first 512
before=$(xen_pages "$domid")
set_target "$domid" 262144
check "a first guest inflates" wait_pages "$domid" $((before - 65536))
xl destroy g-first
check "and is gone" wait_daemon "$domid" 5
wait_for '[ -z "$(zombies)" ]' 3
free=$(dominfo 0 free_pages)
for direction in inflating deflating; do
	start_guest g-$direction 512
	before=$(xen_pages "$domid")
	set_target "$domid" 262144
	if [ $direction = deflating ]; then
		wait_pages "$domid" $((before - 65536))
		set_target "$domid" 524288
		wait_for '[ "$(xen_pages "$domid")" -gt $((before - 61440)) ]' 30
	else
		wait_for '[ "$(xen_pages "$domid")" -lt $((before - 4096)) ]' 30
	fi
	now=$(xen_pages "$domid")
	check "$direction: under way" [ "$now" -lt "$before" -a "$now" -gt $((before - 65536)) ]
	start=$(now_cs)
	check "$direction: xl destroy" xl destroy g-$direction
	taken=$(($(now_cs) - start))
	diag "xl destroy took ${taken}0 ms"
	check "$direction: within 3 s" [ "$taken" -lt 300 ]
	check "$direction: the daemon ends by itself" wait_daemon "$domid" 5
	is "$daemon_status" 0 "$direction: with status 0"
	check "$direction: no zombie is left" wait_for '[ -z "$(zombies)" ]' 3
done
check "every page of theirs is free again" wait_for '[ "$(dominfo 0 free_pages)" -eq "$free" ]' 10
diag "free pages in Xen: $free before, $(dominfo 0 free_pages) after"
