# SPDX-License-Identifier: GPL-2.0-or-later
#
# The cache outside the checkout: finished artifacts only, one directory each, keyed by what made it.
#
# An artifact is built in a temporary directory and renamed into place with a stamp inside, so a directory
# with its stamp is whole and anything else is rubbish that the next run removes. lab_lock keeps two labs
# from building at the same time; it is held while preparing, never while a machine runs.

lab_cache=${XENVIRTIO_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/xenvirtio}
case $lab_cache in
/*) ;;
*) lab_cache=$PWD/$lab_cache ;;
esac
# As this machine has it: inside lab's root the cache has a place of its own.
lab_shown_cache=${lab_shown_cache:-$lab_cache}

lab_lock()
{
	mkdir -p "$lab_cache" 2>/dev/null && [ -w "$lab_cache" ] ||
		die "cannot write to the cache $lab_cache: set XENVIRTIO_CACHE to another place"
	exec {lab_lock_fd}>"$lab_cache/lock"
	if ! flock -n "$lab_lock_fd"; then
		say "  waiting for another lab that is preparing in $lab_cache"
		flock "$lab_lock_fd"
	fi
	# What an interrupted lab has left. Never through a mount.
	rm -rf --one-file-system "$lab_cache"/tmp.*
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
	rm -rf --one-file-system "$artifact_dir"
	tmp=$(mktemp -d "$lab_cache/${artifact_tmp:-tmp}.XXXXXX")
	step "$text" "$@" "$tmp"
	if [ "$step_status" -ne 0 ]; then
		rm -rf --one-file-system "$tmp"
		die "failed: $text. Nothing half-done was kept; lab can be run again"
	fi
	touch "$tmp/.complete"
	chmod 755 "$tmp"
	mv "$tmp" "$artifact_dir"
	# What no checkout has used for two weeks goes.
	for old in "$lab_cache/$name"-*/.complete; do
		if [ -n "$(find "$old" -mtime +14)" ]; then
			rm -rf --one-file-system "${old%/.complete}"
		fi
	done
}
