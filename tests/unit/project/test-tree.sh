#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README.md's "What is where" is the tree, two levels deep, as TAP: each folder has one line there, and each line a folder. And
# the tests that its promises name, there and in SECURITY.md, are there: nested cases, programs, functions.
# What a build puts beside the sources is no part of it.

srcdir=${srcdir:-.}
. "$srcdir/tests/unit/tap.sh"

# told README: the folders of its table.
told()
{
	sed -n '/^## What is where/,/^## /s/^| `\([^`]*[^`/]\)\/\{0,1\}` | ..*$/\1/p' "$1" | sort
}

# there TREE
there()
{
	(cd "$1" && find . -mindepth 1 -maxdepth 2 -type d \
		! -name '.*' ! -path './.*' ! -name '_*' ! -path './_*' ! -path './xenvirtio-[0-9]*' \
		! -name autom4te.cache ! -name build-aux ! -name m4 ! -path './debian/*' | sed 's,^\./,,' | sort)
}

told "$srcdir/README.md" >"$tmp/told"
there "$srcdir" >"$tmp/there"
[ -s "$tmp/told" ] && diff "$tmp/told" "$tmp/there" >"$tmp/log"
result $? "README.md tells the tree"
: >"$tmp/log"

[ "$(uniq -d "$tmp/told")" = '' ]
result $? "each folder once"

# named FILE: the nested cases it names: behind "nested case", and in the table of what was tried.
named()
{
	{
		grep -o 'nested \(case \|cases \|\)`[a-z0-9.-]*`' "$1"
		sed -n '/^### Tried with/,/^### /p' "$1" | grep '^|' | grep -o '`[a-z0-9.-]*`'
	} | sed 's/.*`\(.*\)`/\1/' | sort -u
}

# tests_there FILE
tests_there()
{
	named "$1" >"$tmp/named"
	{
		while read -r name; do
			[ -e "$srcdir/tests/nested/cases/$name.sh" ] || echo "$1: there is no nested case $name"
		done <"$tmp/named"
		for name in $(grep -o '\(^\|[^a-z-]\)test-[a-z0-9-]*' "$1" | sed 's/^[^t]//'); do
			find "$srcdir/tests/unit" -name "$name.*" | grep -q . || echo "$1: there is no $name"
		done
		for name in $(grep -o '`[a-z]*_[a-z_]*`' "$1" | tr -d '`' | grep -v '^virtio_\|^init_\|^explicit_'); do
			grep -rqF "static void $name(" "$srcdir/tests/unit" || echo "$1: no test is called $name"
		done
	} >"$tmp/log"
	[ -s "$tmp/named" ] && [ ! -s "$tmp/log" ]
}

for file in README.md SECURITY.md; do
	tests_there "$srcdir/$file"
	result $? "the tests that $file names are there"
done
sed 's/`x86-xl`/`x86-xm`/' "$srcdir/README.md" >"$tmp/README.md"
! tests_there "$tmp/README.md" && grep -q x86-xm "$tmp/log"
result $? "finds a nested case that is not"
sed 's/a_million_chunks/a_million_lumps/; s/test-hostile,/test-hostage,/' "$srcdir/SECURITY.md" >"$tmp/SECURITY.md"
! tests_there "$tmp/SECURITY.md" && grep -q a_million_lumps "$tmp/log" && grep -q test-hostage "$tmp/log"
result $? "finds a program and a function that are not"
: >"$tmp/log"

# A tree of its own to plant in.
mkdir -p "$tmp/tree/one/two" "$tmp/tree/.git/info" "$tmp/tree/debian/tmp"
printf '## What is where\n\n| directory | what |\n|---|---|\n| `one/` | a |\n| `one/two` | b |\n| `debian/` | c |\n\n## More\n' >"$tmp/README.md"
same()
{
	told "$tmp/README.md" >"$tmp/told"
	there "$tmp/tree" >"$tmp/there"
	diff "$tmp/told" "$tmp/there" >"$tmp/log"
}
same
result $? "a tree that is told"
mkdir "$tmp/tree/one/new"
! same
result $? "finds a folder that is not told"
rmdir "$tmp/tree/one/new" "$tmp/tree/one/two"
! same
result $? "finds a line without its folder"

tap_done
