# SPDX-License-Identifier: GPL-2.0-or-later
#
# Following one machine: what it writes to results.log, whether it still moves, and when a case has had its time.
#
# A case's time is the machine's own: dom0 writes its uptime to the port "clock" every few seconds, so a busy host takes
# nothing of it. This host counts only where the machine says nothing any more, and then by the processor time it has used or
# by how often it was looked at, which a busy or suspended host does as much more seldom as the machine moves slower.

# What a machine may use of processor time between two beats of its clock, or before the first.
watch_silent_ms=300000
# Looks, at least a second each, at a machine that uses no processor at all; and at one with two CPUs whose clock stands still.
watch_idle_looks=120
watch_silent_looks=300

# hear_clock: has dom0's clock moved? Sets machine_now, in seconds.
hear_clock()
{
	local beats
	mapfile -t beats <"$run_dir/clock.log"
	[ ${#beats[@]} -ne "$beats_heard" ] || return 1
	beats_heard=${#beats[@]}
	machine_now=${beats[-1]}
}

# find_hung: is the machine to be taken for hung? Sets why. Uses watch_run's variables.
find_hung()
{
	local used
	used=$(machine_used_ms)
	silent_looks=$((silent_looks + 1))
	idle_looks=$((idle_looks + 1))
	if hear_clock; then
		silent_looks=0
		heard_at=$used
	fi
	if [ "$used" -ne "$last_used" ]; then
		idle_looks=0
		last_used=$used
	fi
	if [ -n "$limit" ] && [ $((machine_now - since)) -gt "$limit" ]; then
		why="hung: no end after $((machine_now - since)) s of its own time"
	elif [ $((used - heard_at)) -gt $((watch_silent_ms * patience)) ]; then
		why="hung: its clock stands still"
	elif [ $idle_looks -gt $watch_idle_looks ]; then
		why="hung: nothing moves in the machine"
	elif [ "$mode" = smp ] && [ $silent_looks -gt $((watch_silent_looks * patience)) ]; then
		why="hung: its clock stands still"
	else
		return 1
	fi
}

# allow SECONDS: of the machine's own time, from now.
allow()
{
	since=$machine_now
	limit=$1
}

# soak_patience: how many times the time-out of its cases a soak may take: 20 s a cycle.
soak_patience()
{
	echo $((1 + lab_cycles * 20 / 300))
}

# still_running: a line a minute for whoever waits.
still_running()
{
	local now
	now=$(now_ms)
	[ $((now - told_at)) -ge 60000 ] || return 0
	told_at=$now
	score_say "$(printf '  ...     %-30s %3d results in %5d s' "$([ -n "$current" ] && case_label "$current" || echo "dom0 boots")" \
		"$(printf '%s\n' "${case_tap[@]}" | grep -cE '^(not )?ok ' || true)" $(((now - start) / 1000)))"
}

# take_line LINE: one that dom0 has written. 1: the boot is not to be followed any further, as ending says.
take_line()
{
	local line=$1 status told
	case $line in
	"ready "*)
		read -r _ told status <<<"$line"
		[ "$status" -le "$patience" ] || patience=$status
		machine_now=${told%%.*}
		[ -n "${demo_running:-}${lab_pooled:-}" ] || printf '  dom0 is up after %s s\n' "$(seconds_since "$start")"
		allow 60 ;;
	"begin "*)
		current=${line#begin }
		case_tap=()
		case_said=
		start=$(now_ms)
		told_at=$start
		# dom0 ends it when its own time is up; this is for a dom0 that cannot.
		allow $((60 + patience * $(case_header "$(case_file "$current")" timeout 120))) ;;
	"say "*)
		if [ -n "${lab_pooled:-}" ]; then
			case_said+=${case_said:+$'\n'}"  ${line#say }"
		else
			say "  ${line#say }"
			told_at=$(now_ms)
		fi ;;
	"mark "*)
		[ -z "${bench_dir:-}" ] || echo "$(now_ms) ${line#mark }" >>"$bench_dir/marks" ;;
	"end "*)
		read -r _ _ status _ <<<"$line"
		done_cases+=("$current")
		allow 60
		case_over "$current" "$status" $(($(now_ms) - start)) || ending=failed
		current=
		[ -z "$ending" ] ;;
	over)
		ending=over
		return 1 ;;
	*)
		case_tap+=("$line") ;;
	esac
}

# follow_results FD: until the boot is over, or why says what is wrong with it.
follow_results()
{
	local fd=$1 line buf= turn=0 fatal='Kernel panic|Panic on CPU|Oops: ' broken
	# Virtual time cannot be late: a lockup under -icount is one.
	[ "$mode" != icount ] || fatal+='|soft lockup'
	while true; do
		if ! IFS= read -r -u "$fd" line; then
			buf+=$line
			if ! machine_running; then
				# What was written between the last look and the end.
				IFS= read -r -u "$fd" line || break
			else
				turn=$((turn + 1))
				if [ $((turn % 10)) -eq 0 ]; then
					! find_hung || { machine_explain "$run_dir"; break; }
					still_running
				fi
				if [ $((turn % 50)) -eq 0 ]; then
					broken=$(grep -aoE -m 1 "$fatal" "$run_dir/console.log" || true)
					[ -z "$broken" ] || { why="dom0 or Xen is broken: $broken"; break; }
				fi
				sleep 0.1
				continue
			fi
		fi
		line=${buf}${line%$'\r'}
		buf=
		take_line "$line" || return 0
	done
	# Nothing of ours ends it before this.
	broken=$(grep -aom 1 'terminating on signal.*' "$run_dir/qemu.log" || true)
	[ -z "$broken" ] || why="somebody has ended QEMU: $broken"
}

# watch_run MODE: follow the machine until the boot is over. Sets done_cases.
watch_run()
{
	local mode=$1 fd ending= why="the machine went down" current= start told_at patience=1
	local machine_now=0 since=0 limit= beats_heard=0 heard_at=0 last_used=-1 silent_looks=0 idle_looks=0
	[ -z "${lab_kasan:-}" ] || patience=$kasan_patience
	[ -z "${lab_cycles:-}" ] || patience=$(soak_patience)
	done_cases=()
	case_tap=()
	case_said=
	start=$(now_ms)
	told_at=$start
	exec {fd}<"$run_dir/results.log"
	follow_results "$fd"
	exec {fd}<&-
	[ -z "$ending" ] || return 0
	if [ -n "$current" ]; then
		done_cases+=("$current")
		case_over "$current" "$why" $(($(now_ms) - start)) || true
	else
		score_say "$(say "  dom0 $([ -n "$limit" ] && echo "went no further" || echo "did not come up") ($why); the end of its console:"
			tail -n 15 "$run_dir/console.log" "$run_dir/qemu.log" 2>/dev/null | sed 's/^/      | /')"
	fi
}
