#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program in man 7 xenvirtio-device compiles without a warning against the public headers alone, and the command that the page
# gives for taking it out of its source gives it, as TAP. Control: a call that the library does not have is found.

srcdir=${top_srcdir:-.}
page=$srcdir/man/xenvirtio-device.7.scd
cc=${CC:-cc}
. "$srcdir/tests/unit/tap.sh"

compiles()
{
	$cc -std=gnu11 -Wall -Wextra -Wshadow -Werror -I"$srcdir/libxenvirtio/include" -fsyntax-only -x c "$1" >"$tmp/log" 2>&1
}

command=$(grep '^sed -n .*>console\.c$' "$page")
cp "$page" "$tmp/xenvirtio-device.7.scd"
(mkdir "$tmp/man" && mv "$tmp/xenvirtio-device.7.scd" "$tmp/man/" && cd "$tmp" && eval "$command") >"$tmp/log" 2>&1 &&
	grep -q '^int main(' "$tmp/console.c" && cmp "$tmp/console.c" man/xenvirtio-device.c >"$tmp/log" 2>&1
result $? "the page's command gives the program"
compiles "$tmp/console.c"
result $? "it compiles against the public headers"
sed 's/xenvirtio_queue_push(/xenvirtio_queue_give(/' "$tmp/console.c" >"$tmp/other.c"
! compiles "$tmp/other.c" && grep -q 'xenvirtio_queue_give' "$tmp/log"
result $? "a function that the library does not have would be found"
tap_done
