# SPDX-License-Identifier: GPL-2.0-or-later
#
# What lab shows: one line a step with its time, a clear last line when something fails.
#
# A step's own output goes to a log; its end is shown only when the step fails. Steps run in a process group
# of their own, so that leaving lab (Ctrl-C, a time-out) takes a step's children with it.
#
# Steps rely on set -e, which bash turns off, all the way down, in anything called from a condition. So neither step
# nor what calls it may stand in one: step always returns 0 and leaves its result in step_status.

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

now_ms()
{
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

seconds_since()
{
	local ms=$(($(now_ms) - $1))
	printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# Process groups to end, and a run's directory to remove, when lab ends.
declare -A lab_jobs=()
run_dir=

end_jobs()
{
	local pid
	for pid in "${!lab_jobs[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || true
	done
	for pid in "${!lab_jobs[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	lab_jobs=()
	[ -z "$run_dir" ] || rm -rf "$run_dir"
}
trap end_jobs EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# step TEXT COMMAND...: run the command (a function may be one) and show its time; sets step_status.
step()
{
	local text=$1 start log pid
	shift
	mkdir -p "$lab_cache/logs"
	log=$lab_cache/logs/step-$$.log
	start=$(now_ms)
	printf '  %-58s ' "$text"
	set -m
	(set -e; "$@") >"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	lab_jobs[$pid]=1
	step_status=0
	wait "$pid" || step_status=$?
	unset "lab_jobs[$pid]"
	if [ "$step_status" -ne 0 ]; then
		printf 'FAILED after %s s\n' "$(seconds_since "$start")"
		tail -n "${step_tail:-25}" "$log" | sed 's/^/    | /' >&2
		mv -f "$log" "$lab_cache/logs/failed-step.log"
		say "    whole log: $lab_cache/logs/failed-step.log" >&2
		return 0
	fi
	printf '%6s s\n' "$(seconds_since "$start")"
	grep -h '^note: ' "$log" | sed 's/^/    /' || true
	rm -f "$log"
}

# need WHAT-TO-SAY TEXT COMMAND...: a step lab cannot go on without.
need()
{
	local message=$1
	shift
	step "$@"
	[ "$step_status" -eq 0 ] || die "$message"
}
