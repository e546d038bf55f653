# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# The guest's statistics are in xenstore, in bytes and events as the specification has them, and follow the guest.

start_guest g 256
check "statistics come" wait_for '[ -n "$(xs "$domid" stats/free-memory)" ]' 30
keys=$(xenstore-list "$(backend_node "$domid")/stats" | tr '\n' ' ')
diag "$keys"
for key in swap-in swap-out major-faults minor-faults free-memory total-memory available-memory disk-caches oom-kill; do
	case " $keys " in
	*" $key "*) ok "there is stats/$key" ;;
	*) not_ok "there is stats/$key" ;;
	esac
done
is "$(xs "$domid" stats/total-memory)" $(($(guest_meminfo g MemTotal) * 1024)) "total-memory is the guest's MemTotal"
free=$(($(xs "$domid" stats/free-memory) / 1024))
guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=64 2>/dev/null'
check "64 MiB used in the guest show within 30 s" \
	wait_for '[ $(($(xs "$domid" stats/free-memory) / 1024)) -lt $((free - 60000)) ]' 30
guest_run g 'rm /tmp/fill'
check "and are gone again after" \
	wait_for '[ $(($(xs "$domid" stats/free-memory) / 1024)) -gt $((free - 8192)) ]' 30
