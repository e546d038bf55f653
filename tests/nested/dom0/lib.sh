# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a case may use: TAP, guests, daemons, and what Xen says. Sourced by run-case in dom0 (busybox sh).
#
# Names: a guest is known by the name its case gives it, a domain by its id. What must be cleaned up is in files
# under $XV_STATE (functions run in subshells when a case reads their output), a file system of the case's own, for its files too. `finish` runs at the end of every
# case, however it ended: it stops daemons, destroys guests and reports what was left behind as a result of its own.
# Time-outs are in dom0's time; polling is the price of watching from a shell, and is not in the product.

# --- results -------------------------------------------------------------------------------------------------

tap()
{
	printf '%s\n' "$*" >"$XV_RESULTS"
	printf '%s\n' "$*"
}

count_result()
{
	xv_count=$((${xv_count:-0} + 1))
}

ok()
{
	count_result
	tap "ok $xv_count - $*"
}

not_ok()
{
	count_result
	: >"$XV_STATE/failed"
	tap "not ok $xv_count - $*"
}

diag()
{
	printf '%s\n' "$*" | while IFS= read -r line; do tap "# $line"; done
}

# is GOT WANTED TEXT
is()
{
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		diag "got '$1', wanted '$2'"
	fi
}

# check TEXT COMMAND...: ok if the command succeeds.
check()
{
	local text=$1
	shift
	if "$@"; then ok "$text"; else not_ok "$text"; fi
}

# bail TEXT: the case cannot go on.
bail()
{
	not_ok "$*"
	xv_over=bailed
	exit 1
}

# relay_tap FILE PREFIX: the results of a program that reports TAP itself, as this case's; the plan must hold.
relay_tap()
{
	local line results=0 plan=none
	while IFS= read -r line; do
		case $line in
		"ok "*)		results=$((results + 1)); ok "$2: ${line#ok * - }" ;;
		"not ok "*)	results=$((results + 1)); not_ok "$2: ${line#not ok * - }" ;;
		1..*)		plan=${line#1..} ;;
		*)		diag "$2: $line" ;;
		esac
	done <"$1"
	is "$plan" "$results" "$2: as many results as planned"
}

# say TEXT: a line for the person at the terminal, of a demonstration.
say()
{
	printf '%s\n' "$*" | while IFS= read -r line; do tap "say $line"; done
}

# --- dom0's kernel --------------------------------------------------------------------------------------------

# kernel_tests NAME...: programs of kernel/privcmd/test, each result of theirs as this case's, then what the kernel said meanwhile.
# How far a long one is goes to the terminal.
kernel_tests()
{
	local test line status
	export TEST_PATIENCE=${XV_PATIENCE:-1}
	for test; do
		: >"$XV_LOGS/$test.log"
		{
			/xv/kernel-test/run.sh "$test" 2>&1
			echo $? >"$XV_STATE/status"
		} | while IFS= read -r line; do
			printf '%s\n' "$line" >>"$XV_LOGS/$test.log"
			case $line in
			"# so far "*) tap "say   $test: ${line#\# }" ;;
			esac
		done
		status=$(cat "$XV_STATE/status")
		grep -E '^(not )?ok ' "$XV_LOGS/$test.log" >"$XV_STATE/results"
		while read -r line; do
			case $line in
			"ok "*) ok "$test: ${line#ok *- }" ;;
			*) not_ok "$test: ${line#not ok *- }" ;;
			esac
		done <"$XV_STATE/results"
		is "$status" 0 "$test"
		[ "$status" -eq 0 ] || diag "$(grep -E 'Bail|got|unexpected|FAILED' "$XV_LOGS/$test.log" | head -n 10)"
		grep '^# [0-9]* kicks' "$XV_LOGS/$test.log" >"$XV_STATE/said" && diag "$(cat "$XV_STATE/said")"
	done
}

# Of the kernel of lab check kasan only.
lockdep_is_on()
{
	grep -q 'debug_locks: *1' /proc/lockdep_stats
}

kernel_leaks_clear()
{
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	echo clear >/sys/kernel/debug/kmemleak
}

# kernel_leaks: memory that nothing points to any more, to the kernel's log as well. It must be some seconds old to count.
kernel_leaks()
{
	local turn
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	for turn in 1 2; do
		sleep 6
		echo scan >/sys/kernel/debug/kmemleak
	done
	cat /sys/kernel/debug/kmemleak | tee /dev/stderr
	grep 'unreferenced object' /sys/kernel/debug/kmemleak | head -n 20 >/dev/kmsg
}

# --- waiting -------------------------------------------------------------------------------------------------

now_cs()
{
	sed 's/\.//; s/ .*//' /proc/uptime
}

# wait_for CONDITION SECONDS: evaluate the condition until it is true; 1 when the time is up. XV_PATIENCE times as long for a
# kernel in which everything takes longer. Looking takes processor time from what is waited for, and waiting costs none
# under icount: the longer it takes, the more seldom it looks, so that it is late by an eighth at most.
wait_for()
{
	local xv_now xv_begin xv_end xv_pause
	read -r xv_now _ </proc/uptime
	xv_begin=${xv_now%.*}${xv_now#*.}
	xv_end=$((xv_begin + $2 * 100 * ${XV_PATIENCE:-1}))
	until eval "$1"; do
		read -r xv_now _ </proc/uptime
		xv_now=${xv_now%.*}${xv_now#*.}
		[ "$xv_now" -lt "$xv_end" ] || return 1
		xv_pause=$(((xv_now - xv_begin) / 8))
		[ $xv_pause -ge 10 ] || xv_pause=10
		[ $xv_pause -le 99 ] || xv_pause=99
		sleep 0.$xv_pause
	done
}

# wait_key DOMID KEY TEST SECONDS: until the key of the device's backend node is as TEST says ("= 7", "-lt 9"), looked at when
# xenstore says that it has changed and not by the clock.
wait_key()
{
	local xv_pipe=$XV_STATE/watch xv_watcher xv_late=1
	mkfifo "$xv_pipe"
	timeout $(($4 * ${XV_PATIENCE:-1})) xenstore-watch "$(backend_node "$1")/$2" >"$xv_pipe" &
	xv_watcher=$!
	# A watch fires once when it is set.
	while read -r _; do
		if eval "[ \"\$(xs $1 $2)\" $3 ]" 2>/dev/null; then
			xv_late=0
			break
		fi
	done <"$xv_pipe"
	kill $xv_watcher 2>/dev/null
	wait $xv_watcher
	rm "$xv_pipe"
	return $xv_late
}

# --- guests --------------------------------------------------------------------------------------------------

# guest_initrd: the file of the guests' usual initramfs: with our balloon module in it, and the drivers of a backend's devices,
# where the case's header asks for that.
guest_initrd()
{
	local file=/guest/initrd-$XV_KERNEL
	local part parts=
	for part in /xv/guest-balloon.cpio /xv/guest-backends.cpio; do
		[ ! -e $part ] || parts="$parts $part"
	done
	if [ -n "$parts" ]; then
		file=/run/initrd-$XV_KERNEL-ours
		# shellcheck disable=SC2086
		[ -e "$file" ] || cat "/guest/initrd-$XV_KERNEL" $parts >"$file"
	fi
	echo "$file"
}

# create_hvm_guest NAME MEM_MIB VCPUS: an x86 guest without a device model, as hvm-guest makes it. XV_ACPI are options of
# xen-virtio-acpi, XV_PIRQ=pirq gives it its lines as event channels.
create_hvm_guest()
{
	local table=$XV_STATE/$1.aml
	# shellcheck disable=SC2086
	xen-virtio-acpi ${XV_ACPI:-} --output "$table" >&2 || return 1
	echo "$1" >>"$XV_STATE/guests"
	hvm-guest "$1" "$2" "$3" "/guest/Image-$XV_KERNEL" "${XV_INITRD:-$(guest_initrd)}" "$table" "${XV_PIRQ:--}" \
		"console=hvc0 rdinit=/init loglevel=4 $(cat /xv/quick-boot 2>/dev/null) ${XV_APPEND:-}"
}

# create_guest NAME [MEM_MIB [VCPUS [XL_CFG_LINES]]]: xl create -p with a balloon device; prints the domain id.
# XV_APPEND is put on the guest's kernel command line, XV_INITRD is an initramfs other than the usual one, XV_VIRTIO another
# list of virtio devices; an HVM guest has one, of type XV_TYPE.
create_guest()
{
	local name=$1 mem=${2:-256} vcpus=${3:-1} extra=${4:-} id
	if [ "$(uname -m)" = x86_64 ] && [ -z "$extra" ]; then
		create_hvm_guest "$name" "$mem" "$vcpus"
		return
	fi
	cat >"$XV_STATE/$name.cfg" <<-EOT
	name = "$name"
	kernel = "/guest/${XV_IMAGE:-Image}-$XV_KERNEL"
	ramdisk = "${XV_INITRD:-$(guest_initrd)}"
	extra = "console=hvc0 rdinit=/init loglevel=4 $(cat /xv/quick-boot 2>/dev/null) ${XV_APPEND:-}"
	memory = $mem
	vcpus = $vcpus
	virtio = [ ${XV_VIRTIO:-"\"backend=0,type=virtio,device5,transport=mmio,grant_usage=0\""} ]
	$extra
	EOT
	echo "$name" >>"$XV_STATE/guests"
	xl create -p "$XV_STATE/$name.cfg" >&2 || return 1
	id=$(domid "$name") || return 1
	echo "$id"
}

domid()
{
	xl domid "$1" 2>/dev/null
}

unpause()
{
	xl unpause "$1"
}

console_log()
{
	echo "/var/log/xen/console/guest-$1.log"
}

# guest_ready NAME BOOTS
guest_ready()
{
	[ "$(grep -c '^@ready' "$(console_log "$1")" 2>/dev/null)" -ge "$2" ] 2>/dev/null
}

# wait_guest NAME [SECONDS [BOOTS]]: the guest's agent has reported, for the n-th time. One whose kernel has given up never will, and
# spins until then.
wait_guest()
{
	wait_for "guest_ready '$1' ${3:-1} || grep -q 'end Kernel panic' '$(console_log "$1")' 2>/dev/null" "${2:-240}" &&
		guest_ready "$1" "${3:-1}"
}

# guest_send NAME COMMAND: have the guest's agent start a command; prints the id of the request.
guest_send()
{
	local id tty
	id=$(($(cat "$XV_STATE/requests" 2>/dev/null || echo 0) + 1))
	echo $id >"$XV_STATE/requests"
	tty=$(xenstore-read "/local/domain/$(domid "$1")/console/tty") || return 125
	echo "@run $id $(printf '%s' "$2" | od -An -v -tx1 | tr -d ' \n')" >"$tty"
	echo $id
}

# guest_result NAME ID [SECONDS]: the command's output; returns its exit status, 124 when the time is up.
guest_result()
{
	local log
	log=$(console_log "$1")
	wait_for "grep -q '^@$2=' '$log'" "${3:-240}" || return 124
	tr -d '\r' <"$log" | sed -n "s/^@$2|//p"
	return "$(tr -d '\r' <"$log" | sed -n "s/^@$2=//p" | head -n 1)"
}

# guest_run NAME COMMAND [SECONDS]
guest_run()
{
	local id
	id=$(guest_send "$1" "$2") || return 125
	guest_result "$1" "$id" "${3:-240}"
}

# guest_meminfo NAME KEY: a figure of the guest's /proc/meminfo, in KiB.
guest_meminfo()
{
	guest_run "$1" "grep '^$2:' /proc/meminfo" | awk '{ print $2 }'
}

# --- what Xen says -------------------------------------------------------------------------------------------

dominfo()
{
	xen-dominfo "$1" 2>/dev/null | sed -n "s/^$2 //p"
}

# xen_pages DOMID: the pages the domain holds.
xen_pages()
{
	dominfo "$1" tot_pages
}

. /xv/processes.sh

# --- the daemon ----------------------------------------------------------------------------------------------

backend_node()
{
	echo "/local/domain/0/backend/virtio/$1/${2:-0}"
}

# xs DOMID KEY: a key of the device's backend node; empty when it is not there.
xs()
{
	xenstore-read "$(backend_node "$1")/$2" 2>/dev/null
}

xs_set()
{
	xenstore-write "$(backend_node "$1")/$2" "$3"
}

daemon_log()
{
	echo "$XV_LOGS/daemon-$1.log"
}

# start_daemon DOMID [ARGUMENTS]: start it and wait until it serves its device. XV_NOTIFY is its notification path, if one
# is asked for; XV_DAEMON another one than the balloon's.
start_daemon()
{
	local id=$1 log lines pid
	shift
	set -- ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} "$@"
	log=$(daemon_log "$id")
	touch "$log"
	lines=$(wc -l <"$log")
	echo "-- ${XV_DAEMON:-xen-vballoond} --domid $id $*" >>"$log"
	xenstore-rm "$(backend_node "$id")/path" 2>/dev/null
	"${XV_DAEMON:-xen-vballoond}" --domid "$id" "$@" >>"$log" 2>&1 </dev/null &
	pid=$!
	echo $pid >"$XV_STATE/daemon.$id"
	wait_for "[ -n \"\$(xs $id path)\" ] || ! pid_alive $pid" 60
	if pid_alive $pid && [ -n "$(xs "$id" path)" ]; then
		return 0
	fi
	diag "daemon of domain $id did not come up:"
	diag "$(tail -n "+$((lines + 1))" "$log" | tail -n 5)"
	return 1
}

# daemon_pid DOMID: what start_daemon started: the keeper, which starts a broker, which starts the device. broker_of has the second.
daemon_pid()
{
	cat "$XV_STATE/daemon.$1"
}

pid_alive()
{
	[ -d "/proc/$1" ] && ! grep -q ') Z' "/proc/$1/stat" 2>/dev/null
}

daemon_alive()
{
	pid_alive "$(daemon_pid "$1")"
}

# stop_daemon DOMID [SIGNAL [SECONDS]]: sets daemon_status to its exit status; 1 when it does not end.
stop_daemon()
{
	local pid family
	pid=$(daemon_pid "$1")
	# shellcheck disable=SC2046
	family=$(echo $(family_of "$pid"))
	kill -s "${2:-TERM}" "$pid" 2>/dev/null
	wait_daemon "$1" "${3:-5}" && wait_for "none_alive $family" 5
}

# wait_daemon DOMID [SECONDS]: until it has ended by itself; sets daemon_status.
wait_daemon()
{
	local pid
	pid=$(daemon_pid "$1")
	wait_for "! pid_alive $pid" "${2:-5}" || return 1
	wait "$pid"
	daemon_status=$?
	rm -f "$XV_STATE/daemon.$1"
}

# start_service PROGRAM DIRECTORY [ARGUMENTS]: the service for all guests, by its log $XV_LOGS/PROGRAM.log; DIRECTORY is where its
# lock is. Sets service to its process.
start_service()
{
	local program=$1 lock=$2/service.lock
	shift 2
	"$program" --log-level=info ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} "$@" >>"$XV_LOGS/$program.log" 2>&1 </dev/null &
	service=$!
	wait_for "[ \"\$(cat $lock 2>/dev/null)\" = $service ]" 10
}

# set_target DOMID KIB
set_target()
{
	xs_set "$1" target "$2"
}

# wait_pages DOMID PAGES [SECONDS]: until Xen counts exactly that.
wait_pages()
{
	wait_for "[ \"\$(xen_pages $1)\" = $2 ]" "${3:-60}"
}

# wait_ballooned DOMID KIB [SECONDS]: until the device's node says exactly that, which is a moment after Xen counts it.
wait_ballooned()
{
	wait_for "[ \"\$(xs $1 ballooned)\" = $2 ]" "${3:-60}"
}

# start_guest NAME [MEM_MIB [VCPUS [XL_CFG_LINES [DAEMON_ARGUMENTS]]]]: guest and daemon up and the agent ready, or the
# case ends. Sets domid.
start_guest()
{
	domid=$(create_guest "$1" "${2:-256}" "${3:-1}" "${4:-}") || bail "xl create -p $1"
	# shellcheck disable=SC2086
	start_daemon "$domid" ${5:-} || bail "${XV_DAEMON:-xen-vballoond} --domid $domid serves its device"
	unpause "$1" || bail "xl unpause $1"
	wait_guest "$1" || bail "guest $1 boots"
}

# paths_used: each notification path that a daemon of this case has said it goes by.
paths_used()
{
	sed -n 's/^.*: serving device .*, by \([a-z-]*\)$/\1/p; s/^.*notifications go on by \([a-z-]*\).*$/\1/p' "$XV_LOGS"/*.log |
		sort -u | tr '\n' ' '
}

# --- the end -------------------------------------------------------------------------------------------------

zombies()
{
	xl list | awk 'NR > 1 && ($1 == "(null)" || $5 ~ /d/ && $1 != "Domain-0")'
}

# whose processes a case may not leave
xv_daemons="virtio-rng drill-vballoond xen-vballoond xen-vrngd xen-vhost-user virtiofsd qemu-storage-daemon passt"

cleanup()
{
	local f pid name left=
	for name in $(cat "$XV_STATE/guests" 2>/dev/null); do
		if domid "$name" >/dev/null; then
			xl destroy "$name" || left="$left xl-destroy-$name-failed"
		fi
	done
	wait_for '[ -z "$(pidof $xv_daemons)" ]' 10 || left="$left daemon($(pidof $xv_daemons))"
	for pid in $(pidof $xv_daemons); do
		kill -KILL "$pid"
	done
	wait_for '[ -z "$(zombies)" ]' 10 || left="$left zombie-domain"
	if [ "$(xl list | wc -l)" -ne 2 ]; then
		left="$left domains"
	fi
	# Its room is $XV_STATE: what it leaves elsewhere would be missing to the next one.
	for f in /tmp/* /tmp/.[!.]*; do
		[ -e "$f" ] || [ -L "$f" ] || continue
		left="$left $f"
		rm -rf "$f"
	done
	xv_left=$left
}

# create_again NAME DOMID: as create_guest, with that number. In a subshell: all it starts is to create with that number.
create_again()
{
	rm -f /run/xen/domid-history
	export XV_DOMID=$2 LD_PRELOAD=/xv/choose-domid.so
	create_guest "$1" 256
}

# interrupts NAME: of the guest's virtio device, on x86
interrupts()
{
	guest_run "$1" 'awk "/virtio0/ { print \$2 }" /proc/interrupts'
}

# try_line NAME TEXT IRQ HOW: on x86, a device at this line, as an event channel (pirq) or not (-). 32 MiB go and come back
# exactly, and the line is down at the end: the interrupts' count rests.
try_line()
{
	local name=$1 id before count
	id=$(XV_ACPI="--irq $3" XV_PIRQ=$4 create_guest "$name" 160) || bail "$2: a guest is made"
	# what xl would leave 0
	xs_set "$id" base 0xfea00000
	xs_set "$id" irq "$3"
	start_daemon "$id" || bail "$2: the device is served"
	unpause "$name"
	wait_guest "$name" || bail "$2: the guest boots"
	diag "$2: $(guest_run "$name" 'grep virtio0 /proc/interrupts')"
	before=$(xen_pages "$id")
	set_target "$id" 131072
	check "$2: inflates" wait_pages "$id" $((before - 8192))
	set_target "$id" 163840
	check "$2: deflates" wait_pages "$id" "$before"
	wait_for "[ \"\$(xs $id actual)\" = 0 ]" 5
	count=$(interrupts "$name")
	check "$2: interrupts came" [ "${count:-0}" -gt 5 ]
	guest_run "$name" 'sleep 1' >/dev/null
	# statistics take one or two
	check "$2: and rest" [ $(($(interrupts "$name") - count)) -lt 10 ]
	check "$2: the guest is well" guest_run "$name" 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
	xl destroy "$name"
}

finish()
{
	set +x
	[ -n "${xv_over:-}" ] || not_ok "the case ran to its end"
	cleanup
	# A run that quietly took another path would prove nothing of the one it is said to be of.
	[ -z "${XV_PATH:-}" ] || is "$(paths_used)" "$XV_PATH " "every daemon went by $XV_PATH"
	is "${xv_left# }" "" "nothing is left behind: no daemon, no domain, no zombie, no file"
	tap "1..$xv_count"
	trap - EXIT
	exit 0
}
