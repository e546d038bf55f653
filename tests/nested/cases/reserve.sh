# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# The reserve: a guest is asked for memory while the host could give it back, and is not once another domain has that
# memory; by ctl and by xenstore it is told why, --overcommit asks nevertheless, and the other's end mends it.

set_size()
{
	said=$(xen-vballoonctl set g "$1" 2>&1)
	status=$?
	diag "set $1: $status, $said"
}

free_kib()
{
	echo $(($(dominfo 0 free_pages) * 4))
}

start_guest g 256
before=$(xen_pages "$domid")
set_size 192M
is "$status" 0 "64 MiB are taken from a guest"
check "and given" wait_pages "$domid" $((before - 16384))
check "which xenstore shows" wait_ballooned "$domid" 65536 5

# Never unpaused: it only has memory, all but the half of what is owed.
filler=$((($(free_kib) - 32768) / 1024))
create_guest filler "$filler" 1 >/dev/null || bail "a domain of $filler MiB is created"
diag "the host has $(free_kib) KiB left"
check "another domain has part of it" [ "$(free_kib)" -lt 65536 ]

set_size 160M
is "$status" 5 "a lower target is refused"
case $said in
*"64 MiB is in balloons"*) ok "for what is in balloons" ;;
*) not_ok "for what is in balloons" ;;
esac
is "$(xs "$domid" target)" 196608 "the target before is in force"
check "xenstore says why" [ "$(xs "$domid" refused | sed 's/free [0-9]*/free N/')" = "163840 KiB: free N KiB, owed 65536 KiB" ]
xenstore-rm "$(backend_node "$domid")/refused"
set_target "$domid" 131072
check "a key is refused as well" wait_for '[ "$(xs "$domid" target)" = 196608 ]' 5
sleep 2
is "$(xen_pages "$domid")" $((before - 16384)) "the guest was not asked"
set_size 208M
is "$status" 0 "a higher target is no question"
check "and comes" wait_pages "$domid" $((before - 12288))
set_size 192M
is "$status" 5 "and what it has back is its own"

check "the daemon ends" stop_daemon "$domid"
check "the next one takes over" start_daemon "$domid" --overcommit
is "$(xs "$domid" target)" 212992 "with the target in force"
set_size 160M
is "$status" 0 "with --overcommit it is asked"
check "and gives" wait_pages "$domid" $((before - 24576))

check "the daemon ends" stop_daemon "$domid"
check "the next one takes over" start_daemon "$domid"
set_size 144M
is "$status" 5 "without, it is not"
xl destroy filler
check "the other domain ends" wait_for '[ "$(free_kib)" -gt 98304 ]' 20
set_size 144M
is "$status" 0 "and the host has it again"
check "so it is taken" wait_pages "$domid" $((before - 28672))
