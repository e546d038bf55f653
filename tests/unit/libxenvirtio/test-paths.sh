#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every notification path behaves like the event channel: the programs that put a driver in front of a device run once
# more on a fake host with each path (tests/fake/hv-fake.h, FAKE_EVENTFD_FEATURES; 63 is with kick_wait and fields), as TAP. And with lines that are
# levels, as on x86 (FAKE_HELD_IRQS), where each path must leave them as InterruptStatus says.
#
# The programs are those of the build directory that make check has just built.

l=libxenvirtio
b=backend/devices/balloon
programs="$l/device/test-device $l/transport/test-mmio $l/virtqueue/test-queue $l/transport/test-server $l/device/test-restart
	$l/device/test-every-failure $l/device/test-hostile $l/device/test-foreign $l/device/test-foreign-hostile $b/test-balloon $b/test-balloon-faults $b/test-hostile-balloon"
held="$l/device/test-device $l/transport/test-server $l/device/test-restart $l/device/test-every-failure $l/device/test-hostile
	$l/device/test-foreign $l/device/test-foreign-hostile"
# All clauses of tests/conformance, which take seconds: with the paths in which most is another's.
conforms="backend/devices/balloon/test-balloon-conforms backend/devices/rng/test-rng-conforms backend/devices/vhost-user/test-bridge-conforms"
number=0
status=0

run()
{
	number=$((number + 1))
	if output=$(env "$@" 2>&1); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		printf '%s\n' "$output" | grep -aE 'LINE|ERROR|FAILED|^not ok' | sed 's/^/# /'
		status=1
	fi
}

# Upstream's has to be asked for by name.
for path in 3:upstream 7:auto 15:auto 63:auto; do
	for program in $programs; do
		name="${program##*/} with ${path#*:} of ${path%:*}"
		run "FAKE_EVENTFD_FEATURES=${path%:*}" "FAKE_NOTIFY_PATH=${path#*:}" "./tests/unit/$program"
	done
done
for path in 0:auto 3:upstream 7:auto 15:auto 63:auto; do
	for program in $held; do
		name="${program##*/} with ${path#*:} of ${path%:*}, lines held"
		run FAKE_HELD_IRQS=1 "FAKE_EVENTFD_FEATURES=${path%:*}" "FAKE_NOTIFY_PATH=${path#*:}" "./tests/unit/$program"
	done
done
for features in 7 63; do
	for program in $conforms; do
		name="${program##*/} on a host of $features"
		run "FAKE_EVENTFD_FEATURES=$features" "./tests/unit/$program"
	done
done
for features in 0 31; do
	for program in $conforms; do
		name="${program##*/} on a host of $features, lines held"
		run FAKE_HELD_IRQS=1 "FAKE_EVENTFD_FEATURES=$features" "./tests/unit/$program"
	done
done
echo "1..$number"
exit $status
