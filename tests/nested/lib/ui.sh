# SPDX-License-Identifier: GPL-2.0-or-later
#
# What lab shows: one line a step with its time, a clear last line when something fails.
#
# A step's own output goes to a log; its end is shown only when the step fails. Steps run in a process group
# of their own, so that leaving lab (Ctrl-C, a time-out) takes a step's children with it.
#
# Steps rely on set -e, which bash turns off, all the way down, in anything called from a condition. So neither step
# nor what calls it may stand in one: step always returns 0 and leaves its result in step_status.

# say TEXT: names of the root's own places are given as this machine has them.
say()
{
	local text=$*
	if [ -n "${lab_inside:-}" ]; then
		text=${text//"$lab_cache"/"$lab_shown_cache"}
		text=${text//"$lab_top"\//"$lab_shown_top"/}
	fi
	printf '%s\n' "$text"
}

die()
{
	say "lab: $*" >&2
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

# Words in a failed step's log, and what to do about them; the first that fits is said.
step_advice()
{
	local words advice
	while IFS='|' read -r words advice; do
		if grep -qiE -- "${words//;/|}" "$1"; then
			say "    what to do: $advice" >&2
			return 0
		fi
	done <<-ADVICE
	No space left on device;Disk quota exceeded|make room on the disk of $lab_shown_cache, or set XENVIRTIO_CACHE to another place; then run lab again
	Hash Sum mismatch;File has unexpected size|the mirror, or a proxy before it, sends files that are not what Debian has signed: try again later or use another mirror
	Could not resolve;Temporary failure;Could not connect;Connection timed out;Connection failed;Network is unreachable|this machine does not reach its mirror: see that 'apt-get update' works, then run lab again
	is not signed;NO_PUBKEY;EXPKEYSIG|the mirror's index is not signed by a key of Debian's that is known here: upgrade the package debian-archive-keyring
	ADVICE
}

# tick LOG: a line a minute for whoever waits, until it is ended.
tick()
{
	local minutes=0 parent=$$
	while sleep 60 && kill -0 "$parent" 2>/dev/null; do
		minutes=$((minutes + 1))
		printf '\n    %3d min  %-50.70s ' "$minutes" "$(tail -n 1 "$1" | tr -cd '[:print:]')"
	done
}

# step TEXT COMMAND...: run the command (a function may be one) and show its time; sets step_status.
step()
{
	local text=$1 start log pid ticker
	shift
	mkdir -p "$lab_cache/logs"
	log=$lab_cache/logs/step-$$.log
	start=$(now_ms)
	printf '  %-58s ' "$text"
	set -m
	(set -e; "$@") >"$log" 2>&1 </dev/null &
	pid=$!
	tick "$log" </dev/null &
	ticker=$!
	set +m
	lab_jobs[$pid]=1
	lab_jobs[$ticker]=1
	step_status=0
	wait "$pid" || step_status=$?
	kill -TERM -- "-$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	unset "lab_jobs[$pid]" "lab_jobs[$ticker]"
	score_step $(($(now_ms) - start)) "$text"
	if [ "$step_status" -ne 0 ]; then
		printf 'FAILED after %s s\n' "$(seconds_since "$start")"
		tail -n "${step_tail:-25}" "$log" | sed 's/^/    | /' >&2
		mv -f "$log" "$lab_cache/logs/failed-step.log"
		say "    whole log: $lab_cache/logs/failed-step.log" >&2
		step_advice "$lab_cache/logs/failed-step.log"
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
