# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab's commands, and running cases: which boot together, what their results say, what is shown of a failure.
#
# Cases with the same header (mode, guest kernel, memory) share boots, in order, a few to each, but for those that ask
# for their own: which case is in which boot, after which, depends on nothing else. Boots under -icount are single-threaded
# and cannot disturb each other: as many run at a time as there are processors, and are shown in order. Those with two
# vcpus run alone. A boot ends with its first case that fails, hangs or takes the machine down; the rest get a new one. A case passes only if its TAP is whole: a plan that matches, no
# "not ok", an "end" with status 0. Logs of the last run of each case stay in $lab_cache/cases.

nested_passed=0
nested_failed=0

case_header()
{
	local value
	value=$(sed -n "s/^# $2: *//p" "$1" | head -n 1)
	echo "${value:-$3}"
}

case_file()
{
	case $1 in
	demo) echo "$lab_nested/dom0/demo.sh" ;;
	bench) echo "$lab_top/tests/bench/$bench_name.sh" ;;
	*)
		if [ -n "${lab_kasan:-}" ] && [ -r "$kasan_dir/$1.sh" ]; then
			echo "$kasan_dir/$1.sh"
		else
			echo "$lab_nested/cases/$1.sh"
		fi ;;
	esac
}

case_group()
{
	local file own mode
	file=$(case_file "$1")
	own=$(case_header "$file" boot shared)
	[ "$own" = shared ] || own=$1
	# Where races are looked for there are two CPUs.
	mode=${lab_kasan:+smp}
	echo "${mode:-$(case_header "$file" mode icount)} $(case_header "$file" guest 6.12) $(case_header "$file" mem 2G)" \
		"$(case_modules "$file") $(case_xen "$file") $(case_header "$file" guest-balloon stock) $own"
}

# case_xen FILE: which Xen: plain or patched for arm64; x86_64, x86_64-qemu when its guests have QEMU as device model,
# x86_64-pvh when dom0 is a PVH domain.
case_xen()
{
	local xen
	xen=$(case_header "$1" platform arm64)
	case $xen in
	arm64) case_header "$1" xen plain ;;
	*) echo "$xen$(case_header "$1" device-model "$(case_header "$1" dom0 "")" | sed -n 's/^./-&/p')" ;;
	esac
}

# case_modules FILE: which of dom0's modules the boot has. Ours have every path; upstream's interface as well.
case_modules()
{
	if [ -n "${lab_kasan:-}" ]; then
		echo kasan
	else
		case_header "$1" modules ours
	fi
}

case_logs()
{
	echo "$lab_cache/cases/$(hash_of "$lab_top")/$1"
}

# keep_logs CASE RUN_DIR: everything there is about the case's last run.
keep_logs()
{
	local dir
	dir=$(case_logs "$1")
	rm -rf "$dir"
	mkdir -p "$dir"
	# One archive after the other, and the last may be cut short.
	tar -x --ignore-zeros -f "$2/logs.tar" -C "$dir" --strip-components=1 "$1" 2>/dev/null || true
	cp "$2/console.log" "$dir/xen-dom0-console.log" 2>/dev/null || true
	cp "$2/qemu.log" "$dir/qemu.log" 2>/dev/null || true
	printf '%s\n' "${case_tap[@]}" >"$dir/results.tap"
}

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
	say "      all logs: $dir"
}

# case_over NAME STATUS SECONDS: judge the finished case by its TAP.
case_over()
{
	local name=$1 status=$2 taken=$3 line results=0 bad=0 plan=none why=
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
	keep_logs "$name" "$run_dir"
	if [ -z "$why" ]; then
		nested_passed=$((nested_passed + 1))
		[ -n "${demo_running:-}" ] || printf '  ok      %-30s %3d results  %6s s\n' "$name" "$results" "$taken"
		return 0
	fi
	nested_failed=$((nested_failed + 1))
	printf '  FAILED  %-30s %s\n' "$name" "$why"
	show_failure "$name"
	return 1
}

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

# make_boot RUN MODULES KERNEL BALLOON XEN: the initramfs of one boot, in run_dir.
make_boot()
{
	local run=$1 modules=$2 kernel=$3 balloon=$4 parts
	case ${5:-plain} in
	x86_64*)
		x86_make_boot "$run" "$5" "$modules"
		return ;;
	esac
	parts=("${guest_cpio[${kernel//./}]}")
	fill_overlay "$run_dir/overlay" "$run"
	modules_overlay "$run_dir/overlay" "$modules"
	balloon_overlay "$run_dir/overlay" "$kernel" "$balloon"
	bench_overlay "$run_dir/overlay"
	if [ -n "${lab_cycles:-}" ]; then
		echo "$lab_cycles" >"$run_dir/overlay/xv/cycles"
		soak_patience >"$run_dir/overlay/xv/patience"
	fi
	make_cpio "$run_dir/overlay" "$run_dir/overlay.cpio"
	machine_initramfs "$run_dir" "${parts[@]}" "$run_dir/overlay.cpio"
	rm -rf "$run_dir/overlay" "$run_dir/overlay.cpio"
}

new_run_dir()
{
	mkdir -p "$lab_cache/runs"
	run_dir=$(mktemp -d "$lab_cache/runs/run.XXXXXX")
}

# run_group "MODE KERNEL MEM MODULES XEN BALLOON OWN" CASE...
run_group()
{
	local mode kernel mem modules xen balloon remaining=("${@:2}") name left tries=0 what
	read -r mode kernel mem modules xen balloon _ <<<"$1"
	what="$mode, $modules modules, guests with Linux $kernel"
	case $xen in
	plain) ;;
	x86_64*) what+=", $xen" ;;
	*) what+=", $xen Xen" ;;
	esac
	[ "$balloon" = stock ] || what+=", $balloon virtio_balloon"
	while [ ${#remaining[@]} -gt 0 ]; do
		new_run_dir
		make_boot "cases ${remaining[*]}" "$modules" "$kernel" "$balloon" "$xen"
		boot_failed=
		[ -n "${demo_running:-}" ] || say "  boot: $what, ${#remaining[@]} case(s)"
		machine_start "$run_dir" "$mode" "$mem" "$xen"
		watch_run "$mode" || true
		machine_stop
		[ -z "${lab_kasan:-}" ] || kasan_judge "$run_dir/console.log" "${done_cases[@]}"
		rm -rf "$run_dir"
		if [ -n "$boot_failed" ]; then
			tries=$((tries + 1))
			if [ $tries -ge 2 ]; then
				nested_failed=$((nested_failed + ${#remaining[@]}))
				say "  FAILED  no machine for: ${remaining[*]}"
				return 0
			fi
			continue
		fi
		left=()
		for name in "${remaining[@]}"; do
			case " ${done_cases[*]} " in
			*" $name "*) ;;
			*) left+=("$name") ;;
			esac
		done
		if [ ${#left[@]} -eq ${#remaining[@]} ]; then
			nested_failed=$((nested_failed + ${#left[@]}))
			say "  FAILED  the boot ended before any case: ${left[*]}"
			return 0
		fi
		remaining=("${left[@]}")
	done
}

# prepare_nested [GROUP...]: all that boots of these groups need.
prepare_nested()
{
	local group kernel xen balloon
	lab_lock
	host_prepare "$host_packages_unit $host_packages_nested"
	host_check_qemu
	platform_prepare
	modules_prepare
	for group; do
		read -r _ kernel _ _ xen balloon _ <<<"$group"
		case $xen in
		patched) [ -n "${xen_image[$xen]:-}" ] || platform_prepare_xen ;;
		x86_64*) [ -n "${x86_build:-}" ] || x86_prepare ;;
		esac
		[ "$balloon" = stock ] || [ -n "${balloon_cpio[${kernel//./}]:-}" ] || balloon_prepare "$kernel"
	done
	build_arm64
	lab_unlock
}

# A boot takes about as long as one case.
boot_cases_max=4

# plan_boots CASE...: fills boot_group and boot_cases, one entry a boot.
plan_boots()
{
	local name group
	local -A last=() count=()
	boot_group=()
	boot_cases=()
	for name; do
		[ -r "$(case_file "$name")" ] || die "no such case: $name (there are: $(cd "$lab_nested/cases" && echo *.sh | sed 's/\.sh//g'))"
		group=$(case_group "$name")
		if [ "${count[$group]:-$boot_cases_max}" -eq "$boot_cases_max" ]; then
			last[$group]=${#boot_group[@]}
			count[$group]=0
			boot_group+=("$group")
			boot_cases+=("")
		fi
		boot_cases[${last[$group]}]+=" $name"
		count[$group]=$((count[$group] + 1))
	done
}

# leave_out CASE...: sets kept_cases to those for which it means something that a path is forced, and says which it does not.
leave_out()
{
	local name
	kept_cases=()
	for name; do
		if [ -n "${lab_notify:-}" ] && [ -r "$(case_file "$name")" ] &&
		   [ "$(case_header "$(case_file "$name")" notify "")" = own ]; then
			say "  not applicable with a forced path: $name (chooses its paths itself, or has no daemon)"
		elif [ -n "${lab_notify:-}" ] && [ "$lab_notify" != event-channel ] && [ -r "$(case_file "$name")" ] &&
		     [ "$(case_header "$(case_file "$name")" platform arm64)" != arm64 ] &&
		     [ "$(case_header "$(case_file "$name")" dom0 pv)" = pv ]; then
			say "  not applicable with $lab_notify: $name (x86_64's dom0 is a PV domain, which has no ioeventfds)"
		else
			kept_cases+=("$name")
		fi
	done
	[ ${#kept_cases[@]} -gt 0 ] || die "no case is left"
}

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

# boot_weight NUMBER: what the longest of its cases may take.
boot_weight()
{
	local name
	for name in ${boot_cases[$1]}; do
		case_header "$(case_file "$name")" timeout 120
	done | sort -nr | head -n 1
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

check_nested()
{
	local file name i
	local -a boot_group boot_cases together=() alone=()
	case ${1:-} in
	--notify=eventfd-regs|--notify=eventfd|--notify=upstream|--notify=event-channel)
		lab_notify=${1#--notify=}
		shift ;;
	-*)	die "not an option of check nested: $1" ;;
	esac
	if [ $# -eq 0 ]; then
		for file in "$lab_nested"/cases/*.sh; do
			[ "$(case_header "$file" run always)" = always ] || continue
			name=${file##*/}
			set -- "$@" "${name%.sh}"
		done
	fi
	leave_out "$@"
	set -- "${kept_cases[@]}"
	plan_boots "$@"
	for i in "${!boot_group[@]}"; do
		case ${boot_group[$i]} in
		icount*) together+=("$i") ;;
		*) alone+=("$i") ;;
		esac
	done
	# One boot is shown as it goes.
	[ ${#together[@]} -gt 1 ] || { alone=("${together[@]}" "${alone[@]}"); together=(); }
	say "nested: the platform"
	prepare_nested "${boot_group[@]}"
	say "nested: $# case(s) on real Xen in ${#boot_group[@]} boot(s)"
	run_pool "${together[@]}"
	for i in "${alone[@]}"; do
		# shellcheck disable=SC2086
		run_group "${boot_group[$i]}" ${boot_cases[$i]}
	done
}

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
	say "unit: building and testing on this machine"
	lab_lock
	host_prepare "$host_packages_unit"
	build_sources
	check_build sanitizers --enable-sanitizers --enable-werror
	check_build plain --enable-werror
	check_build without-xen --without-xen --enable-werror
	check_dist
	lab_unlock
}

# Whatever happens, the last line of a check is its result.
check_result()
{
	local rc=$? passed failed
	end_jobs
	passed=$((unit_passed + nested_passed))
	failed=$((unit_failed + nested_failed))
	if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	say "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && exit 0
	exit 1
}

lab_check()
{
	local what=${1:-all} start
	case $what in
	all|unit|nested|kasan) ;;
	soak)
		lab_cycles=${2:-200}
		[[ $# -le 2 && $lab_cycles =~ ^[1-9][0-9]{0,5}$ ]] || die "check soak: give a number of cycles"
		set -- nested load load-stock
		what=nested ;;
	*) die "check unit, check nested [CASE...], check kasan [CASE...], check soak [CYCLES] or check, not: check $what" ;;
	esac
	[ $# -eq 0 ] || shift
	case $what in
	all|unit) [ $# -eq 0 ] || die "check $what takes no argument" ;;
	esac
	start=$(now_ms)
	trap check_result EXIT
	case $what in all|unit) check_unit ;; esac
	case $what in all|nested) check_nested "$@" ;; esac
	case $what in kasan) check_kasan "$@" ;; esac
	say "all of it took $(seconds_since "$start") s"
}

lab_demo()
{
	local start
	start=$(now_ms)
	say "preparing (the first time takes a few minutes)"
	prepare_nested
	say "real Xen in QEMU; dom0 boots, then xl creates a guest"
	demo_running=yes
	run_group "$(case_group demo)" demo
	say "the demonstration took $(seconds_since "$start") s; logs: $(case_logs demo)"
	[ "$nested_failed" -eq 0 ] || exit 1
}

lab_shell()
{
	[ -t 0 ] && [ -t 1 ] || die "shell needs a terminal"
	say "preparing (the first time takes a few minutes)"
	prepare_nested
	new_run_dir
	make_boot shell ours 6.12 stock
	machine_interactive "$run_dir" smp 2G
	rm -rf "$run_dir"
}

lab_clean()
{
	[ -d "$lab_cache" ] || { say "nothing to clean: $lab_cache is not there"; return 0; }
	[ -e "$lab_cache/lock" ] || die "$lab_cache does not look like lab's cache: not removed"
	lab_lock
	rm -rf "$lab_cache"
	say "removed $lab_cache"
}
