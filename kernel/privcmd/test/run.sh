#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh [TEST...]: in a dom0, the programs beside this script against guests of their own. TAP on
# stdout.
#
# Needs xl and the rebuilt modules; nothing else runs meanwhile. Each program gets guests that
# nobody has unpaused, and the kernel's log is part of the result: a line that a stock dom0 would
# not print fails the run.

dir=$(cd "$(dirname "$0")" && pwd)
if [ ! -e /dev/xen/privcmd ] || ! xl list >/dev/null 2>&1; then
	echo "1..0 # SKIP this is no dom0: there is no /dev/xen/privcmd, or xl does not work"
	exit 4
fi
cfg=${TMPDIR:-/tmp}/eventfd-test
case $(uname -m) in
x86_64) guest_type='type = "pvh"' ;;
*)	guest_type='nr_spis = 16' ;;
esac
status=0
# Tests of what is answered by whom are to have no maximum; that is eventfd-load's.
maximum=/sys/module/xen_privcmd/parameters/irq_percent
percent=$(cat $maximum 2>/dev/null)
percent_all=$(cat ${maximum}_all 2>/dev/null)
# set_maximum PERCENT ALL
set_maximum()
{
	[ -z "$percent" ] || { echo "$1" >$maximum; echo "$2" >${maximum}_all; }
}
trap 'set_maximum "$percent" "$percent_all"; rm -f "$cfg"-*.cfg' EXIT
trap 'exit 143' INT TERM

# new_guest NAME VCPUS: prints the domid of a paused guest; no xl stays behind to wait for its end.
new_guest()
{
	cat >"$cfg-$1.cfg" <<-CFG
	name = "$1"
	kernel = "$dir/guest.img"
	memory = 16
	vcpus = $2
	acpi = 0
	$guest_type
	CFG
	xl create -e -p "$cfg-$1.cfg" >&2 && xl domid "$1"
}

# run_test NAME COMMAND...
run_test()
{
	name=$1
	shift
	echo "# $name"
	"$@"
	rc=$?
	if [ $rc -eq 0 ]; then
		echo "# $name: passed"
		return
	fi
	echo "# $name: FAILED ($rc)"
	status=1
	# If the guest does not go on: which event is pending, where, and does that vcpu run?
	xl debug-keys qer
	xl dmesg | tail -n 150 | sed 's/^/# /'
	sed 's/^/# /' /proc/interrupts
}

one()
{
	if [ ! -x "$dir/$1" ]; then
		echo "ok # SKIP $1 was not built"
		return
	fi
	case $1 in
	eventfd-load) set_maximum "$percent" "$percent_all" ;;
	*) set_maximum 0 0 ;;
	esac
	case $1 in
	eventfd-args)
		a=$(new_guest eventfd-a 2) && b=$(new_guest eventfd-b 1) &&
			run_test "$1" "$dir/$1" "$a" "$b" || status=1
		xl destroy eventfd-b ;;
	no-ioeventfd)
		# Not part of the whole: for a stock xen-evtchn.
		a=$(new_guest eventfd-a 2) && run_test "$1" "$dir/$1" "$a" || status=1 ;;
	eventfd-path | eventfd-load | eventfd-close | upstream-abi)
		a=$(new_guest eventfd-a 2) &&
			run_test "$1" "$dir/$1" "$a" "xl unpause $a" || status=1 ;;
	eventfd-reuse)
		# Not part of the whole: CHOOSE_DOMID is a command prefix that has xl give a guest
		# the number $XV_DOMID.
		a=$(new_guest eventfd-a 1)
		again="XV_DOMID=$a $CHOOSE_DOMID xl create -e -p $cfg-eventfd-a.cfg"
		[ -n "$a" ] && run_test "$1" "$dir/$1" "$a" "xl unpause $a" "xl destroy $a" \
			"rm -f /run/xen/domid-history; $again" || status=1 ;;
	eventfd-unload)
		# Not part of the whole: it stops everything else, and who calls it starts that
		# again.
		a=$(new_guest eventfd-a 1) &&
			run_test "$1" "$dir/$1" "$a" "xl unpause $a" \
				"$UNLOAD_ALONE" "$UNLOAD_LOAD" || status=1
		return ;;
	eventfd-account | eventfd-stress)
		a=$(new_guest eventfd-a 2) &&
			run_test "$1" "$dir/$1" "$a" "xl unpause $a" "${STRESS_CHANGES:-2000}" \
				"${STRESS_KICKS:-1000}" "${STRESS_SEED:-1}" ||
			status=1 ;;
	memory)
		a=$(new_guest eventfd-a 2) && b=$(new_guest eventfd-b 1) &&
			run_test "$1" "$dir/$1" "$a" "$b" \
				"xl unpause $a" "xl destroy $a" || status=1
		xl list "$a" >/dev/null 2>&1 && xl destroy "$a"
		xl destroy eventfd-b
		return ;;
	memory-stress)
		a=$(new_guest eventfd-a 2) && b=$(new_guest eventfd-b 1) &&
			run_test "$1" "$dir/$1" "$a" "$b" \
				"${MEMORY_CHANGES:-1000}" "${STRESS_SEED:-1}" || status=1
		xl destroy eventfd-b ;;
	*)	echo "no such test: $1"; status=1; return ;;
	esac
	xl destroy eventfd-a
}

dmesg -c >/dev/null
[ $# -gt 0 ] || set -- eventfd-args upstream-abi eventfd-path eventfd-load eventfd-close \
	eventfd-account eventfd-stress memory memory-stress
for test; do
	one "$test"
done
found='BUG|WARNING|Oops|Call trace|leaking|irqfd|virtio irq|list_(add|del)|refcount|rcu.*stall'
if dmesg | grep -E "$found|hung task"; then
	echo "not ok - the kernel's log is clean"
	status=1
else
	echo "ok - the kernel's log is clean"
fi
exit $status
