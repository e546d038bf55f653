# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a case says of itself, in the header of its file (tests/nested/README.md has all its lines): which machine it wants.
# Nothing here starts or plans anything.

case_header()
{
	local value
	value=$(sed -n "s/^# $2: *//p" "$1" | head -n 1)
	echo "${value:-$3}"
}

case_file()
{
	case $1 in
	demo|demo-x86) echo "$lab_nested/dom0/$1.sh" ;;
	bench) echo "$lab_top/tests/bench/$bench_name.sh" ;;
	*)
		if [ -n "${lab_kasan:-}" ] && [ -r "$kasan_dir/$1.sh" ]; then
			echo "$kasan_dir/$1.sh"
		else
			echo "$lab_nested/cases/$1.sh"
		fi ;;
	esac
}

# case_known NAME: or lab ends.
case_known()
{
	[ -r "$(case_file "$1")" ] ||
		die "no such case: $1 (there are: $(cd "$lab_nested/cases" && echo *.sh | sed 's/\.sh//g'))"
}

case_group()
{
	local file own mode
	file=$(case_file "$1")
	own=$(case_header "$file" boot shared)
	[ "$own" = shared ] || own=$1
	# Where races are looked for there are two CPUs.
	mode=${lab_kasan:+smp}
	echo "${mode:-$(case_header "$file" mode icount)} $(case_kernel "$file") $(case_header "$file" mem 2G)" \
		"$(case_modules "$file") $(case_xen "$file") $(case_header "$file" guest-balloon stock) $(case_backends "$file") $own"
}

# case_backends FILE: the vhost-user backends that dom0 has (backends.sh), as one word; none.
case_backends()
{
	case_header "$1" backends none | tr -s ' ' '\n' | sort -u | paste -sd +
}

# case_label NAME: what its result is called. With --newest a case has one for each kernel.
case_label()
{
	echo "$1${lab_newest:+@$lab_newest}"
}

# case_kernel FILE: its guests'.
case_kernel()
{
	if [ -n "${lab_newest:-}" ]; then
		echo "$lab_newest"
	else
		case_header "$1" guest 6.12 | tr -d .
	fi
}

# case_platform FILE: those of kasan/ are of the platform that lab check kasan is about, if they do not say.
case_platform()
{
	local platform=arm64
	[[ -z ${lab_kasan:-} || $1 != "$kasan_dir"/* ]] || platform=$lab_kasan
	case_header "$1" platform "$platform"
}

# case_xen FILE: which Xen: plain or patched for arm64; x86_64, x86_64-qemu when its guests have QEMU as device model,
# x86_64-pvh when dom0 is a PVH domain, x86_64-debian13 when it is Debian 13 (debian13.sh).
case_xen()
{
	local xen
	xen=$(case_platform "$1")
	case $xen in
	arm64) case_header "$1" xen plain ;;
	*) echo "$xen$(case_header "$1" device-model "$(case_header "$1" dom0 "")" | sed -n 's/^./-&/p')" ;;
	esac
}

# case_architecture FILE: of its dom0, as Debian calls it
case_architecture()
{
	case $(case_header "$1" platform arm64) in
	arm64) echo arm64 ;;
	*) echo amd64 ;;
	esac
}

# case_modules FILE: which of dom0's modules the boot has. Ours have every path; upstream's interface as well.
case_modules()
{
	if [ -n "${lab_kasan:-}" ]; then
		echo kasan
	elif [ -n "${arm64_stock:-}" ]; then
		echo stock
	elif [ -n "${lab_newest:-}" ] && [ "$(newest_modules "$lab_newest" "$(case_architecture "$1")")" = stock ]; then
		echo stock
	else
		case_header "$1" modules ours
	fi
}

# not_applicable NAME: why the case means nothing in this run of lab; nothing if it does.
not_applicable()
{
	local file
	file=$(case_file "$1")
	if [ -n "${lab_notify:-}" ]; then
		if [ "$(case_header "$file" notify "")" = own ]; then
			echo "chooses its paths itself, or has no daemon"
		fi
	elif [ -n "${lab_newest:-}" ]; then
		if [ "$(case_header "$file" guest 6.12)" != 6.12 ]; then
			echo "is about guests with Linux $(case_header "$file" guest "")"
		elif [ "$(case_header "$file" dom0 "")" = debian13 ]; then
			echo "has the kernel that Debian 13 has"
		elif [ "$(newest_modules "$lab_newest" "$(case_architecture "$file")")" = stock ] && [ "$(case_header "$file" guest-balloon stock)" != stock ]; then
			echo "is about our virtio_balloon, which is not built for this kernel"
		elif [ "$(case_modules "$file")" = stock ] && [ "$(case_header "$file" modules any)" = ours ]; then
			echo "is about dom0's modules of ours, which are not built for this kernel"
		elif [ "$(case_modules "$file")" = upstream ]; then
			echo "is about upstream's interface, of which no module is built for this kernel"
		elif [ "$(case_backends "$file")" != none ]; then
			echo "is about vhost-user backends, which need a guest's memory as a file: only dom0's modules of ours have that"
		fi
	fi
}
