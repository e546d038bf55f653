#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Probes, as TAP: those in the ELF notes of the library that was just built, with their numbers of arguments, are those that
# xenvirtio-probes(7) lists, and neither has one more; the installed scripts name the library, use no probe or argument that is
# not there, and, where bpftrace may, see what programs do that have the same code.
#
# Skipped by name: what takes probes in a build without them, and what takes bpftrace and root.

srcdir=${srcdir:-.}
. "$srcdir/tests/unit/tap.sh"
library=libxenvirtio/.libs/libxenvirtio.so
page=$srcdir/man/xenvirtio-probes.7.scd
scripts='requests wakeups memory'

has()
{
	grep -q "^#define $1 1\$" config.h
}

# listed PAGE: "NAME ARGUMENTS" of each probe, those of Xen where it is.
listed()
{
	sed -n 's/^\*\([a-z]*\)\*(\(_.*_\))$/\1 \2/p' "$1" | while read -r name arguments; do
		case $name in
		ioreq | release | populate) has WITH_XEN || continue ;;
		esac
		echo "$name $(echo "$arguments" | tr ',' '\n' | wc -l)"
	done | sort
}

# noted FILE: likewise of its notes; a probe that stands in several places once, if its arguments are as many everywhere.
noted()
{
	readelf -n "$1" | awk '
		/Provider: / { ours = $2 == "xenvirtio" }
		/Name: / { name = $2 }
		/Arguments: / && ours { print name, NF - 1 }' | sort -u
}

# agree PAGE
agree()
{
	listed "$1" >"$tmp/page's"
	noted "$library" >"$tmp/library's"
	(cd "$tmp" && diff -U0 "page's" "library's") >"$tmp/log"
}

# uses SCRIPT: "NAME ARGUMENT" of each that it looks at, the highest of a probe being what counts
uses()
{
	awk '
		/^usdt:/ { split($0, part, ":"); name = part[4] }
		/^BEGIN|^END|^interval:/ { name = "" }
		{
			while (match($0, /arg[0-9]+/)) {
				print name, substr($0, RSTART + 3, RLENGTH - 3)
				$0 = substr($0, RSTART + RLENGTH)
			}
		}' "$1" | sort -u
}

# sound SCRIPT: every argument it reads is one that the page lists
sound()
{
	sed -n 's/^\*\([a-z]*\)\*(\(_.*_\))$/\1 \2/p' "$page" >"$tmp/probes"
	uses "$1" >"$tmp/uses"
	while read -r name argument; do
		nr=$(sed -n "s/^$name //p" "$tmp/probes" | tr ',' '\n' | wc -l)
		[ "$argument" -lt "$nr" ] || echo "$1: $name has no arg$argument"
	done <"$tmp/uses" >"$tmp/log"
	[ -s "$tmp/uses" ] && [ ! -s "$tmp/log" ]
}

for script in $scripts; do
	sound "$srcdir/tools/trace/$script.bt.in"
	result $? "$script.bt uses probes and arguments that xenvirtio-probes(7) has"
done
sed 's/arg4/arg5/' "$srcdir/tools/trace/memory.bt.in" >"$tmp/beyond"
! sound "$tmp/beyond"
result $? "one argument too far is found"
soname=$(readelf -d "$library" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')
for script in $scripts; do
	grep '^usdt:' "tools/trace/$script.bt" | grep -v "^usdt:/.*/$soname:xenvirtio:[a-z]*\$"
done >"$tmp/log"
[ -n "$soname" ] && [ ! -s "$tmp/log" ]
result $? "the scripts look for the probes in ${soname:-the library}"

if ! has WITH_USDT; then
	tap_skip "the library is built without probes: configure --enable-usdt=yes, with systemtap-sdt-dev"
	! readelf -n "$library" | grep -q stapsdt
	result $? "and has none"
	tap_done
fi

agree "$page"
result $? "the library has the probes and arguments that xenvirtio-probes(7) lists, and no others"
sed '/^\*push\*(/d' "$page" >"$tmp/fewer"
! agree "$tmp/fewer" && grep -q '^+push 4$' "$tmp/log"
result $? "a probe that the page lacks is found"
sed 's/^\(\*kick\*(.*\))$/\1, _more_)/' "$page" >"$tmp/more"
! agree "$tmp/more" && grep -q '^-kick 4$' "$tmp/log"
result $? "and so is an argument that the library lacks"

# With the library's objects inside; stripped of nothing.
queue=$PWD/tests/unit/libxenvirtio/virtqueue/test-queue
xen=$PWD/tests/unit/libxenvirtio/hv/test-hv-xen

# may_trace PROGRAM: bpftrace is there, and the kernel lets it.
may_trace()
{
	[ -x "$1" ] && command -v bpftrace >/dev/null && [ "$(id -u)" -eq 0 ] &&
		bpftrace -e "uprobe:$1:main { printf(\"reached\\n\"); }" -c "$1" 2>/dev/null </dev/null | grep -q reached
}

# trace SCRIPT PROGRAM [SED-EXPRESSION]: what the script, changed so, tells of the program, which has the library's probes.
trace()
{
	sed "s|^usdt:.*:xenvirtio:|usdt:$2:xenvirtio:|; ${3:-}" "tools/trace/$1.bt" >"$tmp/$1.bt"
	bpftrace "$tmp/$1.bt" -c "$2" >"$tmp/told" 2>"$tmp/log" </dev/null
}

if ! may_trace "$queue"; then
	tap_skip "bpftrace is not there, or may not trace here: scripts are not run"
	tap_done
fi
trace requests "$queue" && grep -q '^@us\[[0-9]*, 42, 0\]' "$tmp/told" && grep -q '|@@*' "$tmp/told"
result $? "requests.bt has the times of a queue's requests"
# No second is waited for: it tells at the end, in the place of what it clears there.
trace wakeups "$queue" '/^END/,$d; s/^interval:s:1$/END/' && grep -q '^@kicks\[[0-9]*, 42\]: [1-9]' "$tmp/told" &&
	grep -q '^@suppressed\[[0-9]*, 42\]: [1-9]' "$tmp/told" && grep -q '^requests a kick, of all: [1-9]' "$tmp/told"
result $? "wakeups.bt has kicks, interrupts that were left out, and requests a kick"
if may_trace "$xen"; then
	trace memory "$xen" && grep -q '^@released_pages\[5\]: [1-9]' "$tmp/told" &&
		grep -q '^@populate_refused_extents\[5, 0\]: [1-9]' "$tmp/told"
	result $? "memory.bt has a domain's pages, and what was refused"
else
	tap_skip "memory.bt is not run: the library is built without Xen"
fi
tap_done
