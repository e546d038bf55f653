# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check fuzz: every fuzz target of tests/fuzz, built with clang's libFuzzer and sanitizers, for a while from its kept corpus;
# as many at a time as there are processors. What a target finds stays in the cache, where the next run goes on from it.

fuzz_seconds=30
# Names of functions without LLVM's own program for it.
fuzz_environment="ASAN_OPTIONS=external_symbolizer_path=/usr/bin/addr2line UBSAN_OPTIONS=print_stacktrace=1"
# An input takes less than a hundredth of one.
fuzz_seconds_an_input=20

# fuzz_known: the targets there are, each with a corpus of its name.
fuzz_known()
{
	local dir
	for dir in "$lab_top"/tests/fuzz/corpus/*/; do
		basename "$dir"
	done
}

# fuzz_arguments WORD...: sets fuzz_seconds and fuzz_targets.
fuzz_arguments()
{
	fuzz_targets=()
	while [ $# -gt 0 ]; do
		case $1 in
		--seconds)
			[ $# -ge 2 ] || die "check fuzz: --seconds needs a number"
			set -- "--seconds=$2" "${@:3}"
			continue ;;
		--seconds=*)
			fuzz_seconds=${1#*=}
			[[ $fuzz_seconds =~ ^[1-9][0-9]{0,5}$ ]] || die "check fuzz: --seconds needs a number, not $fuzz_seconds" ;;
		*)
			fuzz_known | grep -xF -- "$1" >/dev/null || die "check fuzz: no such target: $1 (there are: $(fuzz_known | xargs))"
			fuzz_targets+=("$1") ;;
		esac
		shift
	done
	[ ${#fuzz_targets[@]} -gt 0 ] || mapfile -t fuzz_targets < <(fuzz_known)
}

# fuzz_dir TARGET: new/, what it found; crash/, inputs it did not survive; log, of the last run.
fuzz_dir()
{
	echo "$lab_cache/fuzz/$(hash_of "$lab_shown_top")/$1"
}

# fuzz_program TARGET
fuzz_program()
{
	echo "$(build_root)/fuzz/tests/fuzz/fuzz-$1"
}

# fuzz_build TARGET...: sets step_status.
fuzz_build()
{
	build_configure fuzz CC=clang --enable-fuzzer --enable-werror --without-xen
	[ "$step_status" -ne 0 ] || step "make (fuzz)" run_make "$build_dir" "${@/#/tests/fuzz/fuzz-}"
}

# fuzz_stat LOG NAME: a figure of those libFuzzer ends with; nothing if it has none.
fuzz_stat()
{
	sed -n "s/^stat::$2: *\([0-9]*\)\$/\1/p" "$1" | tail -n 1
}

# fuzz_fault LOG STATUS: why the run is no success, in why; empty if it is.
fuzz_fault()
{
	local runs
	runs=$(fuzz_stat "$1" number_of_executed_units)
	why=
	if [ "$2" -ne 0 ]; then
		why=$(grep -aoE -m 1 '(ERROR|SUMMARY): [A-Za-z]+: .*' "$1" | sed 's/ at pc .*//' || true)
		why=${why:-it ended with status $2}
	elif [ "${runs:-0}" -eq 0 ]; then
		why="nothing says that it ran any input"
	fi
}

# fuzz_show LOG INPUT PROGRAM: what there is to read of a failure, and how to have it again.
fuzz_show()
{
	# What the target's own checks say, and where the sanitizers saw it: libFuzzer's progress is left out.
	grep -avE '^#[0-9]+[[:space:]]+(NEW|REDUCE|pulse|INITED|RELOAD|DONE|READ)|^(INFO|stat):|^\s*$|^Base64|^artifact_prefix' "$1" |
		grep -av ' NEW_FUNC' | head -n 25 | cut -c 1-160 | sed 's/^/      | /' || true
	if [ -n "$2" ]; then
		say "      input: $2"
		# Inside, where the program and the input have other names.
		printf '      again: ./lab root env %s %s %s\n' "$fuzz_environment" "$3" "$2"
	fi
	say "      whole log: $1"
}

# fuzz_run TARGET: one of them, and its result.
fuzz_run()
{
	local dir why start status=0 line input corpus=$lab_top/tests/fuzz/corpus/$1
	local -a options
	dir=$(fuzz_dir "$1")
	# A target says in its head what libFuzzer should know of its inputs.
	read -ra options < <(sed -n 's/^ \* libFuzzer: //p' "$lab_top/tests/fuzz/$1.c") || true
	mkdir -p "$dir"/{new,crash}
	touch "$dir/begun"
	start=$(now_ms)
	# shellcheck disable=SC2086
	env $fuzz_environment "$(fuzz_program "$1")" "${options[@]}" -max_total_time="$fuzz_seconds" \
		-timeout=$fuzz_seconds_an_input -print_final_stats=1 -artifact_prefix="$dir/crash/" "$dir/new" "$corpus" >"$dir/log" 2>&1 </dev/null || status=$?
	fuzz_fault "$dir/log" "$status"
	if [ -n "$why" ]; then
		input=$(find "$dir/crash" -type f -newer "$dir/begun" | head -n 1)
		score_case FAILED $(($(now_ms) - start)) "fuzz $1" "$(printf '  FAILED  fuzz %-25s %s' "$1" "$why")" \
			"$(fuzz_show "$dir/log" "$input" "$(fuzz_program "$1")")"
		return 0
	fi
	line=$(printf '  ok      fuzz %-25s %9d executions  %6d/s  %4d new paths' "$1" \
		"$(fuzz_stat "$dir/log" number_of_executed_units)" "$(fuzz_stat "$dir/log" average_exec_per_sec)" \
		"$(fuzz_stat "$dir/log" new_units_added)")
	score_case ok $(($(now_ms) - start)) "fuzz $1" "$line"
}

# fuzz_job TARGET: in a process of its own.
fuzz_job()
{
	lab_jobs=()
	run_dir=
	trap 'exit 143' INT TERM HUP
	trap end_jobs EXIT
	fuzz_run "$1"
}

# fuzz_all TARGET...: as many at a time as there are processors.
fuzz_all()
{
	local pid target limit
	local -A of=()
	local -a ended
	limit=$(nproc)
	score_planned=$((score_planned + $#))
	while [ $# -gt 0 ] || [ ${#of[@]} -gt 0 ]; do
		if [ $# -gt 0 ] && [ ${#of[@]} -lt "$limit" ]; then
			set -m
			(fuzz_job "$1") </dev/null &
			pid=$!
			set +m
			lab_jobs[$pid]=1
			of[$pid]=$1
			shift
			continue
		fi
		wait_for_ended "${!of[@]}"
		for pid in "${ended[@]}"; do
			target=${of[$pid]}
			score_has "fuzz $target" ||
				score_case FAILED 0 "fuzz $target" "  FAILED  fuzz $target: lab itself ended in it"
			unset "of[$pid]" "lab_jobs[$pid]"
		done
	done
}

check_fuzz()
{
	local fd target
	fuzz_arguments "$@"
	say "fuzz: ${#fuzz_targets[@]} target(s), $fuzz_seconds s each"
	lab_lock
	build_sources
	mkdir -p "$(build_root)"
	lab_unlock
	exec {fd}>"$(build_root)/lock"
	flock "$fd"
	fuzz_build "${fuzz_targets[@]}"
	if [ "$step_status" -eq 0 ]; then
		fuzz_all "${fuzz_targets[@]}"
	else
		for target in "${fuzz_targets[@]}"; do
			score_more FAILED "fuzz $target" "  FAILED  fuzz $target: not built"
		done
	fi
	exec {fd}>&-
}
