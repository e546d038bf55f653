# SPDX-License-Identifier: GPL-2.0-or-later
#
# Results as TAP, for tests that are shell scripts, which source this: a directory of their own, "$tmp", whose file "log" says
# why a result is not ok, and result, which counts. They end with tap_done.

# A locale that is named and not there is a line more of every shell, libtool's beneath a program among them.
LC_ALL=C
export LC_ALL

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tap_number=0
tap_status=0

# result STATUS TEXT
result()
{
	tap_number=$((tap_number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_number - $2"
	else
		echo "not ok $tap_number - $2"
		sed 's/^/# /' "$tmp/log"
		tap_status=1
	fi
}

# tap_skip WHY: a result that cannot be had here.
tap_skip()
{
	tap_number=$((tap_number + 1))
	echo "ok $tap_number # SKIP $1"
}

tap_done()
{
	echo "1..$tap_number"
	exit $tap_status
}
