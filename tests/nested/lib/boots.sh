# SPDX-License-Identifier: GPL-2.0-or-later
#
# A boot from its initramfs to its end, and the next for the cases that it left: one ends with its first case that fails,
# hangs or takes the machine down.

# make_boot RUN MODULES KERNEL BALLOON XEN BACKENDS: the initramfs of one boot, in run_dir.
make_boot()
{
	local run=$1 modules=$2 kernel=$3 balloon=$4 backends=$6 parts
	case $5 in
	x86_64*)
		x86_make_boot "$run" "$5" "$modules" "$kernel" "$backends"
		return ;;
	esac
	parts=("${guest_cpio[$kernel]}")
	fill_overlay "$run_dir/overlay" "$run" "$kernel"
	modules_overlay "$run_dir/overlay" "$modules"
	balloon_overlay "$run_dir/overlay" "$kernel" "$balloon"
	backends_overlay "$run_dir/overlay" "$kernel" "$backends"
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

# describe_boot GROUP: for whoever reads.
describe_boot()
{
	local mode kernel modules xen balloon backends what
	read -r mode kernel _ modules xen balloon backends _ <<<"$1"
	what="$mode, $modules modules, kernel $kernel"
	case $xen in
	plain) ;;
	x86_64*) what+=", $xen" ;;
	*) what+=", $xen Xen" ;;
	esac
	[ "$balloon" = stock ] || what+=", $balloon virtio_balloon"
	[ "$backends" = none ] || what+=", ${backends//+/, }"
	echo "$what"
}

# boot_once GROUP CASE...: as far as one boot of these cases goes; done_cases are over then.
boot_once()
{
	local mode kernel mem modules xen balloon backends
	read -r mode kernel mem modules xen balloon backends _ <<<"$1"
	shift
	new_run_dir
	make_boot "cases $*" "$modules" "$kernel" "$balloon" "$xen" "$backends"
	[ -n "${demo_running:-}${lab_pooled:-}" ] || say "  boot: $boot_what, $# case(s)"
	machine_start "$run_dir" "$mode" "$mem" "$xen"
	watch_run "$mode"
	machine_stop
	[ -z "${lab_kasan:-}" ] || kasan_judge "$run_dir/console.log" "${done_cases[@]}"
	rm -rf "$run_dir"
}

# run_group "MODE KERNEL MEM MODULES XEN BALLOON BACKENDS OWN" CASE...: until each of them has its result.
run_group()
{
	local group=$1 remaining=("${@:2}") name left in_vain=0 boot_what done_cases
	boot_what=$(describe_boot "$group")
	while [ ${#remaining[@]} -gt 0 ]; do
		boot_once "$group" "${remaining[@]}"
		left=()
		for name in "${remaining[@]}"; do
			case " ${done_cases[*]} " in
			*" $name "*) ;;
			*) left+=("$name") ;;
			esac
		done
		if [ ${#left[@]} -lt ${#remaining[@]} ]; then
			in_vain=0
		else
			in_vain=$((in_vain + 1))
		fi
		remaining=("${left[@]}")
		[ $in_vain -ge 2 ] || continue
		for name in "${remaining[@]}"; do
			name=$(case_label "$name")
			score_case FAILED 0 "$name" "$(printf '  FAILED  %-30s %s' "$name" "no machine: two boots ended before any case ($boot_what)")"
		done
		return 0
	done
}

# prepare_nested GROUP...: all that boots of these groups need, and of another platform nothing.
prepare_nested()
{
	local group kernel xen balloon backends older=
	lab_lock
	for group; do
		read -r _ kernel _ <<<"$group"
		[ "$kernel" != 61 ] || older=61
	done
	for group; do
		# What is there for a kernel stays for as long as it is dom0's.
		read -r _ kernel _ _ xen balloon backends _ <<<"$group"
		case $xen in
		x86_64*)
			[ "${x86_has:-}" = "$lab_kernel" ] || x86_prepare
			x86_has=$lab_kernel
			[ "$backends" = none ] || [ -n "${backends_dir[$kernel-amd64+$backends]:-}" ] || x86_prepare_backends "$kernel" "$backends"
			[ "$xen" != x86_64-debian13 ] || [ -n "${debian13_dir:-}" ] || debian13_prepare
			continue ;;
		esac
		if [ "${platform_has:-}" != "$lab_kernel" ]; then
			# shellcheck disable=SC2086 # none or one
			platform_prepare $older
			if [ -n "${lab_newest:-}" ] && [ "$(newest_modules "$lab_newest" arm64)" = ours ]; then
				newest_modules_prepare "$lab_newest"
			elif kernel_takes_modules; then
				modules_prepare
			fi
			build_arm64
			platform_has=$lab_kernel
		fi
		[ "$xen" = plain ] || [ -n "${xen_image[$xen]:-}" ] || platform_prepare_xen
		[ "$balloon" = stock ] || [ -n "${balloon_cpio[$kernel]:-}" ] || balloon_prepare "$kernel"
		[ "$backends" = none ] || [ -n "${backends_dir[$kernel+$backends]:-}" ] || backends_prepare "$kernel" "$backends"
	done
	lab_unlock
}
