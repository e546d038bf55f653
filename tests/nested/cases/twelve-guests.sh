# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# mem: 3G
# timeout: 600
# boot: own
#
# xen-vballoon-host(7), step by step, at an eighth of its sizes: twelve guests, memory for eight. Each is created with all of its
# memory, the last ones after "xen-vballoonctl free --wait"; each works then, and none has run out of memory. Then what the page says
# of a floor, a named size, and of no more room.

log=$XV_LOGS/service.log

free_mib()
{
	echo $(($(dominfo 0 free_pages) / 256))
}

# Without cma=0 the guest's kernel keeps half of its memory for contiguous buffers.
write_config()
{
	cat >"$XV_STATE/g$1.cfg" <<-EOT
	name = "g$1"
	kernel = "/guest/Image-$XV_KERNEL"
	ramdisk = "/guest/initrd-$XV_KERNEL"
	extra = "console=hvc0 rdinit=/init loglevel=4 cma=0 $(cat /xv/quick-boot)"
	memory = 128
	acpi = 0
	virtio = [ "backend=0,type=virtio,device5,transport=mmio,grant_usage=0" ]
	EOT
	echo "g$1" >>"$XV_STATE/guests"
}

check "the service starts" start_service xen-vballoond /run/xen-vballoon --auto --auto-floor=48M --overcommit
# the rest of the host is somebody else's
filler=$(($(free_mib) - 8 * 132))
[ "$filler" -gt 0 ] || bail "the machine has memory for eight"
create_guest filler "$filler" 1 >/dev/null || bail "a domain of $filler MiB is created"
diag "the host has $(free_mib) MiB for twelve guests of 128"

created=0
for i in 1 2 3 4 5 6 7; do
	write_config $i
	xl create "$XV_STATE/g$i.cfg" >&2 && wait_guest g$i 60 && created=$((created + 1))
done
is $created 7 "those that fit are created, and boot"
room=0
for i in 8 9 10 11 12; do
	write_config $i
	xen-vballoonctl free 136M --wait --timeout 120 >>"$XV_LOGS/free.log" 2>&1 || break
	room=$((room + 1))
	xl create "$XV_STATE/g$i.cfg" >&2 && wait_guest g$i 60 && created=$((created + 1))
done
is $room 5 "room is made for each of the others"
is $created 12 "twelve run"
diag "the host has $(free_mib) MiB left"
xen-vballoonctl list >"$XV_LOGS/list.txt"
is "$(grep -c ' g[0-9]' "$XV_LOGS/list.txt")" 12 "list shows twelve"
well=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	[ "$(guest_run g$i 'dmesg | grep -cE "Out of memory|oops|BUG|unable to handle"' 60)" = 0 ] && well=$((well + 1))
done
is $well 12 "none has run out of memory"

xenstore-write "/local/domain/$(domid g1)/memory/dynamic-min" $((96 * 1024))
check "a guest with a floor of its own gets that much" wait_for '[ "$(xs "$(domid g1)" target)" -ge $((96 * 1024)) ]' 60
xen-vballoonctl set g2 128M --wait --timeout 120 >>"$XV_LOGS/set.log" 2>&1
is $? 0 "one with a named size has it"
xen-vballoonctl free 4G --wait --timeout 20 2>"$XV_LOGS/more.txt"
is $? 7 "more than all can give is not waited for without end"
check "and said" grep -q "no guest has more to give" "$XV_LOGS/more.txt"
xen-vballoonctl free 0
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
xen-vballoonctl free 64M 2>"$XV_LOGS/none.txt"
is $? 3 "without it nobody makes room"
