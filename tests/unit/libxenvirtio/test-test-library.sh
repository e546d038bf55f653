#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# libxenvirtio-test is enough for others' tests, as TAP: its headers, laid out as they are installed, each compile alone in ISO C and
# C++, and the example's test is built from them and the two libraries, and passes. Controls: a header that needs the source tree
# is found, and a device that is wrong fails the example's test.
#
# The libraries are those of the build directory that make check has just built.

srcdir=${top_srcdir:-.}
cc=${CC:-cc}
cxx=${CXX:-g++}
. "$srcdir/tests/unit/tap.sh"

mkdir "$tmp/xenvirtio-test"
# As tests/local.am lists them.
headers=$(sed -n '/^xenvirtiotestinclude_HEADERS = /,/[^\\]$/ s|^	\(tests/[a-z/-]*\.h\).*|\1|p' "$srcdir/tests/local.am")
for header in $headers; do
	cp "$srcdir/$header" "$tmp/xenvirtio-test/"
done
includes="-I$tmp -I$srcdir/libxenvirtio/include"
warnings='-pedantic -Wall -Wextra -Wundef -Wpointer-arith -Werror'

# compiles LANGUAGE HEADER
compiles()
{
	echo "#include <xenvirtio-test/$2>" >"$tmp/alone"
	case $1 in
	c*++*) $cxx -x c++ "-std=$1" $warnings $includes -fsyntax-only "$tmp/alone" >"$tmp/log" 2>&1 ;;
	*) $cc -x c "-std=$1" $warnings $includes -fsyntax-only "$tmp/alone" >"$tmp/log" 2>&1 ;;
	esac
}

languages='c99 c11'
if echo 'int x;' | $cxx -x c++ -fsyntax-only - >/dev/null 2>&1; then
	languages="$languages c++11"
else
	tap_skip "a C++ program uses the headers: there is no C++ compiler ($cxx)"
fi
for language in $languages; do
	for header in $headers; do
		compiles "$language" "${header##*/}"
		result $? "${header##*/} alone in $language"
	done
done
echo '#include "hv/ioreq-page.h"' >"$tmp/xenvirtio-test/planted.h"
! compiles c99 planted.h && grep -q 'ioreq-page\.h' "$tmp/log"
result $? "a header that needs the source tree would be found"

# passes SOURCE
passes()
{
	$cc -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror ${TEST_CFLAGS:-} $includes -o "$tmp/device-test" "$1" \
		tests/libxenvirtio-test.a libxenvirtio/.libs/libxenvirtio.so "-Wl,-rpath,$PWD/libxenvirtio/.libs" >"$tmp/log" 2>&1 &&
		"$tmp/device-test" >"$tmp/log" 2>&1
}

passes "$srcdir/examples/device-test.c" && grep -qx 'device-test: 7 7 7 7' "$tmp/log"
result $? "the example's test passes"
sed 's/{ 7, 7, 7, 7 }/{ 7, 7, 7, 8 }/' "$srcdir/examples/device-test.c" >"$tmp/wrong.c"
! passes "$tmp/wrong.c" && grep -q 'Assertion' "$tmp/log"
result $? "with a device that is wrong it fails"
tap_done
