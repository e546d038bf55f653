#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xenvirtio-conformance, as TAP: the example's device passes, with every clause counted; changed by one line it does not, and the
# clause that says so is named; --only and --list are about the same clauses; what cannot be loaded is refused with status 2 and a
# sentence that says what to do.
#
# The program is that of the build directory that make check has just built.

srcdir=${top_srcdir:-.}
cc=${CC:-cc}
program=tests/conformance/xenvirtio-conformance
. "$srcdir/tests/unit/tap.sh"

mkdir "$tmp/xenvirtio-test"
for header in conformance/conformance.h guest/bulk.h guest/bus.h guest/driver.h fake/hv-fake.h; do
	cp "$srcdir/tests/$header" "$tmp/xenvirtio-test/"
done

# build SOURCE OBJECT
build()
{
	$cc -std=gnu11 -shared -fPIC -Wall -Wextra -Wno-unused-parameter -Werror ${TEST_CFLAGS:-} "-I$tmp" \
		"-I$srcdir/libxenvirtio/include" -o "$2" "$1" >"$tmp/log" 2>&1
}

# ends STATUS WORD...: the program with the words
ends()
{
	wanted=$1 status=0
	shift
	"./$program" "$@" >"$tmp/out" 2>"$tmp/log" </dev/null || status=$?
	[ "$status" -eq "$wanted" ] || { echo "status $status, not $wanted" >>"$tmp/log"; false; }
}

# refuses TEXT WORD...: nothing is tried, and one line or two say why
refuses()
{
	text=$1
	shift
	ends 2 "$@" && grep -qF -e "$text" "$tmp/log" && ! grep -q '^ok\|^not ok' "$tmp/out"
}

example=$srcdir/examples/conformance-device.c
build "$example" "$tmp/well.so"
result $? "the example is built"
ends 0 "$tmp/well.so" && grep -qx "1\.\.$(grep -c '^ok' "$tmp/out")" "$tmp/out" && [ "$(grep -c '^ok' "$tmp/out")" -gt 100 ]
result $? "it passes, every clause counted"
cp "$tmp/out" "$tmp/all"

# finds CLAUSE NAME SCRIPT: the example, changed by sed, is not ok by that clause, and only that section is tried
finds()
{
	sed "$3" "$example" >"$tmp/wrong.c"
	! cmp -s "$example" "$tmp/wrong.c" && build "$tmp/wrong.c" "$tmp/wrong.so" && ends 1 --only="$1" "$tmp/wrong.so" &&
		grep -q "^not ok [0-9]* - $1: " "$tmp/out" && grep -q '^# .' "$tmp/out"
	result $? "finds $2"
}
finds 2.7.7.2 "one that does not interrupt" 's/: xenvirtio_queue_interrupt(q)/: 0/'
finds 2.7.8.2 "one that says it wrote what it did not" 's/sevens, len);/sevens, len - 1);/'
finds 2.7.4.1 "one that takes the first buffer only" 's/chain.writable_bytes < len)/chain.seg[0].len_bytes < len)/; s/= chain.writable_bytes;/= chain.seg[0].len_bytes;/'
finds 2.3 "one that serves one message a kick" 's/chains < CHAINS_A_KICK/chains < 1/; s/xenvirtio_device_kick_again(device, index)/ret = 0/'
finds failures "one that hides failures" 's/return ret < 0 || ret == XENVIRTIO_E_GONE ? ret : /return /'
finds restart "one that forgets its state" 's/host->gmem, host->state/host->gmem, NULL/'

ends 0 --only 2.7.5.1 "$tmp/well.so" && ! grep '^ok' "$tmp/out" | grep -qv -- '- 2\.7\.5\.1: ' && grep -qx '1\.\.3' "$tmp/out"
result $? "--only has one clause and no other"
ends 0 --list && [ "$(wc -l <"$tmp/out")" -eq "$(grep -c '^ok' "$tmp/all")" ]
result $? "--list has all that are tried"
ends 0 --list --only=hostile && [ "$(wc -l <"$tmp/out")" -eq "$(grep -c ' - hostile: ' "$tmp/all")" ]
result $? "and --only of it what is tried with it"
ends 0 --stride=50 --only=restart "$tmp/well.so"
result $? "--stride"

# picky ENTRY...: a device that cannot be without EVENT_IDX, with these excuses. That it takes no subsets is not as is recommended.
picky()
{
	sed "s/^static int make/static int check_features(void *opaque, uint64_t features) { return features >> 29 \& 1 ? 0 : XENVIRTIO_E_GUEST; }\n\n&/
		s/{ \.kick = kick }/{ .kick = kick, .check_features = check_features }/
		s/^const struct conformance_device/static const struct conformance_excuse excuses[] = { $* { 0 } };\n\n&/
		s/\.version = CONFORMANCE_VERSION,/& .excuses = excuses, .features = 1 << 29,/" "$example" >"$tmp/picky.c" &&
		build "$tmp/picky.c" "$tmp/picky.so"
}
picky && ends 1 "$tmp/picky.so" && [ "$(grep -c '^not ok' "$tmp/out")" -eq 1 ] && grep -q '^not ok [0-9]* - 2\.2\.2: subsets' "$tmp/out"
result $? "what is recommended is asked for"
picky '{ "2.2.2", "subsets", "no # use" },' && ends 0 "$tmp/picky.so" &&
	grep -q '^not ok [0-9]* - 2\.2\.2: subsets of what is offered are accepted # TODO excused: no   use$' "$tmp/out" &&
	grep -A 1 '^not ok' "$tmp/out" | grep -q '^# FEATURES_OK was refused' &&
	[ "$(grep -c '^not ok' "$tmp/out")" -eq 1 ] && [ "$(tail -n 1 "$tmp/out")" = "# excused: 1 that virtio 1.2 recommends (SHOULD)" ]
result $? "and excused with a reason, in its line, and counted"
sed 's/.check_features = check_features//' "$tmp/picky.c" >"$tmp/vain.c"
sed -i 's/^static int check_features/__attribute__((unused)) &/' "$tmp/vain.c"
build "$tmp/vain.c" "$tmp/vain.so" && ends 1 --only=2.2.2 "$tmp/vain.so" && grep -q '^# .*take the excuse away' "$tmp/out"
result $? "in vain it is not"
picky '{ "2.4.1", NULL, "it stays" },' && refuses 'picky.so: the excuse of 2.4.1: that is required (MUST); only' "$tmp/picky.so"
result $? "what is required cannot be excused"
ends 0 --list && [ "$(grep -c ' (SHOULD)$' "$tmp/out")" -eq 5 ] && grep -q '^2\.2\.2 .*subsets.* (SHOULD)$' "$tmp/out"
result $? "--list says what can"

# A device may call what the program has of libxenvirtio-test.
sed 's|#include <xenvirtio.h>|&\n#include <xenvirtio-test/driver.h>\n#include <xenvirtio-test/hv-fake.h>\n#include <xenvirtio-test/bulk.h>|
	s|m->writable_bytes = BYTES;|& (void)bulk_name(0); if (driver_status(d) != 15 \&\& driver_status(d) != 11) return -EIO;|' \
	"$example" >"$tmp/calls.c"
build "$tmp/calls.c" "$tmp/calls.so" && ends 0 --only=2.7.4.1 "$tmp/calls.so"
result $? "a device may call the driver side"

refuses 'which device?'
result $? "no file is refused"
refuses 'one FILE at a time' "$tmp/well.so" "$tmp/well.so"
result $? "two are refused"
refuses 'cannot open shared object' "$tmp/none.so"
result $? "one that is not there is refused"
refuses 'cannot open shared object' none.so
result $? "a name is looked for here and nowhere else"
echo 'int other;' >"$tmp/other.c"
build "$tmp/other.c" "$tmp/other.so" && refuses 'no symbol "conformance_device"' "$tmp/other.so"
result $? "an object without a device is refused"
sed 's/\.version = CONFORMANCE_VERSION/.version = 77/' "$example" >"$tmp/wrong.c"
build "$tmp/wrong.c" "$tmp/wrong.so" && refuses 'another version' "$tmp/wrong.so"
result $? "a device of another version is refused"
refuses 'no clause has that number' --only=9.9 "$tmp/well.so" && refuses 'no clause has that number' --only=9.9 --list
result $? "a clause that is none is refused"
for number in 0 -1 1x '' 10001; do
	refuses '--stride' "--stride=$number" "$tmp/well.so" || break
done
result $? "strides that cannot be are refused"
refuses 'see xenvirtio-conformance --help' --frob
result $? "an option that is none is refused"
ends 0 -h && grep -q '^usage: ' "$tmp/out" && ends 0 --help && ends 0 -V && grep -q ' (xenvirtio) ' "$tmp/out" && ends 0 --version
result $? "help and version"
tap_done
