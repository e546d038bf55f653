# SPDX-License-Identifier: GPL-2.0-or-later
#
# A public header's page of section 3, from what the header says: awk -v version=V -f header-page.awk NAME.h >PAGE
#
# A header is one comment that says what it is about, then declarations, each below its comment, which is one of
#
#   /** text */        /** name() - what it does */        /** name() - what it does
#                                                           * @argument: what it is
#                                                           *
#                                                           * Text. Label: text, such as Return
#                                                           */
#
# Text indented by two and more is set as it stands. Functions get a section each, all else stands as it is in the header. Private:
# what is inside conditionals, and comments that begin with a single star. A function without a comment, one that its comment calls
# otherwise, and what this cannot read end it with status 1.

function fail(why)
{
	printf "%s:%d: %s\n", FILENAME, FNR, why >"/dev/stderr"
	failed = 1
	exit 1
}

function escape(text)
{
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/\^/, "\\(ha", text)
	gsub(/~/, "\\(ti", text)
	gsub(/`/, "\\(ga", text)
	return text
}

# Names of arguments and functions stand out; a line must not look like a request.
function running(text,    done, name)
{
	text = escape(text)
	done = ""
	while (match(text, /@[A-Za-z_][A-Za-z0-9_]*|xenvirtio_[a-z0-9_]+\(\)/)) {
		name = substr(text, RSTART, RLENGTH)
		if (name ~ /^@/)
			name = "\\fI" substr(name, 2) "\\fR"
		else
			name = "\\fB" name "\\fR"
		done = done substr(text, 1, RSTART - 1) name
		text = substr(text, RSTART + RLENGTH)
	}
	text = done text
	return text ~ /^[.']/ ? "\\&" text : text
}

function as_it_stands(text,    at)
{
	while ((at = index(text, "\t")) > 0)
		text = substr(text, 1, at - 1) substr("        ", (at - 1) % 8 + 1) substr(text, at + 1)
	text = escape(text)
	gsub(/'/, "\\(aq", text)
	return text ~ /^[.]/ ? "\\&" text : text
}

function begin_literal()
{
	if (!literal)
		put(".PP\n.RS 4\n.nf")
	literal = 1
}

function end_literal()
{
	if (literal)
		put(".fi\n.RE")
	literal = 0
}

# The lines of a comment, first to last, without its stars.
function print_text(first, last,    i, line, begun, listed)
{
	begun = 0
	listed = 0
	for (i = first; i <= last; i++) {
		line = comment[i]
		if (line == "") {
			if (literal && i < last && comment[i + 1] ~ /^  /) {
				put("")
				continue
			}
			end_literal()
			begun = 0
			listed = 0
		} else if (line ~ /^@[A-Za-z_][^:]*:/) {
			end_literal()
			put(".TP")
			begun = index(line, ":")
			put(running(substr(line, 1, begun - 1)))
			line = substr(line, begun + 1)
			sub(/^ */, "", line)
			if (line != "")
				put(running(line))
			listed = 1
		} else if (line ~ /^[A-Z][a-z]+: /) {
			end_literal()
			begun = index(line, ":")
			put(".TP\n.B " escape(substr(line, 1, begun - 1)))
			line = substr(line, begun + 1)
			sub(/^ */, "", line)
			put(running(line))
			listed = 1
		} else if (line ~ /^  / && !listed) {
			begin_literal()
			put(as_it_stands(substr(line, 3)))
		} else {
			end_literal()
			if (listed && line !~ /^ /)
				listed = begun = 0
			if (!begun)
				put(".PP")
			sub(/^ */, "", line)
			put(running(line))
			begun = 1
		}
	}
	end_literal()
}

# What a declaration's first line says its name is.
function name_of(line)
{
	if (!match(line, /[a-z0-9_]+\(/))
		fail("no name in \"" line "\"")
	return substr(line, RSTART, RLENGTH - 1)
}

function end_function(    i, name, said)
{
	name = ""
	for (i = 1; i <= nr_code && name == ""; i++)
		if (code[i] ~ /[a-z0-9_]\(/)
			name = name_of(code[i])
	if (!nr_comment)
		fail(name "() has no comment")
	said = comment[1]
	if (said !~ /^[a-z0-9_]+\(\) - / || name != substr(said, 1, index(said, "(") - 1))
		fail("the comment of " name "() does not begin with its name")
	names = names ", " name
	current = "FUNCTIONS"
	put(".SS " name "()")
	put(".nf")
	for (i = 1; i <= nr_code; i++)
		put(as_it_stands(code[i]))
	put(".fi")
	sub(/^[a-z0-9_]+\(\) - /, "", comment[1])
	print_text(1, nr_comment)
	nr_comment = nr_code = 0
	inside = ""
}

function end_other(    i)
{
	current = "TYPES AND CONSTANTS"
	if (nr_comment)
		print_text(1, nr_comment)
	begin_literal()
	for (i = 1; i <= nr_code; i++)
		put(as_it_stands(code[i]))
	end_literal()
}

# A header's declarations are in the order of its reader's interest, a page's sections are not: each is kept until the end.
function put(text)
{
	kept[current] = kept[current] text "\n"
}

function write_section(name)
{
	if (kept[name] != "")
		printf ".SH %s\n%s", name, kept[name]
}

# What is below its comment is complete, or there was none.
function forget()
{
	if (nr_code)
		end_other()
	nr_comment = nr_code = 0
	inside = ""
}

function add_comment(line)
{
	sub(/^ \* ?/, "", line)
	sub(/^ \*$/, "", line)
	sub(/[ \t]+$/, "", line)
	comment[++nr_comment] = line
}

BEGIN {
	forget()
	depth = 0
	headed = 0
}

FNR == 1 {
	header = FILENAME
	sub(/.*\/include\//, "", header)
	next
}

# --- comments ---

inside == "comment" || inside == "private" {
	last = $0 ~ /\*\//
	sub(/ *\*\/.*/, "")
	if (inside == "comment" && !(last && $0 ~ /^[ \t]*$/))
		add_comment($0)
	if (last && !headed) {
		headed = 1
		page = header
		sub(/\.h$/, "", page)
		sub(/\//, "_", page)
		summary = comment[1]
		text = 2
		# a first sentence may take two lines
		while (summary !~ /\.( |$)/ && text <= nr_comment && comment[text] != "")
			summary = summary " " comment[text++]
		rest = ""
		if (match(summary, /\. /)) {
			rest = substr(summary, RSTART + 2)
			summary = substr(summary, 1, RSTART)
		}
		sub(/\.$/, "", summary)
		current = "SYNOPSIS"
		title = (".TH " escape(page) " 3 \"\" \"xenvirtio " version "\" \"libxenvirtio\"")
		put(".nf\n#include <" escape(header) ">")
		put("")
		put("cc \\&... $(pkg\\-config \\-\\-cflags \\-\\-libs xenvirtio)\n.fi")
		current = "DESCRIPTION"
		comment[--text] = rest
		print_text(rest == "" ? text + 1 : text, nr_comment)
		forget()
	} else if (last) {
		inside = ""
	}
	next
}

# --- what is conditional is private, but for the guard and what is for C++ ---

/^#if/ {
	depth++
	next
}
/^#endif/ {
	depth--
	next
}
depth > 1 || /^#(else|undef)/ || /^extern "C"/ || /^}$/ && inside == "" {
	next
}

/^#include <xenvirtio\// {
	other = $2
	gsub(/[<>]/, "", other)
	sub(/\.h$/, "", other)
	sub(/\//, "_", other)
	also[++nr_also] = other
	next
}
/^#include/ || /^#define [A-Z0-9_]*_H$/ {
	next
}

inside == "" && /^\/\*\*.*\*\/$/ {
	forget()
	sub(/^\/\*\* */, "")
	sub(/ *\*\/$/, "")
	add_comment($0)
	next
}
inside == "" && /^\/\*\*/ {
	forget()
	inside = "comment"
	sub(/^\/\*\* */, "")
	if ($0 != "")
		add_comment($0)
	next
}
inside == "" && /^\/\*.*\*\/$/ {
	next
}
inside == "" && /^\/\*/ {
	inside = headed ? "private" : "comment"
	next
}

# --- declarations ---

inside == "" && /^$/ {
	forget()
	next
}
inside == "" && /^#define/ {
	code[++nr_code] = $0
	inside = $0 ~ /\\$/ ? "define" : ""
	next
}
inside == "define" {
	code[++nr_code] = $0
	if ($0 !~ /\\$/)
		inside = ""
	next
}
# a forward declaration
inside == "" && /^(struct|enum) [a-z0-9_]+;$/ {
	next
}
inside == "" && /^(struct|enum) [a-z0-9_]+ \{/ {
	if (nr_code)
		forget()
	inside = "type"
}
inside == "type" {
	code[++nr_code] = $0
	if ($0 ~ /^};/)
		forget()
	next
}
inside == "" && /^[a-z]/ {
	if (nr_code)
		forget()
	inside = "function"
}
inside == "function" {
	code[++nr_code] = $0
	if ($0 ~ /;$/) {
		end_function()
	} else if ($0 ~ /\)$/) {
		code[nr_code] = $0 ";"
		end_function()
		inside = "body"
	}
	next
}
inside == "body" {
	if ($0 == "}")
		inside = ""
	next
}

{
	fail("cannot read \"" $0 "\"")
}

END {
	if (failed)
		exit 1
	if (inside != "" || nr_code || !headed)
		fail("ends in the middle of something")
	# with the functions' names, so that man finds them
	print title "\n.SH NAME\n" escape(page) names " \\- " escape(summary)
	write_section("SYNOPSIS")
	write_section("DESCRIPTION")
	write_section("FUNCTIONS")
	write_section("TYPES AND CONSTANTS")
	print ".SH SEE ALSO"
	for (i = 1; i <= nr_also; i++)
		if (also[i] != page)
			print "\\fB" escape(also[i]) "\\fR(3),"
	print "\\fBxenvirtio\\-device\\fR(7), \\fBxenvirtio\\fR(7)"
}
