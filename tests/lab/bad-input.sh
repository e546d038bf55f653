# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check lab: lab itself where things are not as it wants them: no rights, no room, no mirror, odd paths and settings, two labs
# at once, a build that was killed.
#
# Invariants: one line says what to do; nothing half-made is taken for good; no setting of the user's reaches a build. Sourced by
# lab, inside its root, which is to the lab started here what a machine is to a user's.

# lab_says STATUS WORDS TEXT COMMAND...: the last line a command says, and its exit status.
lab_says()
{
	local status=$1 words=$2 text=$3 out got=0
	shift 3
	out=$("$@" 2>&1 </dev/null) || got=$?
	if [ "$got" -eq "$status" ] && grep -qE -- "$words" <<<"$out"; then
		score_more ok "lab: $text" "  ok      $text"
	else
		score_more FAILED "lab: $text" "  FAILED  $text" "      | exit code $got, wanted $status and: $words" \
			"$(tail -n 5 <<<"$out" | sed 's/^/      | /')"
	fi
}

# lab_outside NAME=VALUE... -- ARGUMENT...: lab as a user starts it on this "machine".
lab_outside()
{
	local variables=()
	while [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	shift
	env -u XENVIRTIO_LAB_INSIDE -u XENVIRTIO_SHOWN_CACHE -u XENVIRTIO_SHOWN_TOP XENVIRTIO_CACHE="$lab_cache" "${variables[@]}" \
		"${lab_program:-$lab_top/lab}" "$@"
}

# In a mount name space of its own.
lab_without_sources()
{
	unshare --mount bash -c 'mount -t tmpfs none /etc/apt && mkdir -p /tmp/empty-cache && "$@"' - \
		env -u XENVIRTIO_LAB_INSIDE XENVIRTIO_CACHE=/tmp/empty-cache "$lab_top/lab" demo
}

lab_without_room()
{
	unshare --mount bash -c 'mkdir -p /tmp/small && mount -t tmpfs -o size=20m none /tmp/small && "$@"' - \
		env -u XENVIRTIO_LAB_INSIDE XENVIRTIO_CACHE=/tmp/small "$lab_top/lab" demo
}

# The checkout and the cache by paths with a blank.
lab_by_odd_paths()
{
	unshare --mount bash -c 'mkdir -p "/tmp/my work/x y" "/tmp/my work/cache" &&
		mount --bind "$1" "/tmp/my work/x y" && mount --bind "$2" "/tmp/my work/cache" &&
		env -u XENVIRTIO_LAB_INSIDE XENVIRTIO_CACHE="/tmp/my work/cache" "/tmp/my work/x y/lab" root pwd' - "$lab_top" "$lab_cache"
}

lab_with_settings()
{
	mkdir -p /tmp/other-path
	printf '#!/bin/sh\necho another QEMU\n' >/tmp/other-path/qemu-system-aarch64
	chmod 755 /tmp/other-path/qemu-system-aarch64
	(
		umask 077
		lab_outside LC_ALL=tr_TR.UTF-8 LANG=de_DE.UTF-8 CFLAGS=-O0 MAKEFLAGS=-k CDPATH=/ TMPDIR="/no/such dir" HOME=/nowhere \
			PATH="/tmp/other-path:$PATH" -- root sh -c \
			'qemu-system-aarch64 --version | head -n 1; echo "$LC_ALL ${CFLAGS-none} ${MAKEFLAGS-none} ${TMPDIR-none} $(umask)"'
	)
}

lab_as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups env -u XENVIRTIO_LAB_INSIDE XENVIRTIO_CACHE="$1" "$lab_top/lab" demo
}

# lab_artifact BUILDER...: one artifact in a cache of its own, in a process of its own.
lab_artifact()
{
	(
		lab_jobs=()
		run_dir=
		lab_cache=$lab_try
		lab_lock
		artifact thing key "making a thing" "$@"
		lab_unlock
		cat "$artifact_dir/made"
	)
}

make_killed()
{
	echo half >"$1/made"
	kill -KILL "$(ps -o ppid= -p $BASHPID | tr -d ' ')" $BASHPID
}

make_slowly()
{
	echo "by $BASHPID" >>"$lab_try/makers"
	sleep 1
	echo whole >"$1/made"
}

lab_half_made()
{
	local left=()
	rm -rf "$lab_try"
	mkdir -p "$lab_try"
	(lab_artifact make_killed) >/dev/null 2>&1 || true
	[ ! -e "$lab_try/thing-key" ] || echo "half is there"
	lab_artifact make_slowly
	left=("$lab_try"/tmp.*)
	[ ${#left[@]} -gt 0 ] || echo "nothing is left over"
}

lab_two_at_once()
{
	local one two
	rm -rf "$lab_try"
	mkdir -p "$lab_try"
	lab_artifact make_slowly >/dev/null &
	one=$!
	lab_artifact make_slowly >/dev/null &
	two=$!
	wait "$one" && wait "$two" && echo "made $(wc -l <"$lab_try/makers") time"
}

check_lab()
{
	local lab_try=/tmp/try
	say "lab: where things are not as it wants them"
	mkdir -p "$lab_try/logs" /tmp/unwritable
	chmod 755 /tmp/unwritable
	lab_says 1 'cannot write to the cache /proc/none: set XENVIRTIO_CACHE' "a cache that cannot be" \
		lab_outside XENVIRTIO_CACHE=/proc/none -- demo
	lab_says 1 'cannot write to the cache /tmp/unwritable/cache: set XENVIRTIO_CACHE' "a cache of somebody else's" \
		lab_as_nobody /tmp/unwritable/cache
	mkdir -p /tmp/nobodys
	chown 65534 /tmp/nobodys
	lab_says 1 'has to be root: start it as root, give this user sudo, or install uidmap' "no right to make a root" lab_as_nobody /tmp/nobodys
	lab_says 1 'has 20 MiB of room, and up to [0-9]+ MiB are needed: make room, or set XENVIRTIO_CACHE' "no room" lab_without_room
	lab_says 1 'no source of Debian .*: set XENVIRTIO_MIRROR' "no mirror" lab_without_sources
	lab_says 0 '^/xenvirtio$' "paths with a blank" lab_by_odd_paths
	lab_says 0 'QEMU emulator version 7.2' "another QEMU in PATH" lab_with_settings
	lab_says 0 '^C none none none 0022$' "the user's locale, flags and umask stay outside" lab_with_settings
	lab_says 1 'shell needs a terminal' "no terminal" lab_outside -- shell
	lab_says 2 'usage: ./lab demo' "no such command" lab_outside -- dmeo
	lab_says 1 'no such case: nosuch \(there are: auto' "no such case" lab_outside -- check nested nosuch
	lab_says 0 'whole' "a build that was killed is made anew" lab_half_made
	lab_says 0 'nothing is left over' "and what it left is gone" lab_half_made
	lab_says 0 'made 1 time' "two labs at once: one makes, the other waits" lab_two_at_once
}
