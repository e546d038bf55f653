# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# mem: 3G
# backends: blkback compiler
# timeout: 900
# boot: own
# run: named
#
# As record-loads: two guests compile C, one begins after the other, and one idles. Debian's cc1 is on their disk, and two of it run at a
# time: on files of this project, and at last on many of them as one unit, with -O1 and -O2.

compiles='cc1() { /c/usr/lib/ld-linux-aarch64.so.1 --library-path /c/usr/lib/aarch64-linux-gnu /c/cc1 -quiet -fpreprocessed -w -std=gnu11 $1 \
	-o /dev/null /c/src/$2.i; }
both() { cc1 $1 $2 & first=$!; cc1 $3 $4 && wait $first; }
compile() { both -O2 policy -O2 auto && both -O2 balloon-due -O2 reservation-move && both -O2 balloon -O2 mem-set &&
both -O1 whole -O2 whole; }'

. /xv/records.sh

check "dom0 has blkback" blkback_modules
check "the guests' disk" blkback_disk /xv/compiler.img
xen-vballoond ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} --stats-interval=1 >>"$XV_LOGS/service.log" 2>&1 </dev/null &
service=$!
XV_APPEND=cma=0
for guest in a b c; do
	create_guest $guest 256 1 "$disk" >/dev/null || bail "xl create -p $guest"
	check "guest $guest is served" wait_for "[ -n \"\$(xs \$(domid $guest) path)\" ]" 20
	unpause $guest
done
for guest in a b c; do
	wait_guest $guest || bail "$guest boots"
	check "$guest has a disk" guest_modules $guest compiler
	wait_for "guest_run $guest '[ -e /dev/xvda ]'" 20
	check "$guest has a compiler" guest_run $guest 'mkdir /c && mount -t ext4 -o ro /dev/xvda /c && [ -x /c/cc1 ]'
done

begin_record compile
tell a "$compiles; sleep 2; compile"
tell b "$compiles; sleep 25; compile"
record compile 30
for guest in a b c; do xl destroy $guest; done
check "they are gone" wait_for '[ -z "$(zombies)" ] && [ "$(xl list | wc -l)" = 2 ]' 15
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
losetup -d /dev/loop0
