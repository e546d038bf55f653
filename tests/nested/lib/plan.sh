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

# cannot_run CASE: what of it is not to be had from the mirror; nothing when all is.
cannot_run()
{
	local file
	file=$(case_file "$1")
	if [ -n "${arm64_missing:-}" ] && [ "$(case_header "$file" platform arm64)" = arm64 ]; then
		echo "the arm64 platform: $arm64_missing"
	elif [ -n "${arm64_older_missing:-}" ] && [ "$(case_header "$file" guest 6.12)" = 6.1 ]; then
		echo "guests with Linux 6.1: $arm64_older_missing"
	elif [ -n "${arm64_stock:-}" ] && [ "$(case_header "$file" platform arm64)" = arm64 ] &&
	     { [ "$(case_header "$file" modules any)" = ours ] || [ "$(case_header "$file" guest-balloon stock)" = ours ] ||
	       [ "$(case_backends "$file")" != none ]; }; then
		echo "modules of ours: they do not fit the kernels the mirror has"
	elif [ "$(case_xen "$file")" = x86_64-debian13 ] && [ "$(dpkg --print-architecture)" != amd64 ]; then
		echo "Debian 13 for amd64 is put together by its own programs, which do not run here"
	elif [ "$(case_xen "$file")" = patched ] && ! xen_series_fits; then
		echo "the patches of kernel/xen do not fit today's source of Xen"
	fi
}

# leave_out CASE...: sets kept_cases to those that mean something in this run, and says which do not.
leave_out()
{
	local name why
	kept_cases=()
	for name; do
		why=$(cannot_run "$name")
		if [ -n "$why" ]; then
			score_more SKIPPED "$name" "  cannot run: $name ($why)"
			continue
		fi
		why=$(not_applicable "$name")
		if [ -n "$why" ]; then
			say "  not applicable with ${lab_notify:-$lab_newest}: $name ($why)"
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
