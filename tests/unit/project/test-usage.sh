#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every program says by -h what --help says, and by -V which version it is, as TAP: on standard output, with status 0, and whatever else
# is on the line that can be understood. A program is whatever has a page in section 1 or 8 of the manual.

srcdir=${top_srcdir:-.}
. "$srcdir/tests/unit/tap.sh"

version=$(sed -n 's/^AC_INIT(\[xenvirtio\], *\[\([^]]*\)\].*/\1/p' "$srcdir/configure.ac")
[ -n "$version" ] 2>"$tmp/log"
result $? "configure.ac says which version this is"

# program NAME: where it is; nothing: it was not built
program()
{
	for where in backend tools tests/conformance "$srcdir/tools/new"; do
		[ ! -x "$where/$1" ] || [ -d "$where/$1" ] || { echo "$where/$1"; return; }
	done
}

# says PROGRAM FILE WORD...: with status 0, and nothing to standard error
says()
{
	said=$1 file=$2
	shift 2
	"$said" "$@" >"$file" 2>"$tmp/log" </dev/null && [ ! -s "$tmp/log" ]
}

pages=0
for page in "$srcdir"/man/*.[18].scd; do
	name=${page##*/}
	name=${name%.[18].scd}
	pages=$((pages + 1))
	# a page of scripts for another program
	[ "$name" != xenvirtio-bpftrace ] || continue
	found=$(program "$name")
	if [ -z "$found" ]; then
		tap_skip "$name: it is not built here"
		continue
	fi
	says "$found" "$tmp/help" --help && says "$found" "$tmp/h" -h && cmp "$tmp/help" "$tmp/h" >"$tmp/log" &&
		head -n 1 "$tmp/h" | grep -q "^usage: $name "
	result $? "$name: -h is --help, and begins with how it is used"
	says "$found" "$tmp/version" --version && says "$found" "$tmp/V" -V && cmp "$tmp/version" "$tmp/V" >"$tmp/log" &&
		[ "$(cat "$tmp/V")" = "$name (xenvirtio) $version" ]
	result $? "$name: -V is --version, one line with the program and its version"
	"$found" -Q >"$tmp/out" 2>"$tmp/log" </dev/null
	[ $? -eq 2 ] && grep -q "[-']Q" "$tmp/log" && [ ! -s "$tmp/out" ]
	result $? "$name: a letter that is none ends with 2 and is named"
	grep -q -e '\*--help\*, \*-h\*' "$page" && grep -q -e '\*--version\*, \*-V\*' "$page"
	result $? "$name: its page has both"
done
[ $pages -ge 9 ] 2>"$tmp/log"
result $? "there are pages"
tap_done
