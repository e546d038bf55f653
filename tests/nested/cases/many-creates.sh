# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 300
# boot: own
#
# With the service running, a guest that is created *unpaused* always finds its device: 100 creates of a guest that looks for
# it with its first instructions (tests/guest/bare-balloon.c), long before any kernel would. One whose device is not
# there yet takes an abort and gives nothing.

creates=100
dir=/run/xen-vballoon

xen-vballoond ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} --log-level=info >"$XV_LOGS/service.log" 2>&1 </dev/null &
service=$!
check "the service starts" wait_for "[ \"\$(cat $dir/service.lock 2>/dev/null)\" = $service ]" 10

cat >"$XV_STATE/g.cfg" <<-'EOT'
name = "g"
kernel = "/xv/bare-balloon.img"
memory = 16
vcpus = 1
virtio = [ "backend=0,type=virtio,device5,transport=mmio,grant_usage=0" ]
EOT
echo g >"$XV_STATE/guests"

# Without the service it gives nothing: what is counted below is the device's work.
kill -STOP "$service"
xl create "$XV_STATE/g.cfg" >&2
whole=$(xen_pages "$(domid g)")
sleep 1
is "$(xen_pages "$(domid g)")" "$whole" "a guest that nobody serves gives nothing"
diag "it has $whole pages"
xl destroy g
kill -CONT "$service"

# A first one, served, before descriptors are counted.
xl create "$XV_STATE/g.cfg" >&2
wait_pages "$(domid g)" $((whole - 16)) 10 || bail "with the service it gives 16 pages"
ok "with the service it gives 16 pages"
xl destroy g
check "and its process ends" wait_for '[ "$(started xen-vballoond | wc -w)" = 1 ]' 10
fds=$(ls "/proc/$service/fd" | wc -l)
free=$(dominfo 0 free_pages)

# newest: the domain created last; as domid, for a third of the instructions.
newest()
{
	xenstore-list /local/domain | sort -n | tail -n 1
}

begin=$(now_cs)
found=0
# -e: without a process of xl's that waits for the domain's end, which is ours to bring about.
for i in $(seq "$creates"); do
	xl create -e "$XV_STATE/g.cfg" >&2 || break
	id=$(newest)
	wait_pages "$id" $((whole - 16)) 10 && found=$((found + 1))
	xl destroy "$id"
done
diag "$creates creates in $((($(now_cs) - begin) / 100)) s of virtual time"
is "$found" "$creates" "each of $creates guests found its device, and gave 16 pages"
check "each device process has ended" wait_for '[ "$(started xen-vballoond | wc -w)" = 1 ]' 10
is "$(ls "/proc/$service/fd" | wc -l)" "$fds" "the service has as many descriptors as before"
is "$(ls "$dir" | grep -vc '^service[.]')" 0 "no state file, no socket is left"
check "every page of theirs is free again" wait_for '[ "$(dominfo 0 free_pages)" = "$free" ]' 10
diag "free pages in Xen: $free before, $(dominfo 0 free_pages) after"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 5
