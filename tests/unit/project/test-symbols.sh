#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the shared library shows is what debian/libxenvirtio0.symbols says, as TAP: dpkg-gensymbols -c4 would end the package's
# build otherwise, but not before somebody builds one. Control: a symbol that only one of them has is found.
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
tap_done
