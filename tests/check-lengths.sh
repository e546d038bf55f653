#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lengths of the sources, as TAP: no file is longer than one reads, and no function longer than one sees. Then files and
# functions are planted in a tree of their own, one by one: those a line too long are found, those just within are not.
#
# Source is C, and shell by its name or by its place. Data is not: tests/nested/lock, traces, corpora, patches. A function is
# counted from the line with its name to its closing brace; both are found by the style, which has them in the first column.

set -u

root=${1:-${top_srcdir:-$(dirname "$0")/..}}

file_lines=600
file_bytes=20480
function_lines=80

# sources: those below the current directory
sources()
{
	{
		find libxenvirtio backend tools examples tests kernel -type f \( -name '*.[ch]' -o -name '*.sh' \)
		find lab tests/fresh tests/lab tests/nested/dom0 tests/nested/guest tests/nested/lib -type f ! -name '*.*'
		# by name: a build in the checkout puts programs beside them
		find kernel -type f \( -name prepare -o -name run -o -name 'make-*' -o -name 'check-*' -o -name 'unpack-*' \)
	} 2>/dev/null
}

# files TREE: "BYTES LINES FILE" a line
files()
{
	# names have no blanks; wc adds totals
	(cd "$1" && sources | xargs wc -lc) | awk 'NF == 3 && $3 != "total" { print $2, $1, $3 }'
}

# functions TREE: "LINES FILE:FUNCTION" a line
functions()
{
	# shellcheck disable=SC2016
	(cd "$1" && sources | grep '\.[ch]$' | xargs awk '
		FNR == 1 { head = inside = 0 }
		/^[A-Za-z_].*\(/ && !inside {
			head = FNR
			name = $0
			sub(/\(.*/, "", name)
			sub(/.*[^A-Za-z0-9_]/, "", name)
		}
		/^\{/ && head { inside = 1 }
		/^\}/ && inside {
			print FNR - head + 1, FILENAME ":" name
			head = inside = 0
		}')
}

# too_long TREE: a line for each file and function that is
too_long()
{
	files "$1" | awk -v lines=$file_lines -v bytes=$file_bytes \
		'$2 > lines || $1 > bytes { print $3 ": " $2 " lines, " $1 " bytes" }'
	functions "$1" | awk -v lines=$function_lines '$1 > lines { print $2 ": " $1 " lines" }'
}

. "$root/tests/unit/tap.sh"
work=$tmp
: >"$tmp/log"

files "$root" >"$work/files"
functions "$root" >"$work/functions"
sort -n "$work/files" | tail -n 1 | while read -r bytes lines file; do
	echo "# largest file: $file, $bytes bytes, $lines lines"
done
sort -k 2,2n "$work/files" | tail -n 1 | while read -r bytes lines file; do
	echo "# longest file: $file, $lines lines, $bytes bytes"
done
sort -n "$work/functions" | tail -n 1 | while read -r lines function; do
	echo "# longest function: $function, $lines lines"
done
[ -s "$work/files" ] && [ -s "$work/functions" ]
result $? 'there are files and functions'
too_long "$root" >"$work/found"
sed 's/^/# /' "$work/found"
[ ! -s "$work/found" ]
result $? 'no file and no function is too long'

tree=$work/tree

# of_lines N, of_bytes N: a file of that length, and of the other no more than may be
of_lines()
{
	awk -v n="$1" 'BEGIN { while (n--) print "int i;" }'
}

of_bytes()
{
	awk -v n="$1" 'BEGIN {
		for (; n > 100; n -= 100) printf "%-99s\n", "int i;"
		while (--n) printf " "
		print ""
	}'
}

# of_function N HEAD...: a function of so many lines, its head one a word, between others
of_function()
{
	body=$(($1 - $# - 1))
	shift
	printf 'static int before(void)\n{\n\treturn 0;\n}\n\n'
	printf '%s\n' "$@" '{'
	of_lines $body | sed 's/^/\t/'
	printf '}\n\nint after(void)\n{\n\treturn 0;\n}\n'
}

# plant FILE: standard input is in there, and nothing else in the tree; what is complained of is in $work/planted
plant()
{
	rm -rf "$tree"
	mkdir -p "$tree/$(dirname "$1")"
	cat >"$tree/$1"
	too_long "$tree" >"$work/planted"
}

# finds FILE[:FUNCTION] WHAT
finds()
{
	grep -q "^$1: " "$work/planted"
	result $? "finds $2"
}

allows()
{
	[ ! -s "$work/planted" ]
	result $? "allows $1"
}

of_lines $((file_lines + 1)) | plant backend/base/planted.c
finds backend/base/planted.c 'a file with a line too many'
of_lines $file_lines | plant backend/base/planted.c
allows 'a file with as many lines as may be'
of_bytes $((file_bytes + 1)) | plant tests/unit/planted.h
finds tests/unit/planted.h 'a file with a byte too many'
of_bytes $file_bytes | plant tests/unit/planted.h
allows 'a file with as many bytes as may be'
of_lines $((file_lines + 1)) | plant kernel/one/src/drivers/xen/planted.c
finds kernel/one/src/drivers/xen/planted.c 'a file of a module that is too long'
of_lines $((file_lines + 1)) | plant tests/nested/cases/planted.sh
finds tests/nested/cases/planted.sh 'a script that is too long'
of_lines $((file_lines + 1)) | plant tests/nested/lib/planted
finds tests/nested/lib/planted 'a script without an ending that is too long'
of_lines $((file_lines + 1)) | plant kernel/one/dkms/prepare
finds kernel/one/dkms/prepare 'a script of kernel/ that is too long'
of_lines $((file_lines + 1)) | plant tests/nested/lock
allows 'data of any length'

of_function $((function_lines + 1)) 'int planted(void)' | plant tools/ctl/planted.c
finds tools/ctl/planted.c:planted 'a function with a line too many'
of_function $function_lines 'int planted(void)' | plant tools/ctl/planted.c
allows 'a function with as many lines as may be'
of_function $((function_lines + 1)) 'static const char *planted(int a,' '			   int b)' | plant examples/planted.c
finds examples/planted.c:planted 'a function whose head takes a line too many'
of_function $function_lines 'static const char *planted(int a,' '			   int b)' | plant examples/planted.c
allows 'a head of two lines'
{ echo 'static const int table[] = {' && of_lines $function_lines && echo '};'; } | plant libxenvirtio/hv/planted.c
allows 'a table of any length'

tap_done
