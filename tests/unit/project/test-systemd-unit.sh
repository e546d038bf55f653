#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The services' units, as TAP, with systemd's own tools: every key is known and every value understood, the exposure
# that systemd-analyze computes from their hardening is what SECURITY.md says or less, and group and directory are the same for the
# unit, for processes that are started by hand, and for the program. Controls: a unit with a wrong key, one without a boundary for
# capabilities, and one with another directory are found. Nothing is installed or started, and no systemd has to run.
#
# There is one for each main() of a daemon. The units are those of the build directory that make check has just built.

if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP systemd-analyze is missing: install systemd"
	exit 0
fi
# in tenths. The unit that watches: systemd 252 says 0.7, of which 0.4 is root's number, for xenstored's socket.
exposure_max=10
# The launcher's: 4.0, of which 1.2 is what brokers need to have device processes be nobody, nowhere, which this sum cannot see, and 0.2
# are the cgroups that it makes. What also starts backends has 4.2.
launcher_exposure_max=40
backends_exposure_max=42
. "${srcdir:-.}/tests/unit/tap.sh"

# unit [SED-EXPRESSION]: as make wrote it, but for a program that is there; changed.
unit()
{
	sed -e "s|^ExecStart=[^ ]*/${group}d |ExecStart=/bin/true |; ${1:-}" "systemd/${group}d.service" >"$tmp/${group}d.service"
	sed -e "s|^ExecStart=[^ ]*/${group}d |ExecStart=/bin/true |" "systemd/${group}d-launcher.service" >"$tmp/${group}d-launcher.service"
}

# understood UNIT: all of it, but for one key, which is of systemd 254: before, devices have no cgroups
understood()
{
	systemd-analyze verify --man=no "$1" >"$tmp/said" 2>&1 && ! grep -v "'DelegateSubgroup'" "$tmp/said" >"$tmp/log"
}

# launcher_verified: the launcher's unit, likewise.
launcher_verified()
{
	understood "$tmp/${group}d-launcher.service" &&
		systemd-analyze security --no-pager --offline=yes --threshold="$launcher_exposure_max" "$tmp/${group}d-launcher.service" >"$tmp/log" 2>&1
}

# verified: what systemd does not understand it ignores, with a line and status 0.
verified()
{
	understood "$tmp/${group}d.service"
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
		grep -qx "BindReadOnlyPaths=/run/$group" "$tmp/${group}d.service" || echo "the unit has another directory"
		grep -qx "Group=$group" "$tmp/${group}d-launcher.service" || echo "the launcher's unit has another group"
		grep -qx "RuntimeDirectory=$group" "$tmp/${group}d-launcher.service" || echo "the launcher's unit has another directory"
		grep -qx "PartOf=${group}d.service" "$tmp/${group}d-launcher.service" || echo "the launcher's unit does not go with it"
		grep -qx "Requires=${group}d-launcher.service" "$tmp/${group}d.service" || echo "nor is it started with it"
		grep -qx "d /run/$group 0750 root $group -" "systemd/$group.tmpfiles" || echo "tmpfiles.d has others"
		! grep -n '@[a-z]*@' "$tmp/${group}d.service" "$tmp/${group}d-launcher.service" "systemd/$group.sysusers" "systemd/$group.tmpfiles"
	} >"$tmp/log" 2>&1
	[ ! -s "$tmp/log" ]
}

# variable UNIT: the one that the unit hands to the program.
variable()
{
	sed -n 's/^ExecStart=[^ ]* --role=[a-z]* \$\([A-Z_]*\)$/\1/p' "$1"
}

# settings FILE: every assignment in it, those in comments as well: what stands between the quotes, a line each.
settings()
{
	sed -n "s/^#\{0,1\}$(variable "systemd/${group}d.service")=\"\(.*\)\"\$/\1/p" "$1"
}

# defaults_agree FILE: the unit reads that file, and its variable has lines there, one of which counts; nothing else is set.
defaults_agree()
{
	{
		grep -q "^EnvironmentFile=-.*/default/${group}d$" "systemd/${group}d.service" || echo "the unit reads another file"
		[ "$(variable "systemd/${group}d.service")" = "$(variable "systemd/${group}d-launcher.service")" ] || echo "its launcher has another"
		[ "$(grep -c '^[^#]' "$1")" -eq 1 ] || echo "not one line counts"
		[ "$(grep -cE '^#?[A-Z_]+=' "$1")" -eq "$(settings "$1" | wc -l)" ] || echo "something else is set"
		[ "$(settings "$1" | wc -l)" -ge 3 ] || echo "there are no examples"
	} >"$tmp/log"
	[ ! -s "$tmp/log" ]
}

# defaults_taken FILE: the program understands what would be its command line.
defaults_taken()
{
	settings "$1" | while read -r words; do
		# shellcheck disable=SC2086 # systemd makes words of it as well
		"backend/${group}d" $words --version >/dev/null 2>"$tmp/log" || return
	done
}

for main in "${srcdir:-.}"/backend/xen-*d.c; do
	group=$(basename "$main" d.c)
	unit
	verified
	result $? "systemd understands ${group}d.service"
	exposed_little
	result $? "it is exposed little"
	grep 'Overall exposure' "$tmp/log" | sed 's/^[^O]*/# /'
	launcher_verified
	result $? "systemd understands its launcher's unit, which is exposed no more than it was"
	grep 'Overall exposure' "$tmp/log" | sed 's/^[^O]*/# /'
	agrees
	result $? "it has the directory and the group of processes that are started by hand"
	if [ -e "backend/${group}d" ]; then
		"backend/${group}d" --help >"$tmp/log" 2>&1 && grep -qF "(default: /run/$group)" "$tmp/log"
		result $? "and so has the program"
	else
		tap_skip "what directory the program has: it is built without Xen, so there is none"
	fi
	defaults=${srcdir:-.}/systemd/${group}d.default
	defaults_agree "$defaults"
	result $? "it reads /etc/default/${group}d, which sets its variable and nothing else"
	if [ -e "backend/${group}d" ]; then
		defaults_taken "$defaults"
		result $? "each example there is a command line that ${group}d takes"
		sed 's/--metrics=/--metricks=/' "$defaults" >"$tmp/defaults"
		! defaults_taken "$tmp/defaults"
		result $? "and one that it does not take would be found"
	else
		tap_skip "whether the examples there are taken: there is no program"
	fi
	sed '$aXEN_OTHER_OPTIONS="--auto"' "$defaults" >"$tmp/defaults"
	! defaults_agree "$tmp/defaults"
	result $? "and another variable would be found"
	unit 's/^ProtectSystem=/ProtektSystem=/'
	! verified
	result $? "a wrong key would be found"
	unit '/^CapabilityBoundingSet=/d'
	! exposed_little && grep -q 'Overall exposure' "$tmp/log"
	result $? "and so would capabilities without a boundary"
	unit '/^PrivateNetwork=/d; /^RestrictAddressFamilies=/d; /^IPAddressDeny=/d'
	! exposed_little && grep -q 'Overall exposure' "$tmp/log"
	result $? "and a network"
	unit 's|^BindReadOnlyPaths=/run/xen-.*|BindReadOnlyPaths=/run/xen-other|'
	! agrees && grep -q 'another directory' "$tmp/log"
	result $? "and another directory"

	# A root directory of its own: nothing of this host is touched, nor what another left, which only root could change.
	mkdir -p "$tmp/$group/etc"
	systemd-sysusers --root="$tmp/$group" - <"systemd/$group.sysusers" >"$tmp/log" 2>&1 &&
		grep -q "^$group:" "$tmp/$group/etc/group"
	result $? "the group that may use the sockets is made"
done

# One unit for all types of xen-vhost-user, and so another name, of which the types' directories are made.
group=xen-vhost-user
instance=$group@fs.service
sed 's|^ExecStart=[^ ]*/xen-vhost-user |ExecStart=/bin/true |' systemd/xen-vhost-user@.service >"$tmp/$instance"
understood "$tmp/$instance"
result $? "systemd understands xen-vhost-user@.service"
systemd-analyze security --no-pager --offline=yes --threshold="$backends_exposure_max" "$tmp/$instance" >"$tmp/log" 2>&1
result $? "it is exposed no more than it was"
grep 'Overall exposure' "$tmp/log" | sed 's/^[^O]*/# /'
! grep -n '@[a-z]*@' "$tmp/$instance" >"$tmp/log"
result $? "nothing is left of the template"
# places.c sets it, and the broker, which has no capability by then, reaches the socket by it alone
! grep -n '^RestrictSUIDSGID=' "$tmp/$instance" >"$tmp/log"
result $? "a socket's directory may have the set-group-ID bit"
{
	for type in $(sed -n 's/^	*\.name = "\([a-z]*\)",$/\1/p' "${srcdir:-.}/backend/devices/vhost-user/kinds.c"); do
		grep -qx "d /run/xen-vhost-$type 0750 root $group -" "${srcdir:-.}/systemd/vhost-user-tmpfiles.conf" || echo "tmpfiles.d lacks $type's"
	done
	grep -qx 'RuntimeDirectory=xen-vhost-%i vhost-user' "$tmp/$instance" || echo "the unit has others"
	grep -q '^EnvironmentFile=-.*/default/xen-vhost-user-%i$' "$tmp/$instance" || echo "the unit does not read a type's options"
} >"$tmp/log"
[ ! -s "$tmp/log" ]
result $? "each type has its directory"
mkdir -p "$tmp/$group/etc"
systemd-sysusers --root="$tmp/$group" "${srcdir:-.}/systemd/vhost-user-sysusers.conf" >"$tmp/log" 2>&1 ||
	systemd-sysusers --root="$tmp/$group" - <"${srcdir:-.}/systemd/vhost-user-sysusers.conf" >"$tmp/log" 2>&1
grep -q "^$group:" "$tmp/$group/etc/passwd" && grep -q "^$group:" "$tmp/$group/etc/group"
result $? "the user that backends are is made"
if [ -e backend/xen-vhost-user ]; then
	sed -n 's/^#\{0,1\}XEN_VHOST_USER_OPTIONS="\(.*\)"$/\1/p' "${srcdir:-.}/systemd/xen-vhost-user.default" | while read -r words; do
		# shellcheck disable=SC2086 # systemd makes words of it as well
		backend/xen-vhost-user --type=fs $words --version >/dev/null 2>"$tmp/log" || exit
	done
	result $? "each example of its options is taken"
else
	tap_skip "whether its options are taken: there is no program"
fi
tap_done
