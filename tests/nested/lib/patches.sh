# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check patches: the complete patch series of kernel/, made and applied with git to the source of every kernel they are for,
# and read by that kernel's checkpatch and kernel-doc (kernel/check-series); the modules' new files, read by sparse; and Xen's
# series (kernel/xen/check-series). No kernel is built here: the cases do that. "check patches xen" builds the hypervisor after
# each patch of Xen's, for both architectures.

patches_groups="linux-6.12-arm64 linux-6.1-arm64"

# unpack_patched_files DEB OUT: of the source what check-series takes.
unpack_patched_files()
{
	local name
	name=$(dpkg-deb -f "$1" Package)
	dpkg-deb --fsys-tarfile "$1" | tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -x -J -C "$2" --strip-components=1 -T <("$lab_top/kernel/check-series" --files | sed "s,^,$name/,")
}

# score_lines FILE: a result for each line "ok ..." or "FAILED ...", and what else it says. False: it has none.
score_lines()
{
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*) score_more ok "patches: ${line#ok }" "  ok      patches: ${line#ok }" ;;
		"FAILED "*) score_more FAILED "patches: ${line#FAILED }" "  FAILED  patches: ${line#FAILED }" ;;
		*) say "      | $line" ;;
		esac
	done <"$1"
	grep -qE '^(ok|FAILED) ' "$1"
}

# patches_of GROUP: a result for each series.
patches_of()
{
	local source status=0
	source=$(awk '$3 ~ /^linux-source-/ { print $8, $6 }' "$(group_file "$1")")
	# shellcheck disable=SC2086
	source=$(lock_place $source)
	artifact "patched-files-${1%-*}" "$(hash_of "${source#"$lab_cache"}" "$("$lab_top/kernel/check-series" --files)" \
			"$(declare -f unpack_patched_files)")" \
		"unpacking what the patches change of ${source##*/}" unpack_patched_files "$source"
	"$lab_top/kernel/check-series" "$artifact_dir" >"$lab_cache/logs/patches-$1.log" 2>&1 || status=$?
	score_lines "$lab_cache/logs/patches-$1.log" || true
	# It ends with a failure only where a line of its says so, or for a reason of its own.
	[ "$status" -eq 0 ] || grep -q '^FAILED ' "$lab_cache/logs/patches-$1.log" ||
		score_more FAILED "patches: $1" "  FAILED  patches: $1: check-series ended by itself"
}

# sparse_modules SERIES LOG: the new files of both modules for that kernel, each read by sparse as it is compiled. Of what the
# stock files have, nothing.
sparse_modules()
{
	local tmp module kdir own
	tmp=$(mktemp -d "$lab_cache/tmp.XXXXXX")
	kdir=$("$lab_top/kernel/unpack-headers" "$tmp/headers" "$devel_dir"/*.deb)
	: >"$2"
	for module in privcmd balloon; do
		own=$(cd "$lab_top/kernel/$module" && find src include -name '*.[ch]' -printf '%f|')
		if ! make -C "$lab_top/kernel/$module" modules KDIR="$kdir" KSRC="$devel_dir/source" O="$tmp/$module" C=1 >"$tmp/log" 2>&1; then
			{ echo "FAILED $module, Linux $1: it does not build with C=1"; tail -n 5 "$tmp/log"; } >>"$2"
		elif ! grep -q '^  CHECK ' "$tmp/log"; then
			echo "FAILED $module, Linux $1: sparse was not called" >>"$2"
		elif grep -E "/(${own%|}):[0-9]+:[0-9]+: (warning|error)" "$tmp/log" | grep -v '/headers/' >"$tmp/found"; then
			{ echo "FAILED $module, Linux $1: sparse"; sed "s,$tmp/[a-z]*/,," "$tmp/found"; } >>"$2"
		else
			echo "ok $module, Linux $1: sparse has nothing to say" >>"$2"
		fi
	done
	rm -rf --one-file-system "$tmp"
}

# sparse_of GROUP
sparse_of()
{
	local series=${1#linux-} lab_resolved log=$lab_cache/logs/sparse-$1.log
	series=${series%-arm64}
	platform_resolve "patches-$1" "$1"
	kernel_devel "${series/./}" "$(resolved_kernel "$series")"
	sparse_modules "$series" "$log"
	score_lines "$log"
}

# xen_patches [BUILD-OPTION...]
xen_patches()
{
	local lab_resolved log=$lab_cache/logs/patches-xen.log
	groups_try xen-source
	if [ -n "$groups_missing" ]; then
		score_more SKIPPED "patches: Xen" "  cannot run: patches on Xen (nothing on the mirror will do for its source)"
		return
	fi
	lab_resolved=$(group_file xen-source)
	"$lab_top/kernel/xen/check-series" "$@" "$(xen_tarball)" >"$log" 2>&1 || true
	score_lines "$log" || score_more FAILED "patches: Xen" "  FAILED  patches: Xen: check-series ended by itself"
}

# check_patches [xen]
check_patches()
{
	local group
	if [ "${1:-}" = xen ]; then
		say "patches: Xen's series, built step by step for two architectures; that takes some minutes"
		lab_lock
		xen_patches --build arm64 --build x86_64
		lab_unlock
		return
	fi
	say "patches: the series of kernel/ on the kernels' sources"
	lab_lock
	for group in $patches_groups; do
		groups_try "$group"
		if [ -n "$groups_missing" ]; then
			score_more SKIPPED "patches: $group" "  cannot run: patches on $group (nothing on the mirror will do for it)"
			continue
		fi
		# What the mirror has today is no fault of a series.
		if ! kernel_takes_modules "$group"; then
			score_more SKIPPED "patches: $group" "  cannot run: patches on $group (they do not fit the kernels the mirror has)"
			continue
		fi
		patches_of "$group"
		sparse_of "$group"
	done
	xen_patches
	lab_unlock
}
