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

# boot_weight NUMBER: what the longest of its cases may take.
boot_weight()
{
	local name
	for name in ${boot_cases[$1]}; do
		case_header "$(case_file "$name")" timeout 120
	done | sort -nr | head -n 1
}
