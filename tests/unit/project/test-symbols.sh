#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the shared library shows is what debian/libxenvirtio0.symbols says, as TAP: dpkg-gensymbols -c4 would end the package's
# build otherwise, but not before somebody builds one. Control: a symbol that only one of them has is found.
# And no function has the name of one of a library that is used: it would be called in the place of that, by the library itself too.
#
# The library is that of the build directory that make check has just built.

srcdir=${srcdir:-.}
library=libxenvirtio/.libs/libxenvirtio.so
symbols=$srcdir/debian/libxenvirtio0.symbols
if [ -e "$library" ] && ! nm -D --defined-only "$library" | grep -q ' xenvirtio_hv_open_xen@'; then
	echo "1..0 # SKIP the library is built without Xen"
	exit 0
fi
. "$srcdir/tests/unit/tap.sh"
export LC_ALL=C

# agree SYMBOLS-FILE
agree()
{
	nm -D --defined-only "$library" | sed 's/.* //; s/@@/@/' | sed 's/^\(XENVIRTIO_[0-9.]*\)$/\1@\1/' | sort >"$tmp/library's"
	sed -n 's/^ \([^ ]*\) .*/\1/p' "$1" | sort >"$tmp/debian's"
	(cd "$tmp" && diff -U0 "debian's" "library's") >"$tmp/log"
}

agree "$symbols"
result $? "debian/libxenvirtio0.symbols is what the library shows"
sed '/xenvirtio_hv_close/d' "$symbols" >"$tmp/fewer"
! agree "$tmp/fewer" && grep -q '^+xenvirtio_hv_close@' "$tmp/log"
result $? "a symbol that it lacks would be found"
sed 's/^ xenvirtio_hv_close@.*/&\n xenvirtio_hv_shut@XENVIRTIO_0.1 0.1.0/' "$symbols" >"$tmp/more"
! agree "$tmp/more" && grep -q '^-xenvirtio_hv_shut@' "$tmp/log"
result $? "and so would one that the library lost"

# theirs: the functions of all that the daemon is linked with, but for our library
theirs()
{
	for used in $(LD_LIBRARY_PATH=libxenvirtio/.libs ldd "$program" | sed -n 's|.*=> \(/[^ ]*\) .*|\1|p' | grep -v libxenvirtio); do
		nm -D --defined-only "$used"
	done | sed -n 's/.* [TWi] //p' | sed 's/@.*//' | sort -u
}

# ours: those of the daemon and of the library's inside, which a program has when it is linked with the static one
ours()
{
	for made in "$program" libxenvirtio/.libs/libxenvirtio-core.a; do
		nm --defined-only "$made"
	done | sed -n 's/.* T //p' | grep -v '^_' | sort -u
}

program=backend/.libs/xen-vballoond
if [ ! -e "$program" ]; then
	tap_skip "the daemon is not built without Xen: its functions' names are compared where it is"
	tap_done
fi
theirs >"$tmp/theirs"
ours >"$tmp/ours"
grep -qx event_new "$tmp/theirs" && grep -qx xenvirtio_hv_open_xen "$tmp/ours" && grep -qx malloc "$tmp/theirs"
result $? "the functions of libevent, of libc and of ours are known"
[ -z "$(comm -12 "$tmp/ours" "$tmp/theirs" | tee "$tmp/log")" ]
result $? "none of ours has the name of one of theirs"
tap_done
