#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --self-test-sandbox of each daemon, as TAP: where a host has all that confines, each attempt is refused and the status says so; where
# it lacks a part, the part is named, and what is possible is no success. Without root it lacks most of them.

. "${srcdir:-.}/tests/unit/tap.sh"
sanitizers=
grep -q '^SANITIZER_FLAGS = .*-fsanitize' Makefile && sanitizers=yes

if [ ! -e backend/xen-vballoond ]; then
	tap_skip "no daemon is built without Xen"
	tap_done
elif [ "$(id -u)" -ne 0 ] || ! unshare -m -n -p -f true 2>/dev/null; then
	tap_skip "only root makes a world, and only where namespaces are to be had"
	tap_done
fi

# try DAEMON [COMMAND...]: by that command; sets status
try()
{
	daemon=$1
	shift
	status=0
	"$@" "backend/$daemon" --self-test-sandbox --state-dir "$tmp/state" >"$tmp/out" 2>"$tmp/log" || status=$?
	cat "$tmp/out" >>"$tmp/log"
	echo "status $status" >>"$tmp/log"
}

# rows WORD: how many attempts ended so
rows()
{
	grep -c "^[a-z].\{38\} $1 " "$tmp/out"
}

for daemon in xen-vballoond xen-vrngd xen-vhost-user; do
	try $daemon
	if [ -n "$sanitizers" ]; then
		[ $status -eq 1 ] && grep -q '^missing on this host: system calls are not filtered$' "$tmp/out"
		result $? "$daemon: the filter that a build with sanitizers cannot have is named"
		[ "$(rows POSSIBLE)" -gt 3 ] && grep -q "^keep a key in the kernel *POSSIBLE *done " "$tmp/out"
		result $? "$daemon: what it alone refuses is possible"
		continue
	fi
	[ $status -eq 0 ] && [ "$(rows refused)" -ge 29 ] && [ "$(rows POSSIBLE)" -eq 0 ] && [ "$(tail -n 1 "$tmp/out")" = "all refused" ]
	result $? "$daemon: all is refused, and it says so"
	[ "$(grep -c 'SIGSYS.*E[A-Z]* *\(the empty root\|no capability\|the namespace\|its limits\|no network\|the root\)' "$tmp/out")" -ge 20 ]
	result $? "$daemon: most of it by two of its walls"
done
[ -e /dev/xen/privcmd ] || grep -q '^not tried: hypercalls, .*not on Xen$' "$tmp/out"
result $? "what is Xen's was not tried, and that is said"

# A process of another user is ended by who has the right to: a service whose unit does not give it is told.
try xen-vballoond setpriv --bounding-set -kill
grep -q '^missing on this host: the broker could not end its device process: it has no CAP_KILL$' "$tmp/out"
result $? "that the broker may not end its device is named"
daemon=xen-vballoond status=0
setpriv --bounding-set -kill backend/$daemon --self-test-sandbox --sandbox=require --state-dir "$tmp/state" >"$tmp/out" 2>"$tmp/log" || status=$?
cat "$tmp/out" >>"$tmp/log"
[ $status -eq 1 ] && grep -q '^no device process can be made here' "$tmp/out"
result $? "and with --sandbox=require there is none"

# A host that lacks parts: any, for who is not root. The programs are his, as the build directory may not be his to read.
mkdir "$tmp/nobody"
cp backend/.libs/xen-vballoond libxenvirtio/.libs/*.so.* "$tmp/nobody/"
chown -R 65534:65534 "$tmp/nobody"
chmod 711 "$tmp"
LD_LIBRARY_PATH=$tmp/nobody setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/nobody/xen-vballoond" --self-test-sandbox \
	--state-dir "$tmp/nobody/state" >"$tmp/out" 2>&1
cp "$tmp/out" "$tmp/log"
grep -q '^missing on this host: the device process does not get an empty root$' "$tmp/out" &&
	grep -q '^missing on this host: the device process is the user that started it$' "$tmp/out"
result $? "what a host lacks is named"
[ -n "$sanitizers" ] || grep -q '^make a process .* EAGAIN ' "$tmp/out" && [ "$(tail -n 1 "$tmp/out")" != "all refused" ]
result $? "and nobody is told that all is well"
tap_done
