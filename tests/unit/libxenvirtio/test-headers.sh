#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is installed can be included by others, as TAP: each header alone and twice, in ISO C of 1999 and 2011 and in C++, without
# a warning; and a C++ program asks the linker for the names that the library has. Controls: headers that must be refused are.
#
# CC and CXX are the compilers, by default cc and g++. No C++ compiler is part of what the project needs: without one, what needs
# it says SKIP.

srcdir=${top_srcdir:-.}
include=$srcdir/libxenvirtio/include
cc=${CC:-cc}
cxx=${CXX:-g++}
. "$srcdir/tests/unit/tap.sh"

warnings='-pedantic -Wall -Wextra -Wundef -Wpointer-arith -Wwrite-strings -Werror'

# compiles LANGUAGE HEADER [FLAG...]: in a file that has nothing else
compiles()
{
	language=$1 header=$2
	shift 2
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$tmp/alone"
	case $language in
	c*++*) $cxx -x c++ "-std=$language" $warnings "$@" -I"$include" -fsyntax-only "$tmp/alone" >"$tmp/log" 2>&1 ;;
	*) $cc -x c "-std=$language" $warnings -Wshadow -Wstrict-prototypes "$@" -I"$include" -fsyntax-only "$tmp/alone" >"$tmp/log" 2>&1 ;;
	esac
}

# refused LANGUAGE WHAT TEXT: a planted header
refused()
{
	printf '%s\n' "$3" >"$tmp/planted.h"
	! compiles "$1" planted.h -I"$tmp" && grep -q 'planted\.h:[0-9].*error' "$tmp/log"
	result $? "in $1, $2 would be found"
}

languages='c99 c11'
if echo 'int x;' | $cxx -x c++ -fsyntax-only - >/dev/null 2>&1; then
	languages="$languages c++11 c++17"
	have_cxx=yes
else
	have_cxx=
fi

headers=$(cd "$include" && ls xenvirtio.h xenvirtio/*.h)
for language in $languages; do
	for header in $headers; do
		compiles "$language" "$header"
		result $? "$header alone in $language"
	done
done
refused c99 "what came with C11" 'struct planted { union { int a; float b; }; };'
refused c99 "what only POSIX has" '#include <endian.h>
#include <stdint.h>
static inline uint32_t planted(uint32_t v)
{
	return le32toh(v);
}'
refused c11 "a type that the header does not bring along" 'uint32_t planted(void);'
refused c11 "a GNU extension" 'struct planted { int empty[0]; };'

# Each name of the library, taken by a C++ program. One that is mangled is no name the library has.
take_names()
{
	echo "#include <$1>"
	sed -n 's/^ \(xenvirtio_[a-z0-9_]*\)@.*/extern const void *const take_\1;\nconst void *const take_\1 = reinterpret_cast<const void *>(\&\1);/p' \
		"$srcdir/debian/libxenvirtio0.symbols"
}

# names_of HEADER [FLAG...]: what its object file leaves to the linker
names_of()
{
	header=$1
	shift
	take_names "$header" >"$tmp/names.cc"
	$cxx -std=c++11 "$@" -I"$include" -c -o "$tmp/names.o" "$tmp/names.cc" >"$tmp/log" 2>&1 &&
		nm -u "$tmp/names.o" | sed 's/^ *U //' | sort >"$tmp/asked"
}

if [ "$have_cxx" ]; then
	refused c++11 "a name that C++ keeps for itself" 'struct planted { int class; };'
	sed -n 's/^ \(xenvirtio_[a-z0-9_]*\)@.*/\1/p' "$srcdir/debian/libxenvirtio0.symbols" | sort >"$tmp/library's"
	names_of xenvirtio.h && diff -U0 "$tmp/library's" "$tmp/asked" >"$tmp/log"
	result $? "a C++ program asks for the library's names"
	mkdir -p "$tmp/bare/xenvirtio"
	cp "$include"/*.h "$tmp/bare/" && cp "$include"/xenvirtio/*.h "$tmp/bare/xenvirtio/"
	rm -f "$tmp/bare/xenvirtio/gmem.h"
	sed 's/^extern "C" {/extern "C++" {/' "$include/xenvirtio/gmem.h" >"$tmp/bare/xenvirtio/gmem.h"
	real=$include include=$tmp/bare
	names_of xenvirtio.h
	include=$real
	grep -q '^_Z.*xenvirtio_gmem_read' "$tmp/asked"
	result $? "a header without extern \"C\" would be found"
else
	tap_skip "a C++ program uses the headers: there is no C++ compiler ($cxx)"
fi
tap_done
