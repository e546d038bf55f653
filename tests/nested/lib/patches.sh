# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check patches: the complete patch series of kernel/, made and applied with git to the source of every kernel they are for,
# and read by that kernel's checkpatch (kernel/check-series). No kernel is built here: the cases do that.

patches_groups="linux-6.12-arm64 linux-6.1-arm64"

# unpack_patched_files DEB OUT: of the source what check-series takes.
unpack_patched_files()
{
	local name
	name=$(dpkg-deb -f "$1" Package)
	dpkg-deb --fsys-tarfile "$1" | tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -x -J -C "$2" --strip-components=1 -T <("$lab_top/kernel/check-series" --files | sed "s,^,$name/,")
}

# patches_of GROUP: a result for each series.
patches_of()
{
	local source line status=0
	source=$(awk '$3 ~ /^linux-source-/ { print $8, $6 }' "$(group_file "$1")")
	# shellcheck disable=SC2086
	source=$(lock_place $source)
	artifact "patched-files-${1%-*}" "$(hash_of "${source#"$lab_cache"}" "$("$lab_top/kernel/check-series" --files)" \
			"$(declare -f unpack_patched_files)")" \
		"unpacking what the patches change of ${source##*/}" unpack_patched_files "$source"
	"$lab_top/kernel/check-series" "$artifact_dir" >"$lab_cache/logs/patches-$1.log" 2>&1 || status=$?
	while IFS= read -r line; do
		case $line in
		"ok "*) score_more ok "patches: ${line#ok }" "  ok      patches: ${line#ok }" ;;
		"FAILED "*) score_more FAILED "patches: ${line#FAILED }" "  FAILED  patches: ${line#FAILED }" ;;
		*) say "      | $line" ;;
		esac
	done <"$lab_cache/logs/patches-$1.log"
	# It ends with a failure only where a line of its says so, or for a reason of its own.
	[ "$status" -eq 0 ] || grep -q '^FAILED ' "$lab_cache/logs/patches-$1.log" ||
		score_more FAILED "patches: $1" "  FAILED  patches: $1: check-series ended by itself"
}

check_patches()
{
	local group
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
	done
	lab_unlock
}
