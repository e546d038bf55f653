# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# boot: own
#
# Where the service has a part of the cgroup tree, as systemd gives it one, broker and device of each guest are in a cgroup of their own
# with limits: those that were started again as well, and nothing is left of it when the guest is gone. Where it was not given that part,
# it leaves it alone.

tree=/sys/fs/cgroup
mountpoint -q $tree || mount -t cgroup2 none $tree || bail "cgroup2"
echo "+pids +memory" >$tree/cgroup.subtree_control
mkdir -p $tree/unit/launcher

# enter GROUP: this shell, and what it starts from then on
enter()
{
	sh -c "echo \$PPID >$tree/$1/cgroup.procs"
}

served()
{
	[ -n "$(xs "$1" path)" ]
}

group_of()
{
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

enter unit/launcher
check "the service starts in one that it was not given" start_service xen-vballoond /run/xen-vballoon
create_guest g 256 >/dev/null || bail "xl create -p"
id=$(domid g)
check "a guest is served" wait_for 'served $id' 20
is "$(group_of "$(device_process xen-vballoond "$id")")" /unit/launcher "where the service is"
is "$(find $tree/unit -name 'device-*')" "" "and it has made none"
kill -USR1 "$service"
wait_for "! pid_alive $service" 5

check "as systemd marks it" delegate $tree/unit
check "another service starts" start_service xen-vballoond /run/xen-vballoon
check "and finds who serves" wait_for 'served $id' 20
broker=$(device_process xen-vballoond "$id")
kill -KILL "$broker"
check "a device process that it starts" wait_for 'replaced "$broker" "$(device_process xen-vballoond $id)" && served $id' 20
broker=$(device_process xen-vballoond "$id")
own=/unit/device-$id-0
is "$(group_of "$broker")" $own "has a cgroup for its device: the broker"
is "$(group_of "$(device_of "$broker")")" $own "and the device process"
is "$(cat $tree$own/pids.max) $(cat $tree$own/memory.max)" "16 1073741824" "with limits"
diag "of $(cat $tree$own/pids.current) tasks, and $(($(cat $tree$own/memory.current) / 1024)) KiB"
is "$(group_of "$service")" /unit/launcher "the service is where it was"
unpause g
wait_guest g || bail "the guest boots"
before=$(xen_pages "$id")
set_target "$id" 131072
check "the guest inflates" wait_pages "$id" $((before - 32768)) 30
kill -KILL "$broker"
check "killed, it is started again" wait_for 'replaced "$broker" "$(device_process xen-vballoond $id)" && served $id' 20
is "$(group_of "$(device_process xen-vballoond "$id")")" $own "in the same one"
set_target "$id" 262144
check "and deflates" wait_pages "$id" "$before" 30
check "upgraded" xen-vballoonctl upgrade g --force
is "$(group_of "$(device_process xen-vballoond "$id")")" $own "it is there, too"
xl destroy g
check "the guest is gone, and so is its cgroup" wait_for "[ ! -e $tree$own ]" 10
kill -TERM "$service"
wait_for "! pid_alive $service" 10
sh -c "echo \$PPID >$tree/cgroup.procs"
rmdir $tree/unit/launcher $tree/unit
