# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab pins: the lock beside what the mirror has today; lab pins --update: a lock of today's newest.

lab_pins()
{
	case ${1:-} in
	"")	pins_show ;;
	--update) pins_update ;;
	esac
}

# pins_show: one line a group; files that are gone, by name.
pins_show()
{
	local group lines version newest files here listed gone
	mkdir -p "$lab_cache/resolved"
	need "the mirror's package lists could not be fetched" "reading the mirror's lists" ladder_index
	printf '%-18s %-36s %5s %5s %6s  %s\n' group locked files here listed "newest on the mirror"
	for group in $(lock_groups); do
		lines=$(locked_lines "$group")
		files=$(wc -l <<<"$lines")
		here=0 listed=0 gone=
		while read -r _ _ package version archive path size sum; do
			if grep -qF " $sum" "$lab_cache/index"; then
				listed=$((listed + 1))
			fi
			if lock_have "$sum" "$path" "$size"; then
				here=$((here + 1))
			elif ! grep -qF " $sum" "$lab_cache/index"; then
				gone+=" ${path##*/}"
			fi
		done <<<"$lines"
		read -r newest _ < <(ladder_candidates "$group" | head -n 1) || newest="-"
		case $group in
		userland-*)
			version="each package's own"
			newest=$(pins_userland_newer "$group") ;;
		*)
			version=$(awk '{ print $4; exit }' <<<"$lines")
			[ "$newest" != "$version" ] || newest="the same" ;;
		esac
		printf '%-18s %-36s %5d %5d %6d  %s\n' "$group" "$version" "$files" "$here" "$listed" "$newest"
		[ -z "$gone" ] || pins_gone $gone
	done
	say "listed: in the mirror's package lists today. A file that is not can still be there: lab fetches by path first."
}

# pins_userland_newer GROUP: how many of its packages have a newer version.
pins_userland_newer()
{
	local newer
	newer=$(comm -13 <(locked_lines "$1" | sort) <(ladder_lines "$1" newest - | lock_for_host | sort) | wc -l)
	[ "$newer" -eq 0 ] && echo "the same" || echo "$newer packages newer"
}

pins_gone()
{
	local name
	for name; do
		printf '    not listed and not here: %s\n' "$name"
	done
}

# pins_update: every group from the mirror's lists, fetched and tried, then the lock rewritten.
pins_update()
{
	local group
	mkdir -p "$lab_cache/resolved"
	need "the mirror's package lists could not be fetched" "reading the mirror's lists" ladder_index
	for group in $(lock_groups); do
		# xen-arm64 brings its source with it.
		[ "$group" != xen-source ] || continue
		need "no version of $group on the mirror will do: the lock stays as it is" "choosing and fetching $group" ladder_down "$group"
	done
	{
		sed '/^[a-z]/,$d' "$lock_file"
		for group in $(lock_groups); do
			tail -n +2 "$(group_file "$group")"
		done
	} >"$lab_cache/lock.new"
	# The checkout belongs to whoever made it.
	cat "$lab_cache/lock.new" >"$lock_file"
	say "rewritten: $lock_file; run ./lab check before it is committed"
}
