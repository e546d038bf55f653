# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 180
#
# ./lab demo: a stock guest gives 128 MiB back to Xen and takes them again, watched from three sides: Xen's own
# count, what the daemon publishes, and what the guest says of itself. All three are of one moment, in which nothing moves.
# Its seconds are the nested machine's, whose clock counts instructions: they say how much work it was, on any machine.
# Sourced by demo-x86 too.

mib()
{
	echo "$(($1 / 256)).$(($1 % 256 * 100 / 256 / 10))$(($1 % 256 * 100 / 256 % 10))"
}

# seconds_since CENTISECONDS
seconds_since()
{
	local cs=$(($(now_cs) - $1))
	echo "$((cs / 100)).$((cs % 100 / 10))"
}

# figures: what Xen and the daemon say: pages, pages free in Xen, target, ballooned, actual.
figures()
{
	echo "$(xen_pages "$domid") $(dominfo "$domid" free_pages) $(xs "$domid" target) $(xs "$domid" ballooned) $(xs "$domid" actual)"
}

# take_figures: all three views, of a moment in which Xen's and the daemon's did not change while the guest was asked.
# Sets now_*.
take_figures()
{
	local before=
	until [ "$(figures)" = "$before" ]; do
		before=$(figures)
		now_list=$(xl list)
		now_total=$(guest_meminfo demo MemTotal)
		now_free=$(guest_meminfo demo MemFree)
	done
	read -r now_pages now_xen_free now_target now_ballooned now_actual <<-EOT
	$before
	EOT
}

# show TEXT: the three views, now, and that they are one.
show()
{
	take_figures
	say ""
	say "--- $1"
	say "$now_list"
	say "Xen counts         $now_pages pages = $(mib "$now_pages") MiB (free in Xen: $now_xen_free pages)"
	say "xen-vballoond      target $now_target KiB, ballooned $now_ballooned KiB; the driver says $now_actual KiB"
	say "the guest itself   MemTotal $now_total KiB, MemFree $now_free KiB"
	is "$now_ballooned" $(((${before:-$now_pages} - now_pages) * 4)) "$1: the daemon publishes what Xen has got"
	is "$now_actual" "$now_ballooned" "$1: which the driver says as well"
}

# move TARGET_KIB BALLOONED_KIB: until the daemon has published it, which it does when all of it is done. Sets took.
move()
{
	local start
	start=$(now_cs)
	set_target "$domid" "$1"
	wait_key "$domid" ballooned "= $2" 60
	took=$(seconds_since "$start")
	wait_key "$domid" actual "= $2" 20
}

case $(uname -m) in
x86_64) how="hvm-guest (an HVM guest without a device model)" where="x86_64, dom0 (a PV domain) and guest" ;;
*)	how="xl create -p" where="arm64, dom0 and guest" ;;
esac
say "Xen $(xl info | sed -n 's/^xen_version *: //p') on $where: Debian's $(uname -r)"
start_guest demo 256
say "domain $domid: $how, xen-vballoond --domid $domid, xl unpause; notification by $(xs "$domid" path)"
static=$(xs "$domid" target)
wait_key "$domid" stats/free-memory "-gt 0" 20
show "before"
free=$(xs "$domid" stats/free-memory)
say "statistics say     free-memory $free bytes"
before=$now_pages

move $((static - 131072)) 131072
show "inflated by 128 MiB, published $took s of the machine's own time after the target was written"
is "$((before - now_pages))" 32768 "Xen got exactly 32768 pages (128 MiB) back"
is "$now_ballooned" 131072 "the daemon publishes 131072 KiB as ballooned"
wait_key "$domid" stats/free-memory "-lt $((free - 100000000))" 20
say "statistics, from xenstore ($(backend_node "$domid")/stats):"
for key in $(xenstore-list "$(backend_node "$domid")/stats"); do
	say "    $key = $(xs "$domid" "stats/$key")"
done

move "$static" 0
show "deflated, published $took s of the machine's own time after the target was written"
is "$now_pages" "$before" "the guest has every page again"
