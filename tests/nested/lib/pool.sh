# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several boots of the plan at a time. Boots under -icount are single-threaded and cannot disturb each other: as many run as
# there are processors. Their cases' results are shown as they come (score.sh), whichever boot they are in.

# run_job NUMBER: one boot of the plan, in a process of its own.
run_job()
{
	lab_jobs=()
	run_dir=
	lab_pooled=yes
	trap end_jobs EXIT
	trap 'exit 143' INT TERM HUP
	# shellcheck disable=SC2086
	run_group "${boot_group[$1]}" ${boot_cases[$1]}
}

# job_over NUMBER: whatever the job came to, each of its cases has a result.
job_over()
{
	local name
	for name in ${boot_cases[$1]}; do
		name=$(case_label "$name")
		score_has "$name" || score_case FAILED 0 "$name" "$(printf '  FAILED  %-30s lab itself ended in its boot' "$name")"
	done
}

# wait_for_ended PID...: until one of them has ended; sets ended to those that have. A job that ended while job control was on is
# forgotten by the shell, and wait knows nothing of it.
wait_for_ended()
{
	local pid
	wait -n "$@" || true
	ended=()
	for pid; do
		kill -0 "$pid" 2>/dev/null || ended+=("$pid")
	done
}

# run_pool NUMBER...: those boots of the plan, several at a time; the longest first, so that none is left alone at the end.
run_pool()
{
	local pid next=0 over=0 starts limit i
	local -A number_of=()
	local -a ended
	limit=$(nproc)
	mapfile -t starts < <(for i; do echo "$(boot_weight "$i") $i"; done | sort -k1,1nr -k2,2n | cut -d' ' -f2)
	while [ $over -lt $# ]; do
		while [ $next -lt $# ] && [ ${#number_of[@]} -lt "$limit" ]; do
			set -m
			(run_job "${starts[$next]}") </dev/null &
			pid=$!
			set +m
			lab_jobs[$pid]=1
			number_of[$pid]=${starts[$next]}
			next=$((next + 1))
		done
		wait_for_ended "${!number_of[@]}"
		for pid in "${ended[@]}"; do
			job_over "${number_of[$pid]}"
			unset "number_of[$pid]" "lab_jobs[$pid]"
			over=$((over + 1))
		done
	done
}
