# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# modules: ours
# timeout: 400
#
# The ioctls of dom0's modules, by the programs of kernel/test against guests of their own: every bad argument has its
# errno and no effect, a program written for upstream's header runs unchanged, and kicks and interrupts arrive once and at
# the right place whatever is closed, killed or unmapped meanwhile. The kernel's log has nothing to say to all that.

for test in eventfd-args upstream-abi eventfd-path eventfd-stress; do
	STRESS_ROUNDS=300 /xv/kernel-test/run $test >"$XV_LOGS/$test.log" 2>&1
	status=$?
	grep -E '^(not )?ok ' "$XV_LOGS/$test.log" >"$XV_STATE/results"
	while read -r line; do
		case $line in
		"ok "*) ok "$test: ${line#ok *- }" ;;
		*) not_ok "$test: ${line#not ok *- }" ;;
		esac
	done <"$XV_STATE/results"
	is "$status" 0 "$test"
	[ "$status" -eq 0 ] || diag "$(grep -E 'Bail|got|unexpected|FAILED' "$XV_LOGS/$test.log" | head -n 10)"
done

for module in xen_privcmd xen_evtchn; do
	check "$module is in use and cannot be unloaded" sh -c "! rmmod $module 2>/dev/null"
done
