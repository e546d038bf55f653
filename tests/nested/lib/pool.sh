# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several boots of the plan at a time. Boots under -icount are single-threaded and cannot disturb each other: as many run as
# there are processors, and are shown in order.

# run_job DIR NUMBER: one boot of the plan, in a process of its own; its counts are for the pool.
run_job()
{
	lab_jobs=()
	run_dir=
	trap end_jobs EXIT
	trap 'exit 143' INT TERM HUP
	nested_passed=0
	nested_failed=0
	# shellcheck disable=SC2086
	run_group "${boot_group[$2]}" ${boot_cases[$2]}
	echo "$nested_passed $nested_failed" >"$1/$2.counts"
}

# show_job DIR NUMBER: of one that has ended.
show_job()
{
	local passed=0 failed words
	read -ra words <<<"${boot_cases[$2]}"
	failed=${#words[@]}
	cat "$1/$2.out"
	if [ -e "$1/$2.counts" ]; then
		read -r passed failed <"$1/$2.counts"
	else
		say "  FAILED  lab itself, with:${boot_cases[$2]}"
	fi
	nested_passed=$((nested_passed + passed))
	nested_failed=$((nested_failed + failed))
}

# run_pool NUMBER...: those boots of the plan, several at a time; the longest first, so that none is left alone at the end.
run_pool()
{
	local dir pid next=0 shown=0 numbers=("$@") starts limit i
	local -A number_of=() ended=()
	limit=$(nproc)
	mkdir -p "$lab_cache/runs"
	dir=$(mktemp -d "$lab_cache/runs/pool.XXXXXX")
	mapfile -t starts < <(for i; do echo "$(boot_weight "$i") $i"; done | sort -k1,1nr -k2,2n | cut -d' ' -f2)
	while [ $shown -lt $# ]; do
		while [ $next -lt $# ] && [ ${#number_of[@]} -lt "$limit" ]; do
			set -m
			(run_job "$dir" "${starts[$next]}") >"$dir/${starts[$next]}.out" 2>&1 </dev/null &
			pid=$!
			set +m
			lab_jobs[$pid]=1
			number_of[$pid]=${starts[$next]}
			next=$((next + 1))
		done
		wait -n -p pid "${!number_of[@]}" || true
		ended[${number_of[$pid]}]=1
		unset "number_of[$pid]" "lab_jobs[$pid]"
		while [ $shown -lt $# ] && [ -n "${ended[${numbers[$shown]}]:-}" ]; do
			show_job "$dir" "${numbers[$shown]}"
			shown=$((shown + 1))
		done
	done
	rm -rf "$dir"
}
