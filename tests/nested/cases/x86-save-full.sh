# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# device-model: qemu
# mode: icount
# timeout: 900
# boot: own
#
# Who wants a balloon's memory back before a guest is saved: its virtio_balloon, which empties the balloon before Linux sleeps, and nobody
# else. On a host that is full that waits, xl save gives up and says so, and after xl resume the guest goes on as it was. What Xen's own
# balloon driver keeps is neither needed nor saved: xl and Xen leave out what is not there.

free_mib()
{
	echo $(($(dominfo 0 free_pages) / 256))
}

xen-virtio-acpi --output "$XV_STATE/virtio.aml" || bail "xen-virtio-acpi writes the table"
XV_IMAGE=bzImage
lines="type = \"hvm\"
acpi_firmware = \"$XV_STATE/virtio.aml\"
vga = \"none\"
vnc = 0
usb = 0"
start_service xen-vballoond /run/xen-vballoon --overcommit || bail "the service starts"
create_guest g 192 1 "$lines" >/dev/null || bail "xl create -p"
domid=$(domid g)
check "it is served" xen-vballoonctl wait g
xl unpause g
wait_guest g || bail "the guest boots"
check "set to 128M" xen-vballoonctl set g 128M --wait --timeout 30
before=$(xen_pages "$domid")
filler=$(($(free_mib) - 24))
create_guest filler "$filler" >/dev/null || bail "a domain of $filler MiB has the rest of the host"
diag "the host has $(free_mib) MiB free, the balloon 64"

xl save g "$XV_STATE/g.save" >"$XV_STATE/save.out" 2>&1 &
saver=$!
check "its driver takes memory back, and waits for what the host does not have" wait_for '[ -n "$(xs "$domid" stalled)" ]' 60
diag "stalled: $(xs "$domid" stalled)"
wait $saver
rc=$?
check "xl save gives up" [ $rc -ne 0 ]
diag "$(tail -n 3 "$XV_STATE/save.out")"
rm -f "$XV_STATE/g.save"
check "the guest is there" [ "$(domid g)" = "$domid" ]
check "the other domain ends" xl destroy filler
check "then the guest's driver has what it waits for, and it sleeps, though nobody saves it any more" \
	wait_for 'xl list g | grep -q -e "---s"' 60
diag "$(xl list g | tail -n 1)"
check "xl resume wakes it" xl resume g
check "it goes on" guest_run g true 60
check "with the size that was named" wait_pages "$domid" "$before" 60
xl save g "$XV_STATE/g.save" >"$XV_STATE/save.out" 2>&1
is $? 0 "now xl save"
all=$(($(stat -c %s "$XV_STATE/g.save") / 1048576))
check "restored" xl restore "$XV_STATE/g.save"
rm -f "$XV_STATE/g.save"
domid=$(domid g)
check "it comes to its size again" wait_ballooned "$domid" 65536 60
check "destroyed" xl destroy g
check "gone" wait_for '[ -z "$(zombies)" ]' 15

# The other driver's balloon: memory below maxmem.
create_guest p 128 1 "$lines
maxmem = 384" >/dev/null || bail "xl create -p p"
check "a guest whose Xen balloon driver keeps 256 MiB is served" xen-vballoonctl wait p
xl unpause p
wait_guest p || bail "it boots"
check "it has given what it does not have" wait_ballooned "$(domid p)" 0 60
check "and has some 128 MiB" wait_for '[ "$(xen_pages "$(domid p)")" -le $((140 * 256)) ]' 60
xl save p "$XV_STATE/p.save" >"$XV_STATE/save.out" 2>&1
is $? 0 "xl save"
holes=$(($(stat -c %s "$XV_STATE/p.save") / 1048576))
diag "the files: $all MiB of 192, $holes MiB of 384"
check "what is not there is not in the file" [ $holes -lt 200 ]
check "restored" xl restore "$XV_STATE/p.save"
rm -f "$XV_STATE/p.save"
diag "paused: $(xs "$(domid p)" paused); $(xl list p | tail -n 1)"
check "and served again" xen-vballoonctl wait p --timeout 60
check "it answers" guest_run p true 60
is "$(guest_run p 'dmesg | grep -c "failed to restore"')" 0 "its driver found its device"
diag "it has $(($(xen_pages "$(domid p)") / 256)) MiB"
check "without the memory it did not have" [ "$(xen_pages "$(domid p)")" -le $((140 * 256)) ]
kill -TERM $service
check "the service ends" wait_for "! pid_alive $service" 15
