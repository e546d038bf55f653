# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which cases boot together. Cases with the same header (mode, guest kernel, memory) share boots, in order, a few to each, but
# for those that ask for their own: which case is in which boot, after which, depends on nothing else.

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

# cases_probe CASE...: what these cases need of the mirror.
cases_probe()
{
	local name file arm64= older=
	arm64_missing=
	arm64_older_missing=
	for name; do
		file=$(case_file "$name")
		[ -r "$file" ] && [ "$(case_header "$file" platform arm64)" = arm64 ] || continue
		arm64=yes
		[ "$(case_header "$file" guest 6.12)" = 6.12 ] || older=6.1
	done
	[ -z "$arm64" ] || platform_probe $older
}

# leave_out CASE...: sets kept_cases to those for which it means something that a path is forced, and says which it does not.
leave_out()
{
	local name
	kept_cases=()
	for name; do
		if [ -n "$arm64_missing" ] && [ "$(case_header "$(case_file "$name")" platform arm64)" = arm64 ]; then
			score_more SKIPPED "$name" "  cannot run: $name (the arm64 platform: $arm64_missing)"
		elif [ -n "$arm64_older_missing" ] && [ "$(case_header "$(case_file "$name")" guest 6.12)" = 6.1 ]; then
			score_more SKIPPED "$name" "  cannot run: $name (guests with Linux 6.1: $arm64_older_missing)"
		elif [ "$(case_xen "$(case_file "$name")")" = patched ] && [ -z "$arm64_missing" ] && ! xen_series_fits; then
			score_more SKIPPED "$name" "  cannot run: $name (the patches of kernel/xen do not fit today's source of Xen)"
		elif [ -n "${lab_notify:-}" ] && [ -r "$(case_file "$name")" ] &&
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

# boot_weight NUMBER: what the longest of its cases may take.
boot_weight()
{
	local name
	for name in ${boot_cases[$1]}; do
		case_header "$(case_file "$name")" timeout 120
	done | sort -nr | head -n 1
}
