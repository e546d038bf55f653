# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: virtiofsd
# boot: own
# timeout: 600
#
# Nothing is started by hand but the service: it starts Debian's virtiofsd for each guest, as a user of its own with no right beside. A
# virtiofsd that is killed is replaced, a guest that reboots finds another in time, a service that is killed leaves them to the next one,
# and of a guest that is gone there is nothing left: no process, no socket, no record.

dir=/run/xen-vhost-fs
config=$XV_STATE/fs.conf
share=$XV_STATE/share

# status KEY: a number of the device process's status
status()
{
	echo '{"cmd":"status"}' | unix-say "$dir/$domid-0.sock" | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"
}

# key FILE KEY: of /proc/PID/status
key()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '
}

begin_service()
{
	start_service xen-vhost-user $dir --type=fs --tag=share "--backend=$config" "$@"
}

# leftovers: what there is of backends and devices, by name
leftovers()
{
	ls $dir | grep -v '^service[.]'
	ls /run/vhost-user 2>/dev/null
	pidof virtiofsd
}

mkdir -p /etc
echo 'xen-vhost-user:x:990:990::/:/bin/false' >>/etc/passwd
echo 'xen-vhost-user:x:990:' >>/etc/group
mkdir -p "$share/g"
chmod 755 "$XV_STATE" "$share"
chown 990:990 "$share/g"
cat >"$config" <<-EOT
	# as the manual page has it
	command = /usr/libexec/virtiofsd --socket-path=%s --socket-group=xen-vhost-user
	    --shared-dir="$share/%n" --sandbox=none
	log = $XV_LOGS/backend-%n.log
	limit-files = 4096
EOT
chmod 666 "$config"
xen-vhost-user --type=fs "--backend=$config" >"$XV_LOGS/refused.log" 2>&1
is "$? $(grep -c 'chmod go-w' "$XV_LOGS/refused.log")" "2 1" "a file that others may write to is refused"
chmod 644 "$config"

check "the service starts" begin_service
front=$service
XV_VIRTIO='"backend=0,type=virtio,device1a,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
check "the device is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
files=$(pidof virtiofsd)
is "$(key "$files" Uid) $(key "$files" Gid)" "990 990 990 990 990 990 990 990" "virtiofsd is the user"
is "$(key "$files" Groups | tr -d ' ')" 990 "in that group alone"
is "$(key "$files" CapPrm)$(key "$files" CapEff)$(key "$files" CapBnd)$(key "$files" CapAmb)$(key "$files" NoNewPrivs)" \
	"00000000000000000000000000000000000000000000000000000000000000001" "without a right"
is "$(stat -c '%U %a' "/run/vhost-user/$domid-0")" "xen-vhost-user 2710" "its directory is its own"
unpause g
wait_guest g || bail "the guest boots"
check "its drivers" guest_modules g virtiofsd
check "the guest mounts it" guest_run g 'mkdir /mnt && mount -t virtiofs share /mnt' 60
check "and writes 200 files" guest_sh g 'write_tree /mnt/tree 200 tree' 200
write_tree "$XV_STATE/meant" 200 tree
meant=$(tree_sum "$XV_STATE/meant")
is "$(tree_sum "$share/g/tree")" "$meant" "which are in dom0 as they were meant"
is "$(stat -c %u "$share/g/tree")" 990 "and that user's"

check "the guest gives it back" guest_run g 'umount /mnt' 60
kill -KILL "$files"
check "virtiofsd is killed: there is another, and the device has it" wait_for '[ "$(status backend_connections)" = 2 ]' 20
check "which is another process" [ "$(pidof virtiofsd)" != "$files" ]
is "$(status backend_lost)" 0 "no request was lost"
check "the guest mounts it again" guest_run g 'mount -t virtiofs share /mnt' 60
is "$(guest_sh g 'tree_sum /mnt/tree')" "$meant" "and reads what there was"
files=$(pidof virtiofsd)

kill -KILL $front
wait $front 2>/dev/null
check "the service is killed: another begins" begin_service
front=$service
check "and finds the backend" wait_for 'grep -q "runs already, as process $files" "$XV_LOGS/xen-vhost-user.log"' 10
is "$(pidof virtiofsd)" "$files" "of which there is one"
is "$(guest_sh g 'forget_pages; tree_sum /mnt/tree')" "$meant" "the guest goes on"

boot=2
while [ $boot -le 3 ]; do
	old=$domid
	guest_send g 'reboot -f' >/dev/null
	check "reboot $((boot - 1)): the guest is up again" wait_guest g 240 $boot
	domid=$(domid g)
	check "as another domain" [ -n "$domid" -a "$domid" != "$old" ]
	check "the old one is gone, with its backend" wait_for '[ ! -e "/run/vhost-user/$old-0" ] && [ -z "$(zombies)$(xen_pages "$old")" ]' 15
	guest_modules g virtiofsd
	check "it mounts what it had" guest_run g 'mkdir /mnt && mount -t virtiofs share /mnt' 60
	is "$(guest_sh g 'tree_sum /mnt/tree')" "$meant" "and reads the same"
	boot=$((boot + 1))
done

check "the guest is destroyed" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "nothing is left of it: no process, no socket, no file" wait_for '[ -z "$(leftovers)" ]' 15
diag "$(leftovers)"

# What a service that is gone does not see.
create_guest g 256 >/dev/null || bail "xl create -p, again"
domid=$(domid g)
check "another guest is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
kill -KILL $front
wait $front 2>/dev/null
check "the service is killed, and the guest is destroyed" xl destroy g
check "its device process has ended" wait_for '[ -z "$(pidof xen-vhost-user)" ]' 15
rm -f "$XV_STATE/fs.conf.old"
check "the next service begins" begin_service
front=$service
check "and ends what is left over" wait_for '[ -z "$(leftovers)" ]' 15

# A name that is no name for a command.
create_guest g,x 256 >/dev/null || bail "xl create -p g,x"
check "a name with a comma starts nothing" wait_for 'grep -q "may not stand in a command" "$XV_LOGS/xen-vhost-user.log"' 10
is "$(pidof virtiofsd)" "" "indeed"
check "it is destroyed" xl destroy g,x
create_guest g 256 >/dev/null || bail "xl create -p, a third time"
domid=$(domid g)
check "a third guest is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
check "with all that it had started" wait_for '[ -z "$(pidof virtiofsd xen-vhost-user)" ]' 10
