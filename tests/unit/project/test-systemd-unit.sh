#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The services' units, as TAP, with systemd's own tools: every key is known and every value understood, the exposure
# that systemd-analyze computes from their hardening stays what it is or gets less, and group and directory are the same for the
# unit, for processes that are started by hand, and for the program. Controls: a unit with a wrong key, one without a boundary for
# capabilities, and one with another directory are found. Nothing is installed or started, and no systemd has to run.
#
# There is one for each main() of a daemon. The units are those of the build directory that make check has just built.

if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP systemd-analyze is missing: install systemd"
	exit 0
fi
# in tenths; systemd 252 says 2.6
exposure_max=30
. "${srcdir:-.}/tests/unit/tap.sh"

# unit [SED-EXPRESSION]: as make wrote it, but for a program that is there; changed.
unit()
{
	sed -e "s|^ExecStart=[^ ]*/${group}d |ExecStart=/bin/true |; ${1:-}" "systemd/${group}d.service" >"$tmp/${group}d.service"
}

# verified: what systemd does not understand it ignores, with a line and status 0.
verified()
{
	systemd-analyze verify --man=no "$tmp/${group}d.service" >"$tmp/log" 2>&1 && [ ! -s "$tmp/log" ]
}

exposed_little()
{
	systemd-analyze security --no-pager --offline=yes --threshold="$exposure_max" "$tmp/${group}d.service" >"$tmp/log" 2>&1
}

# agrees: all say the same, and nothing is left of the templates.
agrees()
{
	{
		grep -qx "Group=$group" "$tmp/${group}d.service" || echo "the unit has another group"
		grep -qx "RuntimeDirectory=$group" "$tmp/${group}d.service" || echo "the unit has another directory"
		grep -qx "d /run/$group 0750 root $group -" "systemd/$group.tmpfiles" || echo "tmpfiles.d has others"
		! grep -n '@[a-z]*@' "$tmp/${group}d.service" "systemd/$group.sysusers" "systemd/$group.tmpfiles"
	} >"$tmp/log" 2>&1
	[ ! -s "$tmp/log" ]
}

for main in "${srcdir:-.}"/backend/xen-*d.c; do
	group=$(basename "$main" d.c)
	unit
	verified
	result $? "systemd understands ${group}d.service"
	exposed_little
	result $? "it is exposed no more than it was"
	grep 'Overall exposure' "$tmp/log" | sed 's/^[^O]*/# /'
	agrees
	result $? "it has the directory and the group of processes that are started by hand"
	if [ -e "backend/${group}d" ]; then
		"backend/${group}d" --help >"$tmp/log" 2>&1 && grep -qF "(default: /run/$group)" "$tmp/log"
		result $? "and so has the program"
	else
		tap_skip "what directory the program has: it is built without Xen, so there is none"
	fi
	unit 's/^ProtectSystem=/ProtektSystem=/'
	! verified
	result $? "a wrong key would be found"
	unit '/^CapabilityBoundingSet=/d'
	! exposed_little && grep -q 'Overall exposure' "$tmp/log"
	result $? "and so would capabilities without a boundary"
	unit 's/^RuntimeDirectory=.*/RuntimeDirectory=xen-other/'
	! agrees && grep -q 'another directory' "$tmp/log"
	result $? "and another directory"

	# A root directory of its own: nothing of this host is touched, nor what another left, which only root could change.
	mkdir -p "$tmp/$group/etc"
	systemd-sysusers --root="$tmp/$group" - <"systemd/$group.sysusers" >"$tmp/log" 2>&1 &&
		grep -q "^$group:" "$tmp/$group/etc/group"
	result $? "the group that may use the sockets is made"
done
tap_done
