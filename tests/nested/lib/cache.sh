# SPDX-License-Identifier: GPL-2.0-or-later
#
# The cache outside the checkout: finished artifacts only, one directory each, keyed by what made it.
#
# An artifact is built in a temporary directory and renamed into place with a stamp inside, so a directory
# with its stamp is whole and anything else is rubbish that the next run removes. lab_lock keeps two labs
# from building at the same time; it is held while preparing, never while a machine runs.

lab_cache=${XENVIRTIO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xenvirtio}

lab_lock()
{
	mkdir -p "$lab_cache" || die "cannot make the cache $lab_cache (set XENVIRTIO_CACHE to another place)"
	exec {lab_lock_fd}>"$lab_cache/lock"
	if ! flock -n "$lab_lock_fd"; then
		say "  waiting for another lab that is preparing in $lab_cache"
		flock "$lab_lock_fd"
	fi
	rm -rf "$lab_cache"/tmp.*
}

lab_unlock()
{
	flock -u "$lab_lock_fd"
	exec {lab_lock_fd}>&-
}

# hash_of WORDS-AND-FILES...: a short key; a file counts with its content.
hash_of()
{
	local item
	for item in "$@"; do
		if [ -f "$item" ]; then
			cat "$item"
		else
			printf '%s\n' "$item"
		fi
	done | sha256sum | cut -c1-12
}

# artifact NAME KEY TEXT BUILDER...: make $lab_cache/NAME-KEY unless it is there; sets artifact_dir, or lab ends.
# The builder is called with the directory to fill as its last argument. Not under lab_lock, artifact_tmp must be set, to a
# name that starts unlike tmp: those are removed by whoever takes the lock.
artifact()
{
	local name=$1 key=$2 text=$3 tmp old
	shift 3
	artifact_dir=$lab_cache/$name-$key
	if [ -e "$artifact_dir/.complete" ]; then
		touch "$artifact_dir/.complete"
		return 0
	fi
	rm -rf "$artifact_dir"
	tmp=$(mktemp -d "$lab_cache/${artifact_tmp:-tmp}.XXXXXX")
	step "$text" "$@" "$tmp"
	if [ "$step_status" -ne 0 ]; then
		rm -rf "$tmp"
		die "failed: $text. Nothing half-done was kept; lab can be run again"
	fi
	touch "$tmp/.complete"
	chmod 755 "$tmp"
	mv "$tmp" "$artifact_dir"
	# What no checkout has used for two weeks goes.
	for old in "$lab_cache/$name"-*/.complete; do
		if [ -n "$(find "$old" -mtime +14)" ]; then
			rm -rf "${old%/.complete}"
		fi
	done
}
