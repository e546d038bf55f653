# SPDX-License-Identifier: GPL-2.0-or-later
#
# Following one machine: what it writes to results.log, whether it still moves, and when it has had its time.

# find_hung: is the machine to be taken for hung? Sets why. Limits are on machine_clock_ms, so that under -icount a
# busy host takes none of a case's time; a machine that uses no processor at all is hung as well.
# Uses watch_run's: limit since last_clock last_wall.
find_hung()
{
	local clock wall
	clock=$(machine_clock_ms)
	wall=$(now_ms)
	if [ "$clock" -ne "$last_clock" ]; then
		last_clock=$clock
		last_wall=$wall
	elif [ $((wall - last_wall)) -gt 120000 ]; then
		why="hung: nothing moves in the machine"
		return 0
	fi
	[ "$clock" -gt "$limit" ] || return 1
	why="hung: no end after $(((clock - since) / 1000)) s"
}

# allow_ms MILLISECONDS: from now.
allow_ms()
{
	since=$(machine_clock_ms)
	limit=$((since + $1))
}

# soak_patience: how many times the time-out of its cases a soak may take: 20 s a cycle.
soak_patience()
{
	echo $((1 + lab_cycles * 20 / 300))
}

# watch_run MODE: follow results.log until the boot is over. Sets done_cases, and returns 1 if the boot ended badly.
watch_run()
{
	local line buf= current= start fd status turn=0 why="the machine went down" broken
	local limit since last_clock=-1 last_wall=0 patience=1 factor=4000
	[ -z "${lab_kasan:-}" ] || patience=$kasan_patience
	[ -z "${lab_cycles:-}" ] || patience=$(soak_patience)
	local fatal='Kernel panic|Panic on CPU|Oops: '
	# Virtual time cannot be late: a lockup under -icount is one.
	[ "$1" != icount ] || fatal+='|soft lockup'
	# With two CPUs dom0's time is ours.
	[ "$1" = icount ] || factor=1200
	done_cases=()
	case_tap=()
	start=$(now_ms)
	allow_ms $((180000 * patience))
	exec {fd}<"$run_dir/results.log"
	while true; do
		if ! IFS= read -r -u "$fd" line; then
			buf+=$line
			if ! machine_running; then
				# What was written between the last look and the end.
				IFS= read -r -u "$fd" line || break
			else
				turn=$((turn + 1))
				if [ $((turn % 10)) -eq 0 ] && find_hung; then
					machine_explain "$run_dir"
					break
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
		case $line in
		"ready "*)
			[ -n "${demo_running:-}" ] || printf '  dom0 is up after %s s\n' "$(seconds_since "$start")"
			allow_ms 60000 ;;
		"begin "*)
			current=${line#begin }
			case_tap=()
			start=$(now_ms)
			# dom0 ends it when its own time is up; this is for a dom0 that cannot.
			allow_ms $((60000 + factor * patience * $(case_header "$(case_file "$current")" timeout 120))) ;;
		"say "*)
			say "  ${line#say }" ;;
		"mark "*)
			[ -z "${bench_dir:-}" ] || echo "$(now_ms) ${line#mark }" >>"$bench_dir/marks" ;;
		"end "*)
			read -r _ _ status _ <<<"$line"
			done_cases+=("$current")
			case_over "$current" "$status" "$(seconds_since "$start")" || { exec {fd}<&-; return 1; }
			current= ;;
		over)
			exec {fd}<&-
			return 0 ;;
		*)
			case_tap+=("$line") ;;
		esac
	done
	exec {fd}<&-
	# Nothing of ours ends it before this.
	broken=$(grep -aom 1 'terminating on signal.*' "$run_dir/qemu.log" || true)
	[ -z "$broken" ] || why="somebody has ended QEMU: $broken"
	if [ -n "$current" ]; then
		done_cases+=("$current")
		case_over "$current" "$why" "$(seconds_since "$start")" || true
	else
		say "  dom0 did not come up ($why); the end of its console:"
		tail -n 15 "$run_dir/console.log" "$run_dir/qemu.log" 2>/dev/null | sed 's/^/      | /'
		boot_failed=yes
	fi
	return 1
}
