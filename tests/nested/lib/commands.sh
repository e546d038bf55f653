# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab's commands.

# run_planned CASE...: in as few boots as it takes, those beside each other that can be.
run_planned()
{
	local i
	local -a boot_group boot_cases together=() alone=()
	say "nested: the platform"
	cases_probe "$@"
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
	prepare_nested "${boot_group[@]}"
	say "nested: $# case(s) on real Xen in ${#boot_group[@]} boot(s)${lab_newest:+, dom0 and guests with Linux ${newest_release%-*}}"
	score_planned=$((score_planned + $#))
	run_pool "${together[@]}"
	for i in "${alone[@]}"; do
		# shellcheck disable=SC2086
		run_group "${boot_group[$i]}" ${boot_cases[$i]}
	done
}

# check_newest NAMES CASE...: all of it once for each kernel.
check_newest()
{
	local names=$1
	shift
	lab_lock
	newest_look
	platform_arch=amd64 newest_look
	lab_unlock
	for lab_newest in $names; do
		lab_kernel=$lab_newest
		say "newest: the kernel of $lab_newest"
		run_planned "$@"
	done
}

check_nested()
{
	local file name newest=
	while [[ ${1:-} == -* ]]; do
		case $1 in
		--notify=eventfd-regs|--notify=eventfd|--notify=upstream|--notify=event-channel)
			lab_notify=${1#--notify=} ;;
		--newest)
			newest=$(newest_names) ;;
		--newest=*)
			newest=${1#--newest=}
			newest_row "$newest" >/dev/null || die "no such kernel: $newest (there are: $(newest_names))" ;;
		*)	die "not an option of check nested: $1" ;;
		esac
		shift
	done
	[ -z "${lab_notify:-}" ] || [ -z "$newest" ] || die "--notify and --newest at a time are not possible"
	if [ $# -eq 0 ]; then
		for file in "$lab_nested"/cases/*.sh; do
			[ "$(case_header "$file" run always)" = always ] || continue
			name=${file##*/}
			set -- "$@" "${name%.sh}"
		done
	fi
	if [ -n "$newest" ]; then
		check_newest "$newest" "$@"
	else
		run_planned "$@"
	fi
}

# Whatever happens, the last line of a check is its result.
check_result()
{
	local rc=$? passed failed skipped
	end_jobs
	passed=$((unit_passed + $(score_count ok)))
	failed=$((unit_failed + $(score_count FAILED)))
	if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	score_summary
	score_end
	skipped=$(score_count SKIPPED)
	[ "$skipped" -eq 0 ] && skipped= || skipped=", $skipped skipped"
	say "$passed passed, $failed failed$skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && exit 0
	exit 1
}

lab_check()
{
	local what=${1:-all} start name arguments=("$@")
	case $what in
	all|unit|fuzz|nested|kasan|ladder|lab|patches) ;;
	debian13)
		[ $# -eq 1 ] || die "check debian13 takes no argument"
		set -- nested debian13
		what=nested ;;
	fresh) fresh_arguments "${@:2}" ;;
	soak)
		lab_cycles=${2:-200}
		[[ $# -le 2 && $lab_cycles =~ ^[1-9][0-9]{0,5}$ ]] || die "check soak: give a number of cycles"
		set -- nested load load-stock
		what=nested ;;
	*) die "check unit, check fuzz [TARGET...], check nested [CASE...], check kasan [--x86] [CASE...], check soak [CYCLES], check debian13, check lab, check ladder, check patches [xen], check fresh [WHAT...] or check, not: check $what" ;;
	esac
	[ $# -eq 0 ] || shift
	case $what in
	nested) for name; do [[ $name = -* ]] || case_known "$name"; done ;;
	kasan) kasan_arguments "$@" ;;
	esac
	case $what in
	unit) unit_arguments "$@" ;;
	fuzz) fuzz_arguments "$@" ;;
	patches) [[ $# -eq 0 || "$*" = xen ]] || die "check patches takes no argument but xen" ;;
	all|ladder|lab) [ $# -eq 0 ] || die "check $what takes no argument" ;;
	esac
	in_root check "${arguments[@]}"
	start=$(now_ms)
	score_begin
	trap check_result EXIT
	case $what in all|unit) check_unit ;; esac
	case $what in all) check_fuzz ;; fuzz) check_fuzz "$@" ;; esac
	case $what in all) check_patches ;; patches) check_patches "$@" ;; esac
	case $what in all|lab) check_lab ;; esac
	case $what in all|ladder) check_ladder ;; esac
	case $what in
	all)
		# Lab's own root is Debian 12, in which all of this was built by now.
		check_fresh quick trixie
		# It goes to the other release by itself.
		check_fresh dkms bookworm ;;
	fresh) check_fresh "$@" ;;
	esac
	case $what in all|nested) check_nested "$@" ;; esac
	case $what in kasan) check_kasan "$@" ;; esac
	say "all of it took $(seconds_since "$start") s"
}

lab_demo()
{
	local start case=demo
	case $# in
	0)	;;
	*)	[ "$*" = --x86 ] || die "demo takes no argument but --x86"
		case=demo-x86 ;;
	esac
	in_root demo "$@"
	start=$(now_ms)
	score_begin
	say "preparing (the first time takes a few minutes)"
	if [ $case = demo ]; then
		platform_probe
		[ -z "$arm64_missing" ] || case=demo-x86
	fi
	prepare_nested "$(case_group $case)"
	say "real Xen in QEMU; dom0 boots, then a guest is created"
	demo_running=yes
	run_group "$(case_group $case)" $case
	say "the demonstration took $(seconds_since "$start") s; logs: $(case_logs $case)"
	[ "$(score_count FAILED)" -eq 0 ] || exit 1
}

lab_shell()
{
	[ -t 0 ] && [ -t 1 ] || die "shell needs a terminal"
	in_root shell
	say "preparing (the first time takes a few minutes)"
	prepare_nested "smp 612 2G ours plain stock none shell"
	new_run_dir
	make_boot shell ours 612 stock plain none
	machine_interactive "$run_dir" smp 2G
	rm -rf "$run_dir"
}

lab_clean()
{
	[ -d "$lab_cache" ] || { say "nothing to clean: $lab_cache is not there"; return 0; }
	[ -e "$lab_cache/lock" ] || die "$lab_cache does not look like lab's cache: not removed"
	root_become clean
	lab_lock
	rm -rf --one-file-system "$lab_cache"
	say "removed $lab_cache"
}
