# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# dom0: debian13
# mode: icount
# boot: own
# notify: own
# run: named
# timeout: 900
#
# The usual user's dom0: Debian 13, its systemd, kernel and packages of Xen, the project's packages installed by dpkg, guests made by xl.
# The units run as they are installed, and confine what they start; each device has a cgroup with limits; whoever is killed is
# started again; restart and upgrade by apt leave the guest as it is, and its count exact; stopped, nothing is left, and the journal has no error of theirs.

slice=/sys/fs/cgroup/system.slice
ours="xen-vballoond xen-vballoond-launcher xen-vrngd xen-vrngd-launcher"

show()
{
	systemctl show --property="$2" --value "$1"
}

main_pids()
{
	echo $(for unit in xen-vballoond xen-vballoond-launcher; do show $unit MainPID; done)
}

# all_active: the units
all_active()
{
	local unit
	for unit in $ours; do
		systemctl --quiet is-active $unit || return 1
	done
}

# exposure UNIT: as systemd-analyze says it, in tenths
exposure()
{
	systemd-analyze security --no-pager "$1" | sed -n 's/^.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

# status_of PID KEY
status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# group_of PID
group_of()
{
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

served()
{
	[ -n "$(xs "$1" path)" ]
}

broker_now()
{
	device_process xen-vballoond "$g" | head -n 1
}

# served_anew BROKER: another broker serves g
served_anew()
{
	[ -n "$(broker_now)" ] && [ "$(broker_now)" != "$1" ] && [ -n "$(device_of "$(broker_now)")" ] && served "$g"
}

# set_size SIZE PAGES TEXT: by hand; Xen counts exactly that
set_size()
{
	check "$3" xen-vballoonctl set g "$1" --wait --timeout=60
	is "$(xen_pages "$g")" "$2" "$3: what Xen counts is exact"
}

# in_its_group: broker and device are in the cgroup of their device, and nobody else
in_its_group()
{
	local broker
	broker=$(broker_now)
	is "$(sort -n "$slice/$own/cgroup.procs" | tr '\n' ' ')" "$(printf '%s\n' "$broker" $(device_of "$broker") | sort -n | tr '\n' ' ')" \
		"$1: broker and device are alone in their device's cgroup"
}

# lines_of PRIORITY: the journal's of our units and of systemd about them
lines_of()
{
	local unit
	for unit in $ours; do
		journalctl --boot --no-pager --quiet --priority="$1" --output=short-monotonic --unit="$unit"
	done
}

seccomp_kills()
{
	journalctl --boot --no-pager --quiet --output=cat | grep -c 'SECCOMP\|type=1326'
}

# --- what is installed, and how it runs

diag "$(. /etc/os-release && echo "$PRETTY_NAME"), $(systemctl --version | head -n 1), Linux $(uname -r), Xen $(xl info xen_version)"
is "$(cat /proc/1/comm)" systemd "systemd is the first process"
is "$(systemctl is-system-running)" running "the system is up, and no unit has failed"
diag "$(systemctl list-units --failed --no-pager --plain --no-legend)"
check "the units are active" all_active
is "$(systemctl is-enabled xen-vballoond xen-vrngd | sort -u)" enabled "those that are to be started are enabled"
is "$(dpkg-query -W -f '${Status} ' xen-vballoon xen-vrng libxenvirtio0)" \
	"install ok installed install ok installed install ok installed " "their packages are configured"
for unit in $ours; do
	most=7
	[ "${unit%-launcher}" = $unit ] || most=40
	got=$(exposure $unit.service)
	check "systemd-analyze security $unit.service: $got tenths, at most $most" [ "${got:-99}" -le $most ]
done
watcher=$(show xen-vballoond MainPID)
launcher=$(show xen-vballoond-launcher MainPID)
for pid in $watcher $launcher; do
	name=$(cat /proc/$pid/comm)
	is "$(status_of $pid NoNewPrivs)" 1 "$name: no new privileges"
	is "$(status_of $pid Seccomp)" 2 "$name: system calls are filtered"
	check "$name: a mount namespace of its own" [ "$(readlink /proc/$pid/ns/mnt)" != "$(readlink /proc/1/ns/mnt)" ]
done
is "$(status_of $watcher CapEff)$(status_of $watcher CapBnd)" 00000000000000000000000000000000 "the watcher has no capability"
check "nor the machine's network" [ "$(readlink /proc/$watcher/ns/net)" != "$(readlink /proc/1/ns/net)" ]
is "$(group_of $launcher)" /system.slice/xen-vballoond-launcher.service/launcher "the launcher is in its subgroup"
is "$(cat $slice/xen-vballoond-launcher.service/cgroup.subtree_control)" "memory pids" "below its unit are limits of memory and processes"

# In a unit that is the launcher's but for what it starts.
sed -e 's|^ExecStart=.*|ExecStart=/usr/sbin/xen-vballoond --self-test-sandbox|' -e 's/^Type=.*/Type=oneshot/' \
	-e '/^NotifyAccess=/d; /^PartOf=/d; /^StopWhenUnneeded=/d; /^Restart/d' \
	/usr/lib/systemd/system/xen-vballoond-launcher.service >/run/systemd/system/xv-self-test.service
systemctl daemon-reload
check "the self-test of the sandbox passes in the launcher's unit" systemctl start xv-self-test
journalctl --boot --quiet --no-pager --output=cat --unit=xv-self-test >"$XV_LOGS/self-test.txt"
rm /run/systemd/system/xv-self-test.service
tried=$(grep -c ' refused ' "$XV_LOGS/self-test.txt")
check "all that it tries is refused: $tried attempts" [ "$tried" -ge 30 ]
is "$(grep 'POSSIBLE\|^not tried\|^missing' "$XV_LOGS/self-test.txt")" "" "and nothing of a device's confinement is missing here"
killed=$(seccomp_kills)
check "what the filter kills is in the journal: $killed" [ "$killed" -gt 0 ]

# --- guests

xen-virtio-acpi --output "$XV_STATE/virtio.aml" || bail "xen-virtio-acpi writes the table"
XV_IMAGE=bzImage
hvm="type = \"hvm\"
acpi_firmware = \"$XV_STATE/virtio.aml\"
vga = \"none\"
vnc = 0
usb = 0"
create_guest g 256 1 "$hvm" >/dev/null || bail "xl create g"
g=$(domid g)
# One that does not run, with two devices, is served as well.
XV_VIRTIO='"backend=0,type=virtio,device5,transport=mmio,grant_usage=0", "backend=0,type=virtio,device4,transport=mmio,grant_usage=0"'
create_guest r 64 1 "$hvm" >/dev/null || bail "xl create r"
r=$(domid r)
check "guests are served" wait_for 'served "$g" && served "$r" && [ -n "$(xenstore-read "$(backend_node "$r" 1)/path")" ]' 60
for name in g r; do
	is "$(xl list $name | awk 'END { print $5 }')" --p--- "$name was created paused, and is: two services held it and let go, each once"
done
unpause g
wait_guest g || bail "guest g boots"
before=$(xen_pages "$g")
own=xen-vballoond-launcher.service/device-$g-0
for group in $own xen-vballoond-launcher.service/device-$r-0 xen-vrngd-launcher.service/device-$r-1; do
	is "$(cat $slice/$group/pids.max) $(cat $slice/$group/memory.max)" "16 1073741824" "${group#*/} of ${group%-launcher*}: a cgroup with limits"
	is "$(wc -l <$slice/$group/cgroup.procs)" 2 "${group#*/}: of two processes"
done
in_its_group "begun"
broker=$(broker_now)
device=$(device_of "$broker")
nobody=$((1879048192 + g))
is "$(status_of "$device" Uid | tr '\t' ' ')" "$nobody $nobody $nobody $nobody" "the device is a user of its own"
is "$(status_of "$device" CapEff)$(status_of "$device" CapBnd)" 00000000000000000000000000000000 "without capabilities"
is "$(status_of "$device" Seccomp) $(status_of "$device" NoNewPrivs)" "2 1" "its system calls are filtered"
is "$(ls -A "/proc/$device/root/" | wc -l)" 0 "its root is empty"
for ns in ipc mnt net pid uts; do
	check "it has a namespace of its own: $ns" [ "$(readlink "/proc/$device/ns/$ns")" != "$(readlink "/proc/$launcher/ns/$ns")" ]
done
is "$(xen-vballoonctl status g --json | tr -d ' \n' | grep -o '"unconfined":[^]]*]')" '"unconfined":[]' "its status says that nothing is missing"
rights-xen "$device" "$g" "$r" >"$XV_LOGS/rights.tap" 2>"$XV_LOGS/rights.err"
is $? 0 "its descriptors of Xen do nothing to another guest"

# --- sizes, kills, restarts

set_size 160M $((before - 24576)) "the guest inflates"
kill -KILL "$device"
check "the device is killed: another serves" wait_for 'served_anew $broker' 20
in_its_group "killed"
is "$(xen_pages "$g")" $((before - 24576)) "it knows what is ballooned"
set_size 208M $((before - 12288)) "and deflates"
broker=$(broker_now)
device=$(device_of "$broker")
mains=$(main_pids)
check "systemctl reload" systemctl reload xen-vballoond
is "$(main_pids)" "$mains" "reloaded, they are the same processes"
check "systemctl restart" systemctl restart xen-vballoond
check "restarted, the service is two other processes" none_alive $mains
check "both active" all_active
is "$(broker_now) $(device_of "$(broker_now)")" "$broker $device" "restarted, the guest's are the same"
in_its_group "restarted"
is "$(xen_pages "$g")" $((before - 12288)) "restarted, it has its size"
set_size 176M $((before - 20480)) "restarted, the service takes orders"
mains=$(main_pids)
# shellcheck disable=SC2086
kill -KILL $mains
check "watcher and launcher are killed: systemd starts others" wait_for 'all_active && none_alive $mains && [ "$(main_pids)" != "0 0" ]' 30
is "$(broker_now) $(device_of "$(broker_now)")" "$broker $device" "the guest's are the same"
check "and the device still answers" xen-vballoonctl status g
is "$(xen_pages "$g")" $((before - 20480)) "with its size"

# --- an upgrade, as apt does it, while the guest is served

echo '# of an administrator' >>/etc/default/xen-vballoond
was=$(main_pids)
installed=$(dpkg-query -W -f '${Version}' xen-vballoon)
DEBIAN_FRONTEND=noninteractive apt-get install --yes /xv/next/*.deb >"$XV_LOGS/apt.log" 2>&1
is $? 0 "apt installs a later version"
is "$(dpkg-query -W -f '${Version}' xen-vballoon)" "$installed+later1" "which is there"
check "postinst had the guest go over" eval "tr -d '\\r' <\"\$XV_LOGS/apt.log\" | grep -qx 'domain $g, device 0: upgraded'"
check "the service is two other processes" none_alive $was
check "all are active" all_active
check "the guest has two others" none_alive "$broker" "$device"
in_its_group "upgraded"
for pid in $(main_pids) "$(broker_now)" "$(device_of "$(broker_now)")"; do
	is "$(stat -L -c %d:%i "/proc/$pid/exe")" "$(stat -c %d:%i /usr/sbin/xen-vballoond)" "$(cat "/proc/$pid/comm") is of the version that is installed"
done
is "$(stat -L -c %d:%i "/proc/$(device_process xen-vrngd "$r")/exe")" "$(stat -c %d:%i /usr/sbin/xen-vrngd)" "so is the entropy device's"
is "$(tail -n 1 /etc/default/xen-vballoond)" "# of an administrator" "what the administrator wrote is left"
is "$(domid g) $(xen_pages "$g")" "$g $((before - 20480))" "it is the same guest, with its size"
set_size 256M "$before" "upgraded, it deflates"
check "nothing is ballooned at the end" wait_ballooned "$g" 0 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'

# --- the end

is "$(cat $slice/$own/memory.events | sed -n 's/^oom_kill //p') $(cat $slice/$own/pids.events | sed -n 's/^max //p')" "0 0" "no limit was met"
xl destroy g
xl destroy r
check "the guests are gone, and so are their cgroups" wait_for '[ -z "$(find $slice -name "device-*")" ]' 20
check "systemctl stop" systemctl stop xen-vballoond xen-vrngd
for unit in $ours; do
	is "$(systemctl is-active $unit)" inactive "$unit has ended"
	check "$unit has no cgroup" [ ! -e $slice/$unit.service ]
done
is "$(pidof xen-vballoond xen-vrngd)" "" "no process is left"
is "$(ls /run/xen-vballoon /run/xen-vrng | grep -v '^service[.]lock$\|:$\|^$' | tr '\n' ' ')" "" "no state file and no socket"
is "$(ls -d /proc/1/root/tmp/systemd-private-*-xen-v* 2>/dev/null)" "" "nor a directory for temporary files"
is "$(xenstore-ls -f /local/domain/0/backend/virtio 2>/dev/null | grep -c "virtio/[$g$r]/")" 0 "nor a node of xenstore"
is "$(lines_of warning | grep -c 'died of signal 9 (Killed): started again at once')" 1 "the journal knows levels: what was killed is a warning"
is "$(lines_of err)" "" "the journal has no error of theirs"
is "$(seccomp_kills)" "$killed" "and the filter has killed nobody"
is "$(systemctl is-system-running)" running "the system is as it was"
check "dpkg removes the packages" dpkg --purge xen-vballoon xen-vrng libxenvirtio0
is "$(ls /usr/lib/systemd/system/ /etc/systemd/system/*/ | grep -c xen-v)" 0 "with their units"
journalctl --boot --no-pager >"$XV_LOGS/journal.txt"
