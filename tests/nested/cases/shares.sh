# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 400
# boot: own
#
# xen-vballoon-host(7), section 4: a larger share in /etc/xen-vballoon/guests. Two guests want more than there is, the same load in both:
# of what becomes free the one with share 300 gets more, the other keeps its floor, and nothing is killed. (What one of them has already it
# gives only as fast as a stock driver finds pages in a guest that has none to spare.) Taken out of the file it counts no more when
# the guest is created again.

log=$XV_LOGS/service.log
guests=/etc/xen-vballoon/guests

mib()
{
	echo $(($(xen_pages "$1") / 256))
}

free_mib()
{
	echo $(($(dominfo 0 free_pages) / 256))
}

swap='for m in $(cat /lib/modules/swap-order); do insmod /lib/modules/$m || exit 1; done
echo 128M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0'
# length() reads to the end of each
storm='timeout 40 awk "BEGIN { m = sprintf(\"%1048576s\", \"\"); for (i = 0; i < 110; i++) a[i] = m i
	for (;;) for (i = 0; i < 110; i++) all += length(a[i]) }"; [ $? = 143 ]'

mkdir -p "${guests%/*}"
echo 'db - - 300' >$guests
xen-vballoond ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} --auto --auto-floor=64M --overcommit --stats-interval=1 --log-level=info >>"$log" 2>&1 </dev/null &
service=$!
XV_APPEND=cma=0
for guest in db web; do
	create_guest $guest 256 >/dev/null || bail "xl create -p $guest"
	check "$guest is served" xen-vballoonctl wait $guest
	unpause $guest
	wait_guest $guest || bail "$guest boots"
	check "$guest has swap" guest_run $guest "$swap" 30
done
db=$(domid db)
web=$(domid web)
check "status shows the share" eval 'xen-vballoonctl status db | grep -q "^share *300$"'
check "and none where none was named" eval '! xen-vballoonctl status web | grep -q "^share"'
check "idle, both give what they do not need" wait_for '[ "$(mib "$db")" -lt 150 ] && [ "$(mib "$web")" -lt 150 ]' 120
# 72 MiB of what they could have are somebody else's for a while, and nothing is free.
create_guest other 68 1 >/dev/null || bail "a domain of 68 MiB is created"
filler=$(($(free_mib) - 8))
create_guest filler "$filler" 1 >/dev/null || bail "a domain of $filler MiB is created"
diag "db: $(mib "$db") MiB, web: $(mib "$web") MiB, the host: $(free_mib) MiB free"

in_db=$(guest_send db "$storm")
in_web=$(guest_send web "$storm")
# by counters: what both have is not enough
check "with the same load both lack some" wait_for '[ "$(grep -c "grow" "$log")" -ge 2 ]' 30
sleep 5
diag "db: $(mib "$db") MiB, web: $(mib "$web") MiB, the host: $(free_mib) MiB free"
check "the other domain ends" xl destroy other
check "of what it had the one with the larger share gets more" wait_for '[ "$(mib "$db")" -ge $(($(mib "$web") + 30)) ]' 20
sleep 3
diag "db: $(mib "$db") MiB, web: $(mib "$web") MiB, the host: $(free_mib) MiB free"
check "and keeps it" [ "$(mib "$db")" -ge $(($(mib "$web") + 30)) ]
check "the other has its floor" [ "$(mib "$web")" -ge 64 ]
guest_result db "$in_db" 120 >/dev/null
is $? 0 "its load went on to its end"
guest_result web "$in_web" 120 >/dev/null
is $? 0 "the other's too"
is "$(guest_run db 'dmesg | grep -c "Out of memory"' 30)$(guest_run web 'dmesg | grep -c "Out of memory"' 30)" 00 "nothing was killed"
rm -r "${guests%/*}"
xl destroy filler
xl destroy db
check "gone" wait_for '[ -z "$(zombies)" ]' 15
create_guest db 256 >/dev/null || bail "xl create -p db"
check "created again" xen-vballoonctl wait db
check "it has no share any more" eval '! xen-vballoonctl status db | grep -q "^share"'
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
