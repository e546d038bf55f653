# SPDX-License-Identifier: GPL-2.0-or-later
#
# The platform's files: which they are (tests/nested/lock), and having them in $lab_cache/downloads.
#
# A line of the lock is "group architecture package version archive path size sha256". A locked file is fetched by its path, with
# nothing asked of the mirror but that file, and counts only with its checksum. Where a locked file is gone, ladder.sh finds
# others. What a run goes by is in $lab_cache/resolved, a file a group, its first line the rung: "locked", or in words what
# was taken instead. A cache that has all its files asks nothing of the network.

lock_file=$lab_nested/lock

lock_wanted()
{
	awk -v group="$1" '$1 == group' "$lab_nested/platform"
}

lock_groups()
{
	awk '/^[a-z]/ && !seen[$1]++ { print $1 }' "$lab_nested/platform"
}

# locked_lines GROUP: its lines of the lock that this root's architecture needs.
locked_lines()
{
	awk -v group="$1" '$1 == group' "$lock_file" | lock_for_host
}

# lock_for_host: of lines on stdin those this root needs: a kernel's build programs are its own.
lock_for_host()
{
	awk -v host="$(dpkg --print-architecture)" '$3 !~ /^linux-kbuild-/ || $2 == host'
}

# lock_place SHA256 PATH: where a file is kept.
lock_place()
{
	echo "$lab_cache/downloads/${1:0:16}/${2##*/}"
}

lock_have()
{
	local sum=$1 path=$2 size=$3 file
	file=$(lock_place "$sum" "$path")
	[ -e "$file" ] && [ "$(stat -c %s "$file")" = "$size" ]
}

# lock_fetch_lines: the files of lines on stdin. Returns 2 when the mirror has one of them no longer; says which.
lock_fetch_lines()
{
	local group arch package version archive path size sum file address status=0
	while read -r group arch package version archive path size sum; do
		lock_have "$sum" "$path" "$size" && continue
		file=$(lock_place "$sum" "$path")
		mkdir -p "${file%/*}"
		address=$(mirror_address "$archive") || return 1
		echo "fetching $path"
		mirror_fetch "$address/${path//+/%2b}" "$file" "$sum" || status=$?
		if [ "$status" -ne 0 ]; then
			rmdir "${file%/*}" 2>/dev/null || true
			[ "$status" -ne 2 ] || echo "gone: $path"
			return "$status"
		fi
		echo "fetched $size $path"
	done
}

# group_file GROUP: where is noted what it resolved to; another lock or list has another note.
group_file()
{
	echo "$lab_cache/resolved/$1-$(hash_of "$(locked_lines "$1")" "$(lock_wanted "$1")" "$(locked_lines xen-source)")"
}

# group_complete GROUP: is it resolved, with every file here?
group_complete()
{
	local group arch package version archive path size sum note
	note=$(group_file "$1")
	[ -s "$note" ] || return 1
	while read -r group arch package version archive path size sum; do
		lock_have "$sum" "$path" "$size" || return 1
	done < <(tail -n +2 "$note")
}

# group_note GROUP RUNG: resolved, to the lines on stdin.
group_note()
{
	local note
	note=$(group_file "$1")
	mkdir -p "${note%/*}"
	{ echo "$2"; cat; } >"$note.new"
	mv "$note.new" "$note"
}

# group_fetch GROUP: by the lock, else down the ladder.
group_fetch()
{
	local status=0
	locked_lines "$1" | lock_fetch_lines || status=$?
	case $status in
	0)	locked_lines "$1" | group_note "$1" locked ;;
	2)	ladder_down "$1" ;;
	*)	return 1 ;;
	esac
}

# groups_try GROUP...: every file of these groups here; sets groups_missing to the group of which nothing on the mirror will
# do. Lab ends where the mirror cannot be asked.
groups_try()
{
	local group rung todo=()
	groups_missing=
	for group; do
		group_complete "$group" || todo+=("$group")
	done
	for group in "${todo[@]}"; do
		step "fetching $group" group_fetch "$group"
		if [ "$step_status" -eq 3 ]; then
			groups_missing=$group
			return 0
		fi
		[ "$step_status" -eq 0 ] || die "the files of $group could not be fetched. Nothing half-done was kept; lab can be run again"
	done
	for group; do
		rung=$(head -n 1 "$(group_file "$group")")
		[ "$rung" = locked ] || say "  note: $group: $rung"
	done
}

# groups_prepare GROUP...: as groups_try, but there is no other way.
groups_prepare()
{
	groups_try "$@"
	[ -z "$groups_missing" ] || die "nothing on the mirror will do for $groups_missing ($lab_cache/logs/failed-step.log says what was tried)"
}

# resolved_lines GROUP...: what they resolved to.
resolved_lines()
{
	local group
	for group; do
		tail -n +2 "$(group_file "$group")"
	done
}

# downloaded NAME: the file of a package of the platform that is being put together ($lab_resolved).
downloaded()
{
	local path sum
	read -r path sum < <(awk -v n="$1" '$3 == n { print $6, $8; exit }' "$lab_resolved") && [ -n "$path" ] ||
		{ echo "no package $1 in $lab_resolved" >&2; return 1; }
	lock_place "$sum" "$path"
}

# resolved_version NAME
resolved_version()
{
	awk -v n="$1" '$3 == n { print $4; exit }' "$lab_resolved"
}

# resolved_kernel SERIES: the image package of that series.
resolved_kernel()
{
	awk -v group="linux-$1-" 'index($1, group) == 1 && $3 ~ /^linux-image-/ { print $3; exit }' "$lab_resolved"
}

xen_tarball()
{
	downloaded "xen-$xen_series"
}

# kernel_files RELEASE: what building modules for that kernel takes: headers, build programs, source.
kernel_files()
{
	local group
	group=$(awk -v p="linux-image-$1" '$3 == p { print $1; exit }' "$lab_resolved")
	awk -v group="$group" '$1 == group && $3 !~ /^linux-image-/ { print $6, $8 }' "$lab_resolved" |
		while read -r path sum; do
			lock_place "$sum" "$path"
		done
}
