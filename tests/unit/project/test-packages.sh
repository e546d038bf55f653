#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One list of packages, as TAP: README.md's line, debian/control and what configure tells one to install agree with
# tests/packages, in both directions. Controls: on copies, a package too many, too few, or in the wrong group is found.

srcdir=${srcdir:-.}
. "${srcdir:-.}/tests/unit/tap.sh"
export LC_ALL=C

# listed WHAT...: the packages of these groups.
listed()
{
	for what; do
		sed -n "s/^$what \([^ ]*\).*/\1/p" "$tmp/packages"
	done | sort
}

# build_depends REGEXP: the names in debian/control whose entries match.
build_depends()
{
	sed -n '/^Build-Depends:/,/^[^ ]/ { s/^Build-Depends://; s/^ //p }' "$tmp/control" |
		grep -E "$1" | sed 's/[ ,<(].*//' | sort
}

# same NAME NAME: files with names, one a line; what only one of them has is told.
same()
{
	diff -U0 --label "$1" --label "$2" "$tmp/$1" "$tmp/$2" >"$tmp/log" 2>&1 && [ -s "$tmp/$1" ]
}

readme_agrees()
{
	"$srcdir/tests/fresh/readme-commands" "$tmp/README.md" >"$tmp/commands" 2>"$tmp/log" || return
	sed -n 's/^root any apt-get install //p' "$tmp/commands" | tr ' ' '\n' | sort >"$tmp/README.md's"
	listed clone tarball compiler build test >"$tmp/the list's"
	same "README.md's" "the list's"
}

control_agrees()
{
	build_depends '<!nocheck>' >"$tmp/debian/control's for tests"
	listed test >"$tmp/the list's for tests"
	same "debian/control's for tests" "the list's for tests" || return
	build_depends '^[^<]*$' >"$tmp/debian/control's"
	listed build probes debian >"$tmp/the list's"
	same "debian/control's" "the list's"
}

configure_agrees()
{
	sed -n 's/.*install \(lib[a-z0-9-]*\|[a-z-]*\)[],].*/\1/p' "$tmp/configure.ac" | sort -u >"$tmp/configure's"
	listed build test probes | comm -12 "$tmp/configure's" - >"$tmp/known"
	same "configure's" known
}

# Every line is a group that the head explains, and a package; none is there twice.
list_is_sound()
{
	grep -v '^#' "$tmp/packages" | grep . >"$tmp/entries"
	sed -n 's/^#   \([a-z]*\) .*/\1/p' "$tmp/packages" | sort >"$tmp/groups"
	{
		cut -d ' ' -f 1 "$tmp/entries" | sort -u | comm -23 - "$tmp/groups"
		cut -d ' ' -f 2 "$tmp/entries" | sort | uniq -d
		grep -vE '^[a-z]+ [a-z0-9][a-z0-9.+-]+( [a-z0-9 ]+)?$' "$tmp/entries"
	} >"$tmp/log"
	[ ! -s "$tmp/log" ] && [ -s "$tmp/entries" ]
}

# restore [FILE SED-EXPRESSION]: the files as they are; one of them changed, which must change it.
restore()
{
	mkdir -p "$tmp/debian"
	cp "$srcdir/README.md" "$srcdir/tests/packages" "$srcdir/debian/control" "$srcdir/configure.ac" "$tmp/"
	[ $# -eq 0 ] || {
		chmod u+w "$tmp/$1"
		cp "$tmp/$1" "$tmp/before"
		sed "$2" "$tmp/before" >"$tmp/$1"
		! cmp -s "$tmp/before" "$tmp/$1"
	}
}

# found CHECK FILE SED-EXPRESSION TEXT
found()
{
	restore "$2" "$3" && ! "$1" && restore && "$1"
	result $? "$4"
}

restore
list_is_sound
result $? "the list has packages, each once, in groups that it explains"
readme_agrees
result $? "README.md names the list's packages and no other"
control_agrees
result $? "and so does debian/control"
configure_agrees
result $? "what configure tells one to install is in the list"

found list_is_sound packages 's/^build scdoc$/built scdoc/' "a group nobody explains is found"
found list_is_sound packages '$a test scdoc' "a package that is there twice is found"
found readme_agrees README.md 's/ scdoc / /' "a package that README.md lacks is found"
found readme_agrees README.md 's/ scdoc / & cowsay /' "one that only README.md has is found"
found readme_agrees README.md 's/# as root$/# as you like/' "a remark that no test would heed is found"
found control_agrees control '/^ libevent-dev/d' "a package that debian/control lacks is found"
found control_agrees control 's/^ libevent-dev.*/&\n cowsay,/' "one that only debian/control has is found"
found control_agrees control 's/ <!nocheck>//' "a test's package that every build would want is found"
found control_agrees control '/^ systemtap-sdt-dev/d' "one that is for the package's build alone is missed"
found control_agrees packages '/^test procps/d' "a test's package that the list lacks is found"
found configure_agrees configure.ac 's/install libevent-dev/install libevent2-dev/' "a name configure has wrong is found"
tap_done
