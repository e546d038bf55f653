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
	[ "$name" = plain ] || return 0
	run_checks "$name" check-valgrind
	# 100 MB of Debian's package prometheus are too much for every root
	if command -v promtool >/dev/null; then
		run_checks "$name" check-promtool
	else
		say "    make check-promtool: skipped, there is no promtool (package prometheus)"
	fi
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

# unit_arguments WORD...: sets unit_repeat and unit_busy.
unit_repeat=1
unit_busy=0

unit_arguments()
{
	while [ $# -gt 0 ]; do
		[[ ${1%%=*} = --repeat || ${1%%=*} = --busy ]] || die "check unit [--repeat N] [--busy N], not: $1"
		[[ $1 = *=* ]] || { [ $# -ge 2 ] || die "check unit: $1 needs a number"; set -- "$1=$2" "${@:3}"; }
		[[ ${1#*=} =~ ^[1-9][0-9]{0,3}$ ]] || die "check unit: ${1%%=*} needs a number, not ${1#*=}"
		case $1 in
		--repeat=*) unit_repeat=${1#*=} ;;
		--busy=*) unit_busy=${1#*=} ;;
		esac
		shift
	done
}

# keep_busy: loops that take processor time for as long as the tests run.
keep_busy()
{
	local i pid
	for ((i = 0; i < unit_busy; i++)); do
		set -m
		(while :; do :; done) &
		pid=$!
		set +m
		lab_jobs[$pid]=1
	done
}

check_unit()
{
	local turn fd
	say "unit: building and testing in lab's root"
	lab_lock
	build_sources
	mkdir -p "$(build_root)"
	lab_unlock
	# These builds are this checkout's alone: other labs need not wait for them.
	exec {fd}>"$(build_root)/lock"
	flock "$fd"
	keep_busy
	check_build sanitizers --enable-sanitizers --enable-werror
	check_build plain --enable-werror
	check_build without-xen --without-xen --enable-werror
	check_dist
	for ((turn = 2; turn <= unit_repeat; turn++)); do
		say "unit: turn $turn of $unit_repeat"
		check_build sanitizers --enable-sanitizers --enable-werror
		check_build plain --enable-werror
		check_build without-xen --without-xen --enable-werror
	done
	exec {fd}>&-
}
