#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A balloon whose calls are a way to another process is the same balloon: its programs run once more on a fake whose handles have
# move_extents (tests/fake/hv-fake-extents.c), as TAP. Each part of such a call is one that fails, or is the last.
#
# The programs are those of the build directory that make check has just built.

number=0
status=0
run()
{
	number=$((number + 1))
	if output=$(FAKE_ONE_WAY=1 "./tests/$1" 2>&1); then
		echo "ok $number - ${1##*/}, one way"
	else
		echo "not ok $number - ${1##*/}, one way"
		printf '%s\n' "$output" | grep -aE 'LINE|ERROR|FAILED|^not ok' | sed 's/^/# /'
		status=1
	fi
}

run contract/contract-fake
for program in reservation reservation-doubt reservation-pod reservation-expected balloon balloon-doubt balloon-repopulate balloon-pause \
	balloon-verify balloon-refill balloon-faults balloon-killed balloon-slices balloon-due balloon-ahead balloon-budget balloon-cost \
	balloon-unused balloon-conforms hostile-balloon; do
	run "unit/backend/devices/balloon/test-$program"
done
echo "1..$number"
exit $status
