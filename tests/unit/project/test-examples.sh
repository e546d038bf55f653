#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Alert rules and dashboard against the metrics that the daemons really serve, as TAP: each name in them is one of those, each
# alert has a test of its own for promtool (make check-promtool runs them), and the manual pages list each metric. Controls: a name
# that is none, an alert without a test, a metric that no page has and a panel that is not in the picture are found.

. "${srcdir:-.}/tests/unit/tap.sh"
examples=${srcdir:-.}/examples
print=tests/unit/backend/metrics/print-metrics
rules=$examples/prometheus/xenvirtio.rules.yml
tests=$examples/prometheus/xenvirtio.rules.test.yml
dashboard=$examples/grafana/xenvirtio.json

# names FILE: of metrics, in any text.
names()
{
	grep -o 'xen_v[a-z]*_[a-z_]*' "$1" | sort -u
}

# known FILE: all of them are served.
known()
{
	names "$1" >"$tmp/named"
	comm -23 "$tmp/named" "$tmp/served" | sed 's/$/: no such metric/' >"$tmp/log"
	[ -s "$tmp/named" ] && [ ! -s "$tmp/log" ]
}

# tested RULES
tested()
{
	sed -n 's/^ *- alert: //p' "$1" | sort >"$tmp/alerts"
	# with somebody it comes for, and a moment at which it does not
	awk '/alertname: / { name = $2; seen[name]++ } /exp_labels/ { comes[name]++ }
		END { for (name in seen) if (comes[name] && seen[name] > 1) print name }' \
		"$tests" | sort >"$tmp/tested"
	comm -23 "$tmp/alerts" "$tmp/tested" | sed 's/$/: not tested/' >"$tmp/log"
	[ -s "$tmp/alerts" ] && [ ! -s "$tmp/log" ]
}

# listed PAGE PREFIX: every metric but the guest's own statistics, which are named after xenvirtio(7).
listed()
{
	grep "^$2" "$tmp/served" | grep -v '_guest_' >"$tmp/wanted"
	while read -r name; do
		grep -q "^$name  *\(gauge\|counter\) " "$1" || echo "$name: $1 has it not"
	done <"$tmp/wanted" >"$tmp/log"
	[ -s "$tmp/wanted" ] && [ ! -s "$tmp/log" ]
}

# drawn DASHBOARD: each of its panels is in the picture
drawn()
{
	sed -n 's/.*"title": "\(.*\)",*$/\1/p' "$1" | sed 1d >"$tmp/titles"
	while read -r title; do
		grep -qF "<text>$title</text>" "${srcdir:-.}/doc/dashboard.svg" || echo "$title: not drawn: see doc/dashboard"
	done <"$tmp/titles" >"$tmp/log"
	[ "$(wc -l <"$tmp/titles")" -gt 5 ] && [ ! -s "$tmp/log" ]
}

if [ ! -e "$print" ]; then
	echo "1..0 # SKIP tests of programs are not built: install libcmocka-dev"
	exit 0
fi
if ! "$print" >"$tmp/metrics" 2>"$tmp/log"; then
	result 1 "the metrics can be had"
	tap_done
fi
sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$tmp/metrics" | sort -u >"$tmp/served"

for file in "$rules" "$tests"; do
	known "$file"
	result $? "${file##*/} names only metrics that are served"
done
"$print" "$dashboard" >"$tmp/queries" 2>"$tmp/log" && [ "$(wc -l <"$tmp/queries")" -gt 10 ]
result $? "the dashboard is JSON and has queries"
known "$tmp/queries"
result $? "they name only metrics that are served"
sed 's/_stalled_bytes/_stalled_kib/' "$tmp/queries" >"$tmp/wrong"
! known "$tmp/wrong" && grep -q xen_vballoon_stalled_kib "$tmp/log"
result $? "one that is not would be found"
echo '{"panels":[' >"$tmp/wrong"
! "$print" "$tmp/wrong" >"$tmp/log" 2>&1
result $? "and what is no JSON"

drawn "$dashboard"
result $? "the picture in doc/ shows each panel"
sed 's/"The reserve"/"Another panel"/' "$dashboard" >"$tmp/wrong"
! drawn "$tmp/wrong" && grep -q 'Another panel' "$tmp/log"
result $? "one that is not drawn would be found"

tested "$rules"
result $? "each alert has a test"
{ cat "$rules"; echo '      - alert: XenNever'; } >"$tmp/wrong"
! tested "$tmp/wrong"
result $? "one without would be found"

listed "${srcdir:-.}/man/xen-vballoond.8.scd" xen_vballoon_
result $? "xen-vballoond(8) lists each metric"
listed "${srcdir:-.}/man/xen-vrngd.8.scd" xen_vrng_
result $? "xen-vrngd(8) likewise"
listed "${srcdir:-.}/man/xen-vhost-user.8.scd" xen_vhost_user_
result $? "xen-vhost-user(8) too"
sed '/^xen_vrng_waits_total/d' "${srcdir:-.}/man/xen-vrngd.8.scd" >"$tmp/wrong"
! listed "$tmp/wrong" xen_vrng_
result $? "one that is not listed would be found"
tap_done
