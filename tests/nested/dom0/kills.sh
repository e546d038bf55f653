# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the cases kills and kills-200 are. A turn kills some of three processes, in some order: d the device, b its broker, s who would
# start others, which is the service in the first half and the keeper in the second. Who kills s starts another himself.

orders="d b s db bd ds sd bs sb dbs dsb bds bsd sdb sbd"
dir=/run/xen-vballoon
seed=2026

# chance BELOW: sets drawn; the same in every run
chance()
{
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	drawn=$((seed / 65536 % $1))
}

# find_processes: sets broker, device and starter
find_processes()
{
	if [ $by_hand = 1 ]; then
		starter=$(daemon_pid "$domid")
		broker=$(device_of "$starter")
	else
		starter=$service
		broker=$(device_process xen-vballoond "$domid")
	fi
	device=$(device_of "$broker")
	[ -n "$device" ]
}

# start_starter: after it was killed
start_starter()
{
	if [ $by_hand = 1 ]; then
		# all three have died, which is what killing the keeper means
		wait "$starter" 2>/dev/null
		start_daemon "$domid" >/dev/null
	else
		wait "$starter" 2>/dev/null
		start_service xen-vballoond $dir
	fi
}

# kill_some ORDER: kill -9 in that order, wait until the guest is served again, and note how long that took
kill_some()
{
	local order=$1 pids= took
	find_processes || { diag "turn $turn: not all processes are there"; return 1; }
	while [ -n "$order" ]; do
		case $order in
		d*) pids="$pids $device" ;;
		b*) pids="$pids $broker" ;;
		s*) pids="$pids $starter" ;;
		esac
		order=${order#?}
	done
	case $1:$by_hand in
	*s*:*)
		# shellcheck disable=SC2086
		kill -KILL $pids
		start_starter || { diag "turn $turn: $1: no other starts"; return 1; }
		wait_for '[ -n "$(xs $domid path)" ] && find_processes' 20
		;;
	*)
		# shellcheck disable=SC2086
		took=$(absence "$domid" kill $pids) || { diag "turn $turn: $1: not served again"; return 1; }
		echo "$took" >>"$XV_STATE/took.$1"
		;;
	esac
}

# come_to_rest: whether all that count agree
come_to_rest()
{
	local said holes
	wait_pages "$domid" $((before - 65536 + target / 4)) 60 || { diag "turn $turn: $(xen_pages "$domid") pages, target $target KiB"; return 1; }
	said=$(frames-xen "$domid" "$dir/$domid-0.state") || { diag "turn $turn: $said"; return 1; }
	holes=$(echo "$said" | sed -n 's/.* holes \([0-9]*\) .*/\1/p')
	wait_ballooned "$domid" $((holes * 4)) 5 || { diag "turn $turn: $holes holes, $(xs "$domid" ballooned) KiB"; return 1; }
}

# middle ORDER: of what was noted; and worst
middle()
{
	sort -n "$XV_STATE/took.$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

worst()
{
	sort -n "$XV_STATE/took.$1" | tail -n 1
}

# turns NR BY_HAND: so many, one order after the other
turns()
{
	local nr=$1
	by_hand=$2
	turn=0
	served=0
	rested=0
	rests=0
	# shellcheck disable=SC2086
	set -- $orders
	while [ $turn -lt $nr ]; do
		turn=$((turn + 1))
		[ $# -gt 0 ] || set -- $orders
		chance 40960
		target=$(((24576 + drawn) * 4))
		set_target "$domid" $target
		# a second of service, so that no turn is one of repeated deaths, and a moment by chance
		chance 400
		sleep "$(printf 1.%03d "$drawn")"
		kill_some "$1" && served=$((served + 1))
		shift
		if [ $((turn % 8)) = 0 ] || [ $turn = $nr ]; then
			rests=$((rests + 1))
			come_to_rest && rested=$((rested + 1))
		fi
	done
	is $served $nr "$how: after each kill another serves"
	is $rested $rests "$how: at rest the page tables, the bitmap, xenstore and Xen's count agree"
}

# report LIMIT_MS: in virtual time; the limit is for the median of the device alone
report()
{
	local order
	for order in d b db bd; do
		[ -s "$XV_STATE/took.$order" ] || continue
		diag "$how: killed $order: served again after $(middle $order) us, at worst $(worst $order) us, of $(wc -l <"$XV_STATE/took.$order")"
	done
	check "$how: the device alone: the median is less than $1 ms" [ "$(middle d)" -lt $(($1 * 1000)) ]
	rm -f "$XV_STATE"/took.*
}

# run_kills NR LIMIT_MS
run_kills()
{
	check "the service starts" start_service xen-vballoond $dir
	create_guest g 256 >/dev/null || bail "xl create -p"
	domid=$(domid g)
	wait_for '[ -n "$(xs "$domid" path)" ]' 20 || bail "the guest is served"
	unpause g
	wait_guest g || bail "the guest boots"
	before=$(xen_pages "$domid")
	how="under the service"
	turns $(($1 / 2)) 0
	report "$2"
	kill -TERM "$service"
	wait "$service"
	is "$(pidof xen-vballoond)" "" "the service ended, and all processes with it"
	start_daemon "$domid" || bail "by hand: served"
	how="by hand"
	turns $(($1 - $1 / 2)) 1
	report "$2"
	target=262144
	set_target "$domid" $target
	check "all of it comes back" come_to_rest
	check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
	xl destroy g
	check "nothing runs any more" wait_for '[ -z "$(pidof xen-vballoond)" ]' 10
	is "$(ls "$dir" | grep -v '^service[.]' | tr '\n' ' ')" "" "no state file and no socket is left"
	is "$(xenstore-ls -f /local/domain/0/backend/virtio 2>/dev/null | grep -c "virtio/$domid/")" 0 "nor a node"
}
