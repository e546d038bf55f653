# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check unit: the project built natively, three ways and from its tarball, and what automake says of the tests.

unit_passed=0
unit_failed=0

# run_make_check DIR LOG TARGET
run_make_check()
{
	# More than there are processors: the longest tests spend their time waiting.
	make -C "$1" -j$((3 * $(nproc))) "$3" 2>&1 | tee "$2"
}

# count_unit LOG TEXT: add automake's summary of the log to the totals; 1 if it has none.
count_unit()
{
	local pass fail skip
	pass=$(awk '/^# (PASS|XFAIL):/ { n += $3 } END { print n + 0 }' "$1")
	fail=$(awk '/^# (FAIL|XPASS|ERROR):/ { n += $3 } END { print n + 0 }' "$1")
	skip=$(awk '/^# SKIP:/ { n += $3 } END { print n + 0 }' "$1")
	unit_passed=$((unit_passed + pass))
	unit_failed=$((unit_failed + fail))
	say "    $2: $pass passed, $fail failed$([ "$skip" -eq 0 ] || echo ", $skip skipped")"
	[ $((pass + fail)) -gt 0 ]
}

# run_checks NAME TARGET: the tests of build_dir, counted.
run_checks()
{
	local text="$2 ($1)" log=$build_dir/lab-$2.log
	step "make $text" run_make_check "$build_dir" "$log" "$2"
	if [ "$step_status" -eq 0 ]; then
		count_unit "$log" "$text" || { say "    $text: no test ran"; unit_failed=$((unit_failed + 1)); }
	else
		count_unit "$log" "$text" || unit_failed=$((unit_failed + 1))
		grep -hE '^(not ok|FAIL|ERROR)' "$log" "$build_dir"/tests/*/*.log "$build_dir"/test-suite.log 2>/dev/null |
			sort -u | head -n 40 | sed 's/^/    | /' || true
		say "    logs: $build_dir"
	fi
}

# check_build NAME CONFIGURE-ARGUMENT...
check_build()
{
	local name=$1
	build_configure "$@"
	[ "$step_status" -ne 0 ] || step "make ($name)" run_make "$build_dir"
	if [ "$step_status" -ne 0 ]; then
		unit_failed=$((unit_failed + 1))
		return 0
	fi
	run_checks "$name" check
	[ "$name" != plain ] || run_checks "$name" check-valgrind
}

# A tarball that builds and passes its tests by itself counts as one more test.
check_dist()
{
	step "make distcheck" run_make "$(build_root)/plain" distcheck
	if [ "$step_status" -eq 0 ]; then
		unit_passed=$((unit_passed + 1))
	else
		unit_failed=$((unit_failed + 1))
	fi
}

check_unit()
{
	say "unit: building and testing in lab's root"
	lab_lock
	build_sources
	check_build sanitizers --enable-sanitizers --enable-werror
	check_build plain --enable-werror
	check_build without-xen --without-xen --enable-werror
	check_dist
	lab_unlock
}
