#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The back door is the drill's alone, as TAP: no program that is installed has it, and the program that has it is not installed.
# And trace-calls, by which a nested case compares what is called with what SECURITY.md lists, finds what is not on the list.

. "${srcdir:-.}/tests/unit/tap.sh"

if [ ! -e tests/drill/drill-vballoond ]; then
	tap_skip "the drill is not built without Xen"
	tap_done
fi

# built PROGRAM: the file, libtool's wrapper aside
built()
{
	[ -e "${1%/*}/.libs/${1##*/}" ] && echo "${1%/*}/.libs/${1##*/}" || echo "$1"
}

# has_door PROGRAM
has_door()
{
	nm "$(built "$1")" 2>/dev/null | grep -q 'drill\|__wrap_' || grep -qaF 'give a number of --attempts' "$(built "$1")" ||
		grep -qaF DRILL_UNSEALED "$(built "$1")"
}

has_door tests/drill/drill-vballoond
result $? "the drill has a door that is found"
make -n -s install DESTDIR=/nowhere prefix=/usr 2>/dev/null >"$tmp/install"
grep -q xen-vballoond "$tmp/install" && ! grep -q drill "$tmp/install"
cp "$tmp/install" "$tmp/log"
result $? "make install knows the daemon, and not the drill"
for program in backend/xen-vballoond backend/xen-vrngd backend/xen-vhost-user; do
	: >"$tmp/log"
	! has_door $program
	result $? "${program##*/} has no such door"
done

# Whoever tries what it may not makes calls that are on no list, once its filter is in force.
if [ "$(id -u)" -ne 0 ] || grep -q '^SANITIZER_FLAGS = .*-fsanitize' Makefile || ! unshare -m -n -p -f true 2>/dev/null; then
	tap_skip "a filter to look for takes root, namespaces and no sanitizers"
	tap_done
fi
LD_LIBRARY_PATH=libxenvirtio/.libs tests/drill/trace-calls "${srcdir:-.}/SECURITY.md" "$tmp/calls" "$(built backend/xen-vballoond)" \
	--self-test-sandbox --state-dir "$tmp/state" >"$tmp/log" 2>&1
cat "$tmp/calls" >>"$tmp/log"
grep -qx 'device execve FOREIGN' "$tmp/calls" && grep -qx 'device mount FOREIGN' "$tmp/calls"
result $? "trace-calls finds calls that are not listed"
grep -qx 'device eventfd2 listed' "$tmp/calls" && grep -qx 'device write listed' "$tmp/calls"
result $? "and tells them from those that are"
tap_done
