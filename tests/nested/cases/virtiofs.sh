# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: virtiofsd
# timeout: 400
#
# Debian's virtiofsd, unmodified, serves a stock guest a directory of dom0's: a tree of 2,000 files that the guest writes is in
# dom0 as it was meant, and what dom0 writes is in the guest. Meanwhile xen-vhost-user, which brought the two together, sleeps.

dir=/run/xen-vhost-fs
share=$XV_STATE/share
mkdir "$share"

# wakes: how often the processes of xen-vhost-user have been woken, all together
wakes()
{
	local pid
	for pid in $(pidof xen-vhost-user); do
		cat "/proc/$pid/status" 2>/dev/null
	done | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum + 0 }'
}

check "the front-end's service starts" start_service xen-vhost-user $dir --type=fs --tag=share "--socket=$XV_STATE/fs-%d-%i"
front=$service
XV_VIRTIO='"backend=0,type=virtio,device1a,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
check "virtiofsd listens" start_virtiofsd "$XV_STATE/fs-$domid-0" "$share"
files=$backend
check "the device is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
unpause g
wait_guest g || bail "the guest boots"
check "its drivers" guest_modules g virtiofsd
check "the guest mounts it" guest_run g 'mkdir /mnt && mount -t virtiofs share /mnt' 60

before=$(wakes)
begin=$(now_cs)
check "and writes 2,000 files" guest_sh g 'write_tree /mnt/tree 2000 tree' 200
took=$(($(now_cs) - begin))
after=$(wakes)
diag "in $((took / 100)).$((took % 100 / 10)) s; the front-end was woken $((after - before)) times"
check "through which the front-end sleeps" [ $((after - before)) -lt 100 ]
write_tree "$XV_STATE/meant" 2000 tree
meant=$(tree_sum "$XV_STATE/meant")
is "$(find "$share/tree" -type f | wc -l)" 2000 "dom0 has as many"
is "$(tree_sum "$share/tree")" "$meant" "and each is what was meant"
is "$(guest_sh g 'forget_pages; tree_sum /mnt/tree')" "$meant" "the guest reads the same, from dom0 again"

write_tree "$share/from-dom0" 100 dom0
is "$(guest_sh g 'tree_sum /mnt/from-dom0')" "$(tree_sum "$share/from-dom0")" "what dom0 writes the guest reads"
check "a file of 16 MiB" guest_run g 'yes 0123456789abcde | head -c 16777216 >/mnt/large' 120
is "$(md5sum <"$share/large")" "$(yes 0123456789abcde | head -c 16777216 | md5sum)" "is whole in dom0"
is "$(guest_sh g 'forget_pages; md5sum </mnt/large')" "$(md5sum <"$share/large")" "and in the guest, read back"
check "what the guest removes is gone" guest_run g 'rm -r /mnt/tree /mnt/large' 120
is "$(ls "$share")" from-dom0 "in dom0 as well"

check "the guest gives it back" guest_run g 'umount /mnt' 60
check "and is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
check "virtiofsd lives" pid_alive $files
check "the guest is destroyed" xl destroy g
check "its device process has ended" wait_for '[ "$(started xen-vhost-user)" = $front ]' 10
check "virtiofsd too, as its connection has" wait_for "! pid_alive $files" 10
check "the guest is gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
is "$(ls $dir | grep -vc '^service[.]')" 0 "no file is left"
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
