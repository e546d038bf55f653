# SPDX-License-Identifier: GPL-2.0-or-later
#
# A step is a command, a line of TAP and a log. What the others would only fail after ends the run.

tap_number=0
tap_failed=0

# note TEXT...: said under the line of the last step.
note()
{
	echo "# $*"
}

# step NAME COMMAND...: its output goes to $step_log; returns its status.
step()
{
	local name=$1 began=$SECONDS status=0
	shift
	tap_number=$((tap_number + 1))
	step_log=$fresh_logs/$(printf '%02d-%s' "$tap_number" "$(echo "$name" | tr -cs 'a-zA-Z0-9.\n' - | cut -c 1-40)").log
	"$@" </dev/null >"$step_log" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		echo "ok $tap_number - $fresh_suite: $name ($((SECONDS - began)) s)"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_number - $fresh_suite: $name ($((SECONDS - began)) s)"
		tail -n 20 "$step_log" | sed 's/^/# /'
		note "status $status; the whole log: $step_log"
	fi
	return $status
}

# need NAME COMMAND...: a step without which there are no others.
need()
{
	step "$@" || die "$fresh_suite: nothing else can be tried without this"
}

die()
{
	echo "Bail out! $*"
	exit 1
}

tap_end()
{
	echo "1..$tap_number"
	note "logs: $fresh_logs"
	[ "$tap_failed" -eq 0 ]
}
