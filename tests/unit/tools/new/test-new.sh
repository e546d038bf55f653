#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What xenvirtio-new writes works as it comes, as TAP: it compiles without a warning against what is installed, and is green. Controls: a
# device that is wrong fails its test, and bad names and directories are refused, with nothing made.
#
# The libraries are those of the build directory that make check has just built.

srcdir=${top_srcdir:-.}
. "$srcdir/tests/unit/tap.sh"

mkdir -p "$tmp/include/xenvirtio-test"
for header in $(sed -n '/^xenvirtiotestinclude_HEADERS = /,/[^\\]$/ s|^	\(tests/[a-z/-]*\.h\).*|\1|p' "$srcdir/tests/local.am"); do
	cp "$srcdir/$header" "$tmp/include/xenvirtio-test/"
done
flags="-I$tmp/include -I$srcdir/libxenvirtio/include"
library="$PWD/libxenvirtio/.libs/libxenvirtio.so -Wl,-rpath,$PWD/libxenvirtio/.libs"

make_in()
{
	# not a part of the make that runs this
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$@" CC="${CC:-cc}" WARNINGS='-std=gnu11 -Wall -Wextra -Werror' CFLAGS="-O1 ${TEST_CFLAGS:-}" \
		XENVIRTIO="$flags $library" XENVIRTIO_TEST="$flags $PWD/tests/libxenvirtio-test.a $library" >"$tmp/log" 2>&1
}

new()
{
	sh "$srcdir/tools/new/xenvirtio-new" "$@" >"$tmp/log" 2>&1
}

new sevens "$tmp/made" && make_in "$tmp/made" check && grep -q '^sevens-test: passed' "$tmp/log" && grep -q '^sevens-replay: 2 inputs' "$tmp/log"
result $? "what is made is green as it comes"
new net-thing --type 1 "$tmp/typed" && make_in "$tmp/typed" check && grep -q 'virtio,device1"' "$tmp/typed/net-thing.c"
result $? "of another name and type as well"
[ "$(wc -l <"$tmp/made/sevens.c")" -le 60 ]
result $? "the device has sixty lines at most"
sh -n "$tmp/made/try-on-xen" && ! grep -rq '@NAME@\|@TYPE@' "$tmp/made"
result $? "everything has its name"
sed -i 's/memset(piece, 7/memset(piece, 8/' "$tmp/made/sevens.c"
! make_in "$tmp/made" check && grep -q 'not so: ' "$tmp/log"
result $? "a device that is wrong fails its test"

# refuses TEXT ARGUMENT...
refuses()
{
	text=$1
	shift
	! new "$@" && grep -q -- "$text" "$tmp/log"
	result $? "refused: $*"
}
cd "$tmp" || exit 1
case $srcdir in /*) ;; *) srcdir=$OLDPWD/$srcdir ;; esac
refuses 'is there already' sevens made
refuses 'not a name' Sevens
refuses 'not a name' 7s
refuses 'not a name' a/b
refuses 'not a device type' sevens --type 64
refuses 'not a device type' sevens --type=x
refuses 'no such option' sevens --frobnicate
refuses 'what is the device called'
refuses 'cannot be made' sevens nowhere/sevens
[ "$(ls "$tmp" | tr '\n' ' ')" = "include log made typed " ]
result $? "and nothing is made"
tap_done
