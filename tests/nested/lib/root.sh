# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab's own root: a Debian 12 of its own in the cache, made from tests/packages, in which all else of lab runs.
#
# So every machine has the same QEMU, compilers and tools, whatever is installed on it, and a package that tests/packages
# lacks is missing everywhere. Of the machine itself this takes bash, apt, perl (git has it), mount and chroot; mmdebstrap is
# fetched into the cache when it is not installed. Nothing is installed on the machine.
#
# in_root is the only way in. lab runs three times on the way: as the user it was started by; as root, which is root
# itself, the user in a name space of its own, or sudo; and inside.

lab_inside=${XENVIRTIO_LAB_INSIDE:-}
root_suite=bookworm
# What making the root and the platform takes at most, and nothing else says so early.
root_room_mib=6144

# root_packages ARCHITECTURE: what tests/packages has for a root of that architecture. Debian packages are built and checked in
# other roots (tests/fresh).
root_packages()
{
	awk -v arch="$1" '$1 ~ /^(clone|tarball|compiler|build|test|probes|valgrind|lab)$/ && (NF == 2 || index(" " substr($0, index($0, $3)) " ", " " arch " ")) { print $2 }' \
		"$lab_top/tests/packages" | sort -u
}

# A user who is root in a name space of their own, with other users to own files there.
root_user_namespace=(unshare --user --map-auto --map-root-user)

# Before a directory and a command: a mount namespace of its own for both.
root_mounts=(unshare --mount --propagation unchanged "$lab_nested/lib/private-mounts")

# root_become COMMAND...: be root, or start lab again as root.
root_become()
{
	local variables=(XENVIRTIO_CACHE="$lab_cache" XENVIRTIO_MIRROR="${XENVIRTIO_MIRROR:-}")
	[ "$(id -u)" -ne 0 ] || return 0
	mkdir -p "$lab_cache" 2>/dev/null || die "cannot write to the cache $lab_cache: set XENVIRTIO_CACHE to another place"
	if "${root_user_namespace[@]}" true 2>/dev/null; then
		exec "${root_user_namespace[@]}" env "${variables[@]}" "$lab_top/lab" "$@"
	elif sudo -n true 2>/dev/null; then
		exec sudo -n env CI="${CI:-}" TERM="${TERM:-dumb}" "${variables[@]}" "$lab_top/lab" "$@"
	elif [ -t 0 ] && command -v sudo >/dev/null; then
		say "lab makes a root of its own, for which it has to be root: sudo asks"
		exec sudo env TERM="${TERM:-dumb}" "${variables[@]}" "$lab_top/lab" "$@"
	fi
	die "lab makes a Debian root of its own and for that has to be root: start it as root, give this user sudo, or install uidmap and give the user a range in /etc/subuid"
}

# root_fetch DIR PACKAGE: unpacked into DIR/PACKAGE, from this machine's own sources, with lists of our own: those of the machine may
# be missing or old.
root_fetch()
{
	local dir=$1 options=(-q -o "Dir::State::Lists=$1/lists" -o "Dir::Cache=$1" -o "Dir::Cache::archives=archives"
		-o APT::Sandbox::User=root)
	if [ ! -d "$dir/lists" ]; then
		mkdir -p "$dir"/{lists/partial,archives/partial}
		apt-get "${options[@]}" update >&2
	fi
	(cd "$dir" && apt-get "${options[@]}" download "$2" >&2)
	dpkg-deb -x "$dir/$2"_*.deb "$dir/$2"
}

# root_bootstrap_program DIR: mmdebstrap, this machine's or one unpacked in DIR.
root_bootstrap_program()
{
	command -v mmdebstrap && return 0
	root_fetch "$1" mmdebstrap
	echo "$1/mmdebstrap/usr/bin/mmdebstrap"
}

# root_keyring DIR: Debian's keys, this machine's or those of the package its apt has (on Ubuntu).
root_keyring()
{
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	if [ ! -r "$keyring" ]; then
		root_fetch "$1" debian-archive-keyring
		keyring=$1/debian-archive-keyring$keyring
	fi
	echo "$keyring"
}

# root_make OUT: runs in a mount name space of its own, so that what an interrupted run has mounted is gone with it.
root_make()
{
	local out=$1 work=$1.work program keyring packages
	mirror_need
	mkdir "$work"
	program=$(root_bootstrap_program "$work")
	keyring=$(root_keyring "$work")
	packages=$(root_packages "$(dpkg --print-architecture)" | tr '\n' ',')
	apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|ForceIPv)' >"$work/apt.conf" || true
	perl "$program" --mode=root --variant=minbase --format=directory --include="${packages%,}" \
		--aptopt="$work/apt.conf" --dpkgopt=force-unsafe-io --skip=check/empty --skip=output/dev \
		"$root_suite" "$out" - <<-SOURCES
		$(mirror_sources "$root_suite" "$keyring")
	SOURCES
	# What is mounted there at every start.
	mkdir -p "$out$root_top" "$out$root_cache" "$out/mirror"
	touch "$out/etc/resolv.conf" "$out/etc/hosts"
	rm -rf "$work" "${out:?}"/var/lib/apt/lists/* "${out:?}"/var/cache/apt/*
}

# Where the checkout and the cache are inside: names that need no quoting, the same for everyone.
root_top=/xenvirtio
root_cache=/xenvirtio-cache

root_prepare()
{
	local room key
	key=$(hash_of "$root_suite" "$(dpkg --print-architecture)" "$(root_packages "$(dpkg --print-architecture)")" \
		"$(declare -f root_make)")
	if [ ! -e "$lab_cache/root-$key/.complete" ]; then
		room=$(df --output=avail -BM "$lab_cache" | tail -n 1 | tr -dc 0-9)
		[ "$room" -ge "$root_room_mib" ] ||
			die "$lab_cache has $room MiB of room, and up to $root_room_mib MiB are needed: make room, or set XENVIRTIO_CACHE to another place"
	fi
	artifact root "$key" "making lab's root (Debian 12, once)" root_make_alone
	root_dir=$artifact_dir
}

# In a process of its own: mounts are private to it.
root_make_alone()
{
	XENVIRTIO_LAB_MAKE_ROOT=$1 XENVIRTIO_CACHE=$lab_cache \
		"${root_mounts[@]}" "$1" "$lab_top/lab" make-root
}

# in_root COMMAND...: returns inside the root; outside it starts lab there with that command line.
in_root()
{
	[ -z "$lab_inside" ] || return 0
	root_become "$@"
	command -v unshare >/dev/null || die "unshare is missing here: install the package util-linux"
	lab_lock
	root_prepare
	mirror_note
	lab_unlock
	exec "${root_mounts[@]}" "$root_dir" "$lab_nested/lib/enter-root" "$root_dir" "$lab_top" "$lab_cache" "$@"
}
