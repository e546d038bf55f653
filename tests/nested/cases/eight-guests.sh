# SPDX-License-Identifier: GPL-2.0-or-later
# mode: smp
# guest: 6.12
# mem: 4G
# timeout: 900
# boot: own
#
# The service and eight guests created in a loop: each resized by the control tool and by xl mem-set, rebooted, resized
# again and destroyed. What there is for each is counted while it lives and when it is gone: processes, descriptors,
# foreign mappings, ioreq servers, interrupts of event channels, domains, pages.

guests="1 2 3 4 5 6 7 8"
dir=/run/xen-vballoon

# device_process DOMID: the process that serves it
device_process()
{
	local pid
	for pid in $(pidof xen-vballoond); do
		if tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qx -e "--domid=$1"; then
			echo "$pid"
		fi
	done
}

processes()
{
	pidof xen-vballoond | wc -w
}

fds()
{
	ls "/proc/$1/fd" | wc -l
}

event_channels()
{
	grep -c 'evtchn:xen-vballoond' /proc/interrupts
}

# resources PID: what a device process holds
resources()
{
	echo "$(fds "$1") descriptors, $(grep -c 'privcmd' "/proc/$1/maps") mappings"
}

create()
{
	cat >"$XV_STATE/g$1.cfg" <<-EOT
	name = "g$1"
	kernel = "/guest/Image-$XV_KERNEL"
	ramdisk = "/guest/initrd-$XV_KERNEL"
	extra = "console=hvc0 rdinit=/init loglevel=4"
	memory = 160
	acpi = 0
	virtio = [ "backend=0,type=virtio,device5,transport=mmio,grant_usage=0" ]
	EOT
	echo "g$1" >>"$XV_STATE/guests"
	xl create "$XV_STATE/g$1.cfg" >&2
}

# each TEXT COMMAND...: the command for every guest, with its number as the last argument; one result.
each()
{
	local text=$1 i done=0
	shift
	for i in $guests; do
		if "$@" "$i"; then done=$((done + 1)); else diag "$text: not guest $i"; fi
	done
	is "$done" 8 "$text"
}

resize_by_ctl()
{
	xen-vballoonctl set "g$1" 128M --wait --timeout 60 >"$XV_LOGS/ctl-$1.log" 2>&1 &&
		[ "$(xen_pages "$(domid "g$1")")" = $((whole - 8192)) ]
}

mem_set_144()
{
	xl mem-set "g$1" 144 && wait_pages "$(domid "g$1")" $((whole - 4096)) 60
}

mem_set_120()
{
	xl mem-set "g$1" 120 && wait_pages "$(domid "g$1")" $((whole - 10240)) 60
}

reboot_guest()
{
	guest_send "g$1" 'reboot -f' >/dev/null
}

booted()
{
	wait_guest "g$1" 120 "$boot"
}

one_server()
{
	[ "$(xen-dominfo "$(domid "g$1")" ioreq-servers)" = 1 ]
}

same_resources()
{
	local is
	is=$(resources "$(device_process "$(domid "g$1")")")
	[ "$is" = "$first" ] || { diag "guest $1: $is, the first: $first"; false; }
}

destroy()
{
	xl destroy "g$1"
}

xen-vballoond --mem-set=follow --log-level=info >"$XV_LOGS/service.log" 2>&1 </dev/null &
service=$!
check "the service starts" wait_for "[ \"\$(cat $dir/service.lock 2>/dev/null)\" = $service ]" 10

# What Xen and dom0 allocate once, with the first guest, is no leak.
create 0
whole=$(xen_pages "$(domid g0)")
boot=1
check "a first guest boots" booted 0
destroy 0
check "and is gone" wait_for '[ "$(processes)" = 1 ] && [ -z "$(zombies)" ]' 10
fds=$(fds "$service")
free=$(dominfo 0 free_pages)

each "created" create
each "booted" booted
is "$(processes)" 9 "a process for each, and the service"
each "each domain has one ioreq server" one_server
each "resized by the control tool, exactly" resize_by_ctl
first=$(resources "$(device_process "$(domid g1)")")
channels=$(event_channels)
diag "a device process holds $first; event channels of all: $channels"
each "each process holds the same" same_resources
each "by xl mem-set upwards, exactly" mem_set_144
each "and downwards" mem_set_120
each "still no more is held" same_resources

each "told to reboot" reboot_guest
boot=2
each "booted again" booted
is "$(processes)" 9 "a process for each, and the service"
each "each new domain has one ioreq server" one_server
each "resized by the control tool, exactly" resize_by_ctl
each "what is held is what was before the reboot" same_resources
is "$(event_channels)" "$channels" "event channels too"
each "by xl mem-set, exactly" mem_set_144

each "destroyed" destroy
check "no process is left but the service" wait_for '[ "$(processes)" = 1 ]' 10
is "$(fds "$service")" "$fds" "which has as many descriptors as before"
is "$(event_channels)" 0 "no event channel of theirs"
is "$(ls "$dir" | grep -vc '^service.lock$')" 0 "no state file, no socket"
check "no domain, no zombie that a mapping keeps" wait_for '[ "$(xl list | wc -l)" = 2 ]' 10
check "every page of theirs is free again" wait_for '[ "$(dominfo 0 free_pages)" = "$free" ]' 10
diag "free pages in Xen: $free before, $(dominfo 0 free_pages) after"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 5
