# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 1500
# run: named
#
# Two hundred kill -9 at moments by chance, under a guest that inflates and deflates all the time, with frames of it mapped by
# another process in dom0. After each, with nobody serving, Xen's page tables and the state file are compared frame by frame:
# they differ in no frame but those of the one call that was under way. Every twentieth time the guest comes to rest: then
# xenstore says the same as well, and Xen's count is exact.

kills=200
rest=20
seed=2026
state=

# chance BELOW: sets drawn; the same in every run
chance()
{
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	drawn=$((seed / 65536 % $1))
}

# compare: sets holes and journal, from what frames-xen says
compare()
{
	local said status
	said=$(frames-xen "$domid" "$state")
	status=$?
	[ $status -eq 0 ] || diag "kill $kill: $said"
	holes=$(echo "$said" | sed -n 's/.* holes \([0-9]*\) .*/\1/p')
	journal=$(echo "$said" | sed -n 's/.* journal \([0-9]*\)$/\1/p')
	return $status
}

# come_to_rest: whether all that count agree
come_to_rest()
{
	# not the daemon, which is a child as well
	[ -z "$holders" ] || wait $holders
	holders=
	wait_pages "$domid" $((before - 65536 + target / 4)) 60 || { diag "kill $kill: $(xen_pages "$domid") pages, target $target KiB"; return 1; }
	compare || return 1
	wait_ballooned "$domid" $((holes * 4)) 5 || { diag "kill $kill: $holes holes, $(xs "$domid" ballooned) KiB"; return 1; }
}

start_guest g 256
state=$(ls /run/xen-vballoon/"$domid"-0.state) || bail "the state file is where the manual says"
before=$(xen_pages "$domid")
kill=0
check "at the beginning no frame is away" compare
first=$(cut -d. -f1 /proc/uptime)

holders=
agreed=0
rested=0
rests=0
in_call=0
under_way=0
while [ $kill -lt $kills ]; do
	kill=$((kill + 1))
	chance 40960
	target=$(((24576 + drawn) * 4))
	set_target "$domid" $target
	if [ $((kill % 3)) = 0 ]; then
		chance 60000
		sleep 2 | frames-xen "$domid" hold $((0x40000 + drawn)) 512 &
		holders="$holders $!"
	fi
	if [ $((kill % rest)) = 0 ]; then
		rests=$((rests + 1))
		come_to_rest && rested=$((rested + 1))
		chance 40960
		target=$(((24576 + drawn) * 4))
		set_target "$domid" $target
	fi
	chance 400
	sleep "$(printf 0.%03d "$drawn")"
	stop_daemon "$domid" KILL || bail "kill -9 ends it"
	[ "$(xen_pages "$domid")" = $((before - 65536 + target / 4)) ] || under_way=$((under_way + 1))
	compare && agreed=$((agreed + 1))
	[ "${journal:-0}" = 0 ] || in_call=$((in_call + 1))
	start_daemon "$domid" >/dev/null || bail "after kill $kill another adopts"
done
diag "$kills kills in $(($(cut -d. -f1 /proc/uptime) - first)) s of virtual time; $under_way under way, $in_call in the middle of a call"
is $agreed $kills "after each kill the page tables and the bitmap agree, frame by frame"
check "a quarter of them or more were under way" [ $under_way -ge $((kills / 4)) ]
is $rested $rests "at rest xenstore and Xen's count say the same"
target=262144
set_target "$domid" $target
check "all of it comes back" come_to_rest
is "$holes" 0 "no hole is left"
check "the guest is well and can use it all" guest_run g \
	'dd if=/dev/zero of=/tmp/fill bs=1M count=150 2>/dev/null && rm /tmp/fill && test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 90
