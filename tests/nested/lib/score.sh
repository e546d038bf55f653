# SPDX-License-Identifier: GPL-2.0-or-later
#
# What has come out so far: one file with a line a result, which the boots that run beside each other share. Whoever adds one
# holds the file's lock and shows it meanwhile, so a case is seen when it ends and what belongs to a failure stays together.
# From the file come how many cases are left, what failed, what was slowest and how a check ends.
#
# A line is WHAT VERDICT MILLISECONDS NAME. WHAT: "case", one of those planned; "more", a verdict besides them; "step", what lab
# itself did (its verdict is "-"). Knows nothing of how a result is come by.

score_file=
# how many cases there will be, set before the pool starts
score_planned=0

score_begin()
{
	mkdir -p "$lab_cache/runs" || die "cannot make the cache $lab_cache (set XENVIRTIO_CACHE to another place)"
	score_file=$(mktemp "$lab_cache/runs/score.XXXXXX")
	trap 'end_jobs; score_end' EXIT
}

score_end()
{
	[ -z "$score_file" ] || rm -f "$score_file"
	score_file=
}

# seconds_of MILLISECONDS
seconds_of()
{
	printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# score_case VERDICT MILLISECONDS NAME LINE [DETAILS]: of a planned case. No LINE: nothing is shown.
score_case()
{
	local fd left=
	exec {fd}>>"$score_file"
	flock "$fd"
	printf 'case %s %s %s\n' "$1" "$2" "$3" >&"$fd"
	[ "$score_planned" -le 1 ] || left=", $((score_planned - $(grep -c '^case ' "$score_file"))) left"
	[ -z "$4" ] || printf '%s%s\n' "$4" "$left"
	[ -z "${5:-}" ] || printf '%s\n' "$5"
	exec {fd}>&-
}

# score_more VERDICT NAME LINE [DETAILS]
score_more()
{
	local fd
	exec {fd}>>"$score_file"
	flock "$fd"
	printf 'more %s 0 %s\n' "$1" "$2" >&"$fd"
	printf '%s\n' "${@:3}"
	exec {fd}>&-
}

# score_step MILLISECONDS TEXT: how long something of lab's own took.
score_step()
{
	[ -z "$score_file" ] || printf 'step - %s %s\n' "$1" "$2" >>"$score_file"
}

# score_say TEXT: between the results, not inside of one.
score_say()
{
	local fd
	exec {fd}>>"$score_file"
	flock "$fd"
	printf '%s\n' "$*"
	exec {fd}>&-
}

# score_count VERDICT
score_count()
{
	[ -n "$score_file" ] || { echo 0; return; }
	grep -cE "^[a-z]+ $1 " "$score_file" || true
}

# score_has NAME: is the case over?
score_has()
{
	grep -qE "^case [a-zA-Z]+ [0-9]+ $1\$" "$score_file"
}

# score_summary: what failed, and what took longest.
score_summary()
{
	local ms text failed
	[ -n "$score_file" ] || return 0
	failed=$(awk '$2 == "FAILED" { $1 = $2 = $3 = ""; sub(/^ */, ""); printf "%s%s", n++ ? ", " : "", $0 }' "$score_file")
	[ -z "$failed" ] || say "failed: $failed"
	awk '$3 > 0' "$score_file" | sort -s -k3,3nr | sed -n 1,5p | while read -r _ _ ms text; do
		printf '%8s s  %s\n' "$(seconds_of "$ms")" "$text"
	done | sed '1i slowest:'
}
