# SPDX-License-Identifier: GPL-2.0-or-later
#
# Judging a case that has ended, and what is shown of it. A case passes only if its TAP is whole: a plan that matches, no
# "not ok", an "end" with status 0. Logs of the last run of each case stay in $lab_cache/cases.

# case_logs LABEL
case_logs()
{
	echo "$lab_cache/cases/$(hash_of "$lab_shown_top")/$1"
}

# keep_logs LABEL RUN_DIR CASE: everything there is about the case's last run.
keep_logs()
{
	local dir
	dir=$(case_logs "$1")
	rm -rf "$dir"
	mkdir -p "$dir"
	# One archive after the other, and the last may be cut short.
	tar -x --ignore-zeros -f "$2/logs.tar" -C "$dir" --strip-components=1 "$3" 2>/dev/null || true
	cp "$2/console.log" "$dir/xen-dom0-console.log" 2>/dev/null || true
	cp "$2/qemu.log" "$dir/qemu.log" 2>/dev/null || true
	printf '%s\n' "${case_tap[@]}" >"$dir/results.tap"
}

# show_failure LABEL: what there is to read of it. Uses run_group's boot_what and watch_run's done_cases.
show_failure()
{
	local dir file name=$1 text
	dir=$(case_logs "$name")
	printf '%s\n' "${case_tap[@]}" | grep -E '^(not ok|#)' | sed 's/^/      | /' || true
	for file in "$dir"/daemon-*.log "$dir"/guest-*.log; do
		say "      last lines of ${file##*/}:"
		tail -n 6 "$file" | sed 's/^/      | /'
	done
	text=$(grep -aE '\(XEN\) (d[1-9][0-9]*v?[0-9]* |.*(p2m|traps|ioreq|BUG|Assert|[Pp]anic|crash))|Kernel panic|Unable to handle|Oops|soft lockup' \
		"$dir/xen-dom0-console.log" 2>/dev/null | grep -avE 'vGIC[DR]|SMC/HVC' | tail -n 8 || true)
	if [ -n "$text" ]; then
		say "      Xen's and dom0's console:"
		printf '%s\n' "$text" | sed 's/^/      | /'
	fi
	text=${done_cases[*]}
	say "      boot: $boot_what; before this case: $([[ $text != *" "* ]] && echo nothing || echo "${text% *}")"
	say "      all logs: $dir"
}

# find_fault STATUS: why the case that ended so has not passed, in why; empty if it has. Counts in results.
find_fault()
{
	local status=$1 line bad=0 plan=none
	why=
	results=0
	for line in "${case_tap[@]}"; do
		case $line in
		"ok "*)		results=$((results + 1)) ;;
		"not ok "*)	results=$((results + 1)); bad=$((bad + 1)) ;;
		1..*)		plan=${line#1..} ;;
		esac
	done
	case $status in
	0|1)	;;
	137)	why="timed out, killed in dom0" ;;
	*)	why=$status ;;
	esac
	if [ -z "$why" ] && [ "$plan" != "$results" ]; then
		why="$results results but a plan of $plan"
	fi
	if [ -z "$why" ] && [ "$bad" -gt 0 ]; then
		why="$bad of $results results not ok"
	fi
	if [ -z "$why" ] && { [ "$status" != 0 ] || [ "$results" -eq 0 ]; }; then
		why="status $status with $results results"
	fi
	if [ -z "$why" ] && [ -n "${lab_notify:-}" ] &&
	   ! printf '%s\n' "${case_tap[@]}" | grep -q "^ok [0-9]* - every daemon went by $lab_notify$"; then
		why="nothing shows that it went by $lab_notify"
	fi
}

# case_over NAME STATUS MILLISECONDS: judge the finished case by its TAP. What it said is shown with it where it was not at once.
case_over()
{
	local name taken=$3 results why line
	name=$(case_label "$1")
	find_fault "$2"
	keep_logs "$name" "$run_dir" "$1"
	if [ -z "$why" ]; then
		line=$(printf '  ok      %-30s %3d results  %6s s' "$name" "$results" "$(seconds_of "$taken")")
		[ -z "${demo_running:-}" ] || line=
		score_case ok "$taken" "$name" "$line" "$case_said"
		return 0
	fi
	score_case FAILED "$taken" "$name" "$(printf '  FAILED  %-30s %s' "$name" "$why")" \
		"${case_said:+$case_said$'\n'}$(show_failure "$name")"
	return 1
}
