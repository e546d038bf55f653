#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The service's unit, as TAP, with systemd's own tools: every key is known and every value understood, and the exposure
# that systemd-analyze computes from its hardening stays what it is or gets less. Controls: a unit with a wrong key, and
# one without a boundary for capabilities, are found. Nothing is installed or started, and no systemd has to run.

if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP systemd-analyze is missing: install systemd"
	exit 0
fi
# in tenths; systemd 252 says 2.6
exposure_max=30
. "${srcdir:-.}/tests/unit/tap.sh"

# unit [SED-EXPRESSION]: as make writes it, but for a program that is there; changed.
unit()
{
	sed -e "s|@sbindir@/xen-vballoond|/bin/true|; s|@sysconfdir@|/etc|; ${1:-}" \
		"$srcdir/systemd/xen-vballoond.service.in" >"$tmp/xen-vballoond.service"
}

# verified: what systemd does not understand it ignores, with a line and status 0.
verified()
{
	systemd-analyze verify --man=no "$tmp/xen-vballoond.service" >"$tmp/log" 2>&1 && [ ! -s "$tmp/log" ]
}

exposed_little()
{
	systemd-analyze security --no-pager --offline=yes --threshold="$exposure_max" "$tmp/xen-vballoond.service" >"$tmp/log" 2>&1
}

srcdir=${srcdir:-.}
unit
verified
result $? "systemd understands the unit"
exposed_little
result $? "it is exposed no more than it was"
grep 'Overall exposure' "$tmp/log" | sed 's/^[^O]*/# /'
unit 's/^ProtectSystem=/ProtektSystem=/'
! verified
result $? "a wrong key would be found"
unit '/^CapabilityBoundingSet=/d'
! exposed_little && grep -q 'Overall exposure' "$tmp/log"
result $? "and so would capabilities without a boundary"

# A root directory of our own: nothing of this host is touched.
mkdir -p "$tmp/root/etc"
systemd-sysusers --root="$tmp/root" - <"$srcdir/systemd/xen-vballoon.sysusers" >"$tmp/log" 2>&1 &&
	grep -q '^xen-vballoon:' "$tmp/root/etc/group"
result $? "the group that may use the sockets is made"
tap_done
