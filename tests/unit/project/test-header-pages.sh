#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pages of section 3, as TAP: what is public is on them, each function on one, and man has no complaint about any page. Controls:
# on copies of a header, what is left out, there twice, or has no comment is found.
#
# The pages are those of the build directory that make check has just built. groff looks at them, which is no part of what the project
# needs: without it, that says SKIP.

srcdir=${top_srcdir:-.}
. "$srcdir/tests/unit/tap.sh"
include=$srcdir/libxenvirtio/include
awk=${AWK:-awk}

# make_page HEADER PAGE
make_page()
{
	$awk -v version=1 -f "$srcdir/man/header-page.awk" "$1" >"$2" 2>"$tmp/log"
}

# functions_agree PAGE...: the library's, each once. Inline functions are on the pages only.
functions_agree()
{
	sed -n 's/^ \(xenvirtio_[a-z0-9_]*\)@.*/\1/p' "$srcdir/debian/libxenvirtio0.symbols" | sort >"$tmp/the library's"
	awk '/^\.SS / { name = $2; sub(/\(\)$/, "", name); wanted = 1; next }
	     wanted && /^\.nf$/ { next }
	     wanted { if (!/^static inline /) print name; wanted = 0 }' "$@" | sort >"$tmp/on the pages"
	(cd "$tmp" && diff -U0 "the library's" "on the pages") >"$tmp/log" && [ -s "$tmp/on the pages" ]
}

# words_of HEADER: what it defines besides.
words_of()
{
	sed -n 's/^#define \(XENVIRTIO_[A-Z0-9_]*\).*/\1/p; s/^\(struct\|enum\) \([a-z0-9_]*\) {.*/\1 \2/p;
		s/^	\(XENVIRTIO_[A-Z0-9_]*\)[ ,].*/\1/p' "$1" | grep -v -e '_H$' -e 'XENVIRTIO_SWAP_LE'
}

# says_all HEADER PAGE
says_all()
{
	words_of "$1" >"$tmp/words"
	: >"$tmp/log"
	while IFS= read -r word; do
		grep -qF -- "$word" "$2" || echo "$word" >>"$tmp/log"
	done <"$tmp/words"
	[ ! -s "$tmp/log" ]
}

pages=
for header in "$include"/xenvirtio/*.h "$include"/xenvirtio.h; do
	page=${header#"$include/"}
	page=$(echo "${page%.h}" | tr / _)
	pages="$pages man/$page.3"
	says_all "$header" "man/$page.3" 2>>"$tmp/log"
	result $? "$page(3) has all constants and types of its header"
done
functions_agree $pages
result $? "each function of the library is on one page"

# changed SED-EXPRESSION: the page of a changed queue.h, which must have changed
changed()
{
	sed "$1" "$include/xenvirtio/queue.h" >"$tmp/queue.h"
	! cmp -s "$tmp/queue.h" "$include/xenvirtio/queue.h" && make_page "$tmp/queue.h" "$tmp/queue.3"
}

rest=$(echo "$pages" | sed 's|man/xenvirtio_queue\.3||')
changed '/^unsigned int xenvirtio_queue_index/d' && ! functions_agree $rest "$tmp/queue.3" &&
	grep -q '^-xenvirtio_queue_index' "$tmp/log"
result $? "a function that is on no page would be found"
! functions_agree $pages man/xenvirtio_queue.3 && grep -q '^+xenvirtio_queue_index' "$tmp/log"
result $? "and so would one that is on two"
! changed 's|^/\*\* xenvirtio_queue_index() - .*||' && grep -q 'xenvirtio_queue_index() has no comment' "$tmp/log"
result $? "a function without a comment has no page"
! changed 's|^/\*\* xenvirtio_queue_index() - |/** xenvirtio_queue_number() - |' && grep -q 'does not begin with its name' "$tmp/log"
result $? "and neither has one that its comment calls otherwise"
! changed 's|^bool xenvirtio_queue_enabled(.*|typedef int (*hook)[2|' && [ -s "$tmp/log" ]
result $? "nor what cannot be read"
changed 's/^#define XENVIRTIO_F_EVENT_IDX 29//' && ! says_all "$include/xenvirtio/queue.h" "$tmp/queue.3" &&
	grep -qx XENVIRTIO_F_EVENT_IDX "$tmp/log"
result $? "a constant that is left out would be found"

# complaints PAGE: none is success
complaints()
{
	groff -man -ww -t -Tutf8 -z "$1" >"$tmp/log" 2>&1
	[ ! -s "$tmp/log" ]
}

if groff -man -Tutf8 -z /dev/null >/dev/null 2>&1; then
	# Those that scdoc made, too, where it is.
	for page in $pages man/*.7 man/*.8; do
		[ -e "$page" ] || continue
		complaints "$page"
		result $? "groff has no complaint about $page"
	done
	{ cat man/xenvirtio_queue.3; printf '.XX no such macro\n\\fBnever ended\n.RE\n'; } >"$tmp/bad.3"
	! complaints "$tmp/bad.3" && grep -q 'bad\.3' "$tmp/log"
	result $? "groff would complain"
else
	tap_skip "groff looks at the pages: it is missing, install groff-base"
fi
tap_done
