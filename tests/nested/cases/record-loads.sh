# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# mem: 3G
# backends: blkback
# timeout: 900
# boot: own
# run: named
#
# Four loads in stock guests that have all of their memory, so that what they use is what they want: see tests/traces/README.
# NAME.json among the logs is what they said meanwhile, second by second, which load-of-guests.jq makes recorded-NAME.load of. A fifth
# is recorded by record-compile.
#
# Files read from a disk, a process that allocates and never touches it again, one that goes round and round in more than there is,
# with swap (zram), and eight guests that boot and start something.

# What guests are told to do; each runs in one of its own.
reads='part() { dd if=/dev/xvda of=/dev/null bs=1M skip=$1 count=$2 2>/dev/null; }'
holds='hold() { awk -v n=$1 -v s=$2 "BEGIN { m = sprintf(\"%1048576s\", \"\"); for (i = 0; i < n; i++) a[i] = m i; system(\"sleep \" s) }"; }'
leaks='leak() { awk "BEGIN { m = sprintf(\"%1048576s\", \"\"); for (;;) { for (i = 0; i < 4; i++) a[n++] = m n; system(\"sleep 1\") } }"; }'
# length() reads to the end of each
storms='storm() { timeout $2 awk -v n=$1 "BEGIN { m = sprintf(\"%1048576s\", \"\"); for (i = 0; i < n; i++) a[i] = m i
	for (;;) for (i = 0; i < n; i++) all += length(a[i]) }"; }'
swaps='for m in $(cat /lib/modules/swap-order); do insmod /lib/modules/$m || exit 1; done
echo 96M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0'

. /xv/records.sh

check "dom0 has blkback" blkback_modules
image=$XV_STATE/disk
awk 'BEGIN { srand(1); for (i = 0; i < 70000; i++) printf "%08x what a line of a source file holds, number %d\n", rand() * 4294967295, i }' >"$XV_STATE/text"
for i in 0 1 2 3 4 5 6 7; do cat "$XV_STATE/text"; done | head -c 25165824 >"$image"
rm "$XV_STATE/text"
# what is not written costs nothing here, and is read like anything else
truncate -s 200M "$image"
check "the guests' disk" blkback_disk "$image"
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
	check "$guest has a disk" guest_modules $guest blkback
	wait_for "guest_run $guest '[ -e /dev/xvda ]'" 20
	# a disk that nobody has open has no page cache
	guest_run $guest 'sleep 100000 </dev/xvda >/dev/null 2>&1 &'
done

begin_record page-cache
tell a "$reads; sleep 2; for i in 0 1 2 3 4 5 6 7 8 9; do part 24 130; sleep 3; done"
tell b "$reads; sleep 8; for i in 24 44 64 84 104 124; do part \$i 20; sleep 3; done"
record page-cache 10
for guest in a b c; do guest_run $guest 'echo 3 >/proc/sys/vm/drop_caches'; done

begin_record memory-leak
tell a "$leaks; leak; true"
tell b "$holds; sleep 8; hold 90 20"
tell c "$holds; sleep 38; hold 100 15"
record memory-leak 40
check "what leaked was killed" [ "$(guest_run a 'dmesg | grep -c "Out of memory"' 30)" -ge 1 ]

for guest in a b; do check "$guest has swap" guest_run $guest "$swaps" 30; done
begin_record swap-storm
tell a "$storms; sleep 3; storm 235 20; true"
tell b "$storms; sleep 30; storm 235 20; true"
record swap-storm 30
check "it swapped" [ "$(guest_run a "awk '/^pswpin/ { print \$2 }' /proc/vmstat")" -gt 1000 ]
for guest in a b c; do xl destroy $guest; done
check "they are gone" wait_for '[ -z "$(zombies)" ] && [ "$(xl list | wc -l)" = 2 ]' 15

begin_record boot-of-eight
for i in 1 2 3 4 5 6 7 8; do
	create_guest e$i 128 1 "$disk" >/dev/null || bail "xl create -p e$i"
	wait_for "[ -n \"\$(xs \$(domid e$i) path)\" ]" 20
	unpause e$i
done
for i in 1 2 3 4 5 6 7 8; do
	wait_guest e$i || bail "e$i boots"
	guest_modules e$i blkback || not_ok "e$i has a disk"
	tell e$i "$holds; $reads; exec 9</dev/xvda; hold 30 4 & part 24 15; hold 12 25; wait"
done
record boot-of-eight 30
for i in 1 2 3 4 5 6 7 8; do xl destroy e$i; done
check "they are gone" wait_for '[ -z "$(zombies)" ] && [ "$(xl list | wc -l)" = 2 ]' 15
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
losetup -d /dev/loop0
rm "$image"
