# SPDX-License-Identifier: GPL-2.0-or-later
#
# README.md's commands in the root, in a clone and in a tarball, and what must be true after them.

fresh_clone=$fresh_home/xenvirtio

readme_commands()
{
	"$fresh_here/readme-commands" "$fresh_top/README.md"
}

make_clone()
{
	git clone -q --no-local "$fresh_top" "$fresh_root$fresh_clone" &&
		chroot "$fresh_root" chown -R "$fresh_user:" "$fresh_clone"
}

# Those of README.md's commands that bring packages.
native_packages()
{
	local who where command
	while read -r who where command; do
		case $command in
		apt-get*) need "$command" in_root "$who" / "$command" ;;
		esac
	done < <(readme_commands)
	need "clone" make_clone
}

# native_build clone|tarball DIR: the others.
native_build()
{
	local kind=$1 dir=${2:-$fresh_clone} who where command
	while read -r who where command; do
		case "$where $command" in
		*" apt-get"*) ;;
		"any make check")
			native_check "$kind: make check" "$who" "$dir" ;;
		any*|"$kind "*)
			need "$kind: $command" in_root "$who" "$dir" "$command" ;;
		esac
	done < <(readme_commands)
	step "$kind: the programs start" programs_start || :
}

# native_check NAME WHO DIR [TARGET]: and how many there were, for none is not all.
native_check()
{
	local name=$1 who=$2 dir=$3 target=${4:-check}
	step "$name" check_counts "$who" "$dir" "$target" || :
	note "$(sed -n 's/^# \(TOTAL\|PASS\|SKIP\|XFAIL\|FAIL\|ERROR\): */\1 /p' "$step_log" | paste -s -d ' ')"
	grep -E '^(SKIP|FAIL|ERROR): ' "$step_log" | head -n 20 | sed 's/^/# /' || :
}

# Root with everything that README.md names has no reason to skip a test; a user may have one, and it is told.
check_counts()
{
	in_root "$1" "$2" "make $3" || return
	grep -q '^# PASS: *[1-9]' "$step_log" || { echo "no test has passed"; return 1; }
	[ "$1" = user ] || ! grep '^SKIP: ' "$step_log"
}

programs_start()
{
	local program option
	set -- "$fresh_root"/usr/local/sbin/*
	[ $# -ge 4 ] || { echo "only $# programs were installed: $*"; return 1; }
	for program; do
		program=${program##*/}
		in_root root / "$program --version && $program --help >/dev/null" || { echo "$program does not start"; return 1; }
	done
}

# What make install put there is gone after make uninstall, so that the next one proves something. man is Debian's own link.
installed_nothing()
{
	in_root root "$fresh_clone" "make uninstall && ldconfig" || return
	! find "$fresh_root/usr/local" ! -type d ! -path "$fresh_root/usr/local/man" | grep .
}

native_valgrind()
{
	step "packages for valgrind" in_root root / "apt-get install $(packages_for valgrind)" &&
		native_check "clone: make check-valgrind" user "$fresh_clone" check-valgrind || :
}

# What only somebody who works on it does.
native_more()
{
	local tarball dir
	native_check "clone: make check as root" root "$fresh_clone"
	need "clone: make uninstall" installed_nothing
	need "make dist" in_root user "$fresh_clone" "make dist"
	tarball=$(basename "$fresh_root$fresh_clone"/xenvirtio-*.tar.xz)
	dir=$fresh_home/${tarball%.tar.xz}
	need "tarball: tar xf" in_root user "$fresh_home" "tar xf $fresh_clone/$tarball"
	native_build tarball "$dir"
	step "make distcheck" in_root user "$fresh_clone" "make distcheck" || :
}

# packages_for WHAT: as tests/packages has them.
packages_for()
{
	sed -n "s/^$1 \([^ ]*\).*/\1/p" "$fresh_top/tests/packages" | paste -s -d ' '
}
