#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prometheus' own word, as TAP: "promtool check metrics" on what the daemons serve, the alert rules with their tests, the example of a
# configuration; then the same on what is wrong, which it must refuse. Not a part of make check: promtool is in Debian's package
# prometheus, of 100 MB. "make check-promtool" runs it, and ./lab check unit where there is one.

if ! command -v promtool >/dev/null; then
	echo "1..0 # SKIP promtool is missing: install prometheus"
	exit 0
fi
. "${srcdir:-.}/tests/unit/tap.sh"
examples=${srcdir:-.}/examples/prometheus

# says COMMAND...: it succeeds, without a complaint where it only warns.
says()
{
	"$@" >"$tmp/log" 2>&1 && ! grep -qi 'warn\|error' "$tmp/log"
}

tests/unit/backend/metrics/print-metrics >"$tmp/metrics"
says promtool check metrics <"$tmp/metrics" && [ ! -s "$tmp/log" ]
result $? "the metrics are as promtool wants them"
sed 's/_stalls_total/_stalls_count/' "$tmp/metrics" >"$tmp/wrong"
! { says promtool check metrics <"$tmp/wrong" && [ ! -s "$tmp/log" ]; }
result $? "another name would be found"

says promtool check rules "$examples/xenvirtio.rules.yml"
result $? "the alert rules"
says promtool test rules "$examples/xenvirtio.rules.test.yml"
result $? "and their tests"
cp "$examples"/*.yml "$tmp/"
chmod u+w "$tmp"/*.yml
sed -i 's/_stalled_bytes) > 0/_stalled_bytes) > 9e9/' "$tmp/xenvirtio.rules.yml"
! says promtool test rules "$tmp/xenvirtio.rules.test.yml"
result $? "an alert that does not come would be found"
says promtool check config "$examples/prometheus.yml"
result $? "the example of a configuration"
tap_done
