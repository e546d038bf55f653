# SPDX-License-Identifier: GPL-2.0-or-later
# notify: own
# timeout: 7200
#
# In dom0: one fresh guest for each variant of /xv/bench ("SIZE_MIB VARIANT..."), shrunk and grown once. Each result is a
# line "# bench {...}", and what is between "mark begin" and "mark end" lines took that wall time.
#
# A variant is a letter, with "h" where half of the guest's pages are held at random and "0" where the guest does not clear
# the pages it allocates (init_on_alloc=0), and "n" where dom0 does without the modules of kernel/privcmd, and "u" where the
# daemon is one process, with all rights: "b", "bh", "e0", "b0n", "eu".
# Letters: a Xen's own balloon driver; b the stock driver's page
# numbers; c page bitmaps, d chunks, of single pages; e chunks of blocks, called f on the patched hypervisor.
#
# Where the instructions go: "memory" is the guest's work on its pages, as its function graph tracer sees the driver's worker
# without its messages and registers; "decode" and "hypercall" are the daemon's own figures; "messages" and "notify" are what
# is left of the guest's and of dom0's processor time. For Xen's own driver the hypercalls are the guest's.

read -r size_mib variants </xv/bench
trace=/sys/kernel/tracing

# The driver's worker, its messages, its registers; Xen's own driver is the last two.
traced="update_balloon_size_func tell_host send_ranges vm_get vm_set vm_generation
	xenmem_reservation_decrease xenmem_reservation_increase"

trace_setup()
{
	guest_run g "mount -t tracefs tracefs $trace; cd $trace; echo 0 >tracing_on; echo 32768 >buffer_size_kb
		for f in $(echo $traced); do grep -q \"^\$f\\( \\|\$\\)\" available_filter_functions && echo \$f >>set_ftrace_filter; done
		echo function_graph >current_tracer; echo funcgraph-tail >trace_options; echo nofuncgraph-irqs >trace_options
		cat set_ftrace_filter"
}

# Sums of durations, as "function nanoseconds calls" lines.
trace_sums()
{
	guest_run g "cd $trace; echo 0 >tracing_on
		awk '/ us / { for (i = 1; i < NF; i++) if (\$(i + 1) == \"us\") t = \$i
			sub(/.*\\| *(} \\/\\* )?/, \"\"); sub(/[^a-z_].*/, \"\"); sum[\$0] += t; n[\$0]++ }
			END { for (f in sum) printf \"%s %.0f %d\\n\", f, sum[f] * 1000, n[f] }' trace; grep -c LOST trace; echo >trace"
}

# value FILE KEY: a number of a "key value" file.
value()
{
	sed -n "s/^$2 \([0-9]*\).*/\1/p" "$1" | grep . || echo 0
}

# noted WHEN KEY: a figure of the daemon, before or after.
noted()
{
	sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" "$XV_STATE/status-$1"
}

# moved_by KEY: how much it has changed.
moved_by()
{
	echo $(($(noted after "$1") - $(noted before "$1")))
}

migrated()
{
	guest_run g "sed -n 's/^balloon_migrate //p' /proc/vmstat"
}

# A guest that compacts its memory moves pages of the balloon, each with two messages of its own: what it has begun is to be over, or
# what is measured says how many.
settle()
{
	local before
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		before=$(migrated)
		sleep 1
		[ "$before" != "$(migrated)" ] || return 0
	done
}

# move DIRECTION PAGES KIB: to that many pages, that size.
move()
{
	local direction=$1 pages=$2 kib=$3 out=$XV_STATE/move sums=$XV_STATE/sums guest dom0 memory decode hypercall messages key
	local before_migrated
	settle
	before_migrated=$(migrated)
	guest_run g "echo 1 >$trace/tracing_on"
	if [ "$letter" != a ]; then
		xen-vballoonctl status g --json >"$XV_STATE/status-before"
		set -- "$(backend_node "$domid")/target" "$kib"
	else
		set -- -- xl mem-set g "${kib}k"
	fi
	sleep 1
	tap "mark begin $variant $direction"
	balloon-move "$domid" "$pages" 600 "$@" >"$out"
	is "$?" 0 "$variant: $direction to $pages pages"
	tap "mark end $variant $direction"
	# before the sums are made, which takes memory and may have the guest compact it
	[ "$letter" = a ] || xen-vballoonctl status g --json >"$XV_STATE/status-after"
	tap "# $(($(migrated) - ${before_migrated:-0})) pages of the balloon migrated meanwhile"
	trace_sums >"$sums"
	cat "$out" "$sums"
	guest=$(value "$out" guest_ns)
	dom0=$(value "$out" dom0_ns)
	if [ "$letter" = a ]; then
		decode=0
		messages=0
		hypercall=$(($(value "$sums" xenmem_reservation_decrease) + $(value "$sums" xenmem_reservation_increase)))
		memory=$((guest - hypercall))
	else
		hypercall=$(moved_by "${direction}_hypercall_ns")
		decode=$(($(moved_by "${direction}_decode_ns") + $(moved_by "${direction}_ns") - hypercall))
		messages=$(moved_by "${direction}_messages")
		memory=$(value "$sums" update_balloon_size_func)
		for key in tell_host send_ranges vm_get vm_set vm_generation; do
			memory=$((memory - $(value "$sums" $key)))
		done
	fi
	tap "# bench {\"variant\":\"$variant\",\"direction\":\"$direction\",\"pages\":$moved,\"guest_ns\":$guest,\"dom0_ns\":$dom0,\"elapsed_ns\":$(value "$out" elapsed_ns),\"memory_ns\":$memory,\"decode_ns\":$decode,\"hypercall_ns\":$hypercall,\"messages\":$messages,\"daemon_hwm_kib\":$(daemon_hwm)}"
}

daemon_hwm()
{
	[ "$letter" = a ] && { echo 0; return; }
	local pid
	case $variant in
	*u) pid=$(daemon_pid "$domid") ;;
	*) pid=$(broker_of "$domid") ;;
	esac
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
}

modules_for()
{
	case $1 in
	a) ;;
	b) echo /lib/modules/virtio_balloon.ko ;;
	c) echo /lib/modules/ours/virtio_balloon.ko page_bitmap=56 block_order=0 ;;
	d) echo /lib/modules/ours/virtio_balloon.ko page_chunks=57 block_order=0 ;;
	e|f) echo /lib/modules/ours/virtio_balloon.ko page_chunks=57 ;;
	esac
}

run_variant()
{
	local driver before reserve=$((size_mib / 8))
	local options=--stats-interval=0
	variant=$1 letter=${1%%[h0nu]*}
	[ $reserve -ge 256 ] || reserve=256
	moved=$(((size_mib - reserve) * 256))
	XV_APPEND="xv.noload"
	case $variant in *n) options="$options --notify=event-channel" ;; esac
	case $variant in *u) options="$options --no-sandbox" ;; esac
	case $variant in *0*) XV_APPEND="xv.noload init_on_alloc=0" ;; esac
	if [ "$letter" = a ]; then
		# No device: its server would be told of all that the guest releases, and the guest wait for that.
		domid=$(create_guest g "$size_mib" 1 "acpi = 0
			virtio = []") || bail "xl create -p g"
		unpause g
		wait_guest g || bail "guest g boots"
	else
		start_guest g "$size_mib" 1 "acpi = 0" "$options"
	fi
	driver=$(modules_for "$letter")
	case $variant in
	*h*)
		moved=$(((size_mib / 2 - reserve) * 256))
		guest_run g "hold-half $(($(guest_meminfo g MemAvailable) / 1024 - 32)) >/tmp/held 2>&1 & while ! grep -q . /tmp/held; do sleep 1; done; cat /tmp/held; cat /proc/buddyinfo" ;;
	esac
	[ -z "$driver" ] || guest_run g "insmod /lib/modules/virtio_mmio.ko; insmod $driver"
	trace_setup
	before=$(xen_pages "$domid")
	move inflate $((before - moved)) $(((size_mib * 256 - moved) * 4))
	move deflate "$before" $((size_mib * 1024))
	cleanup
	is "${xv_left# }" "" "$variant: nothing is left behind"
	rm -f "$XV_STATE/guests"
}

cat "$(guest_initrd)" /xv/hold-half.cpio >"$XV_STATE/initrd"
XV_INITRD=$XV_STATE/initrd
for variant in $variants; do
	run_variant "$variant"
done
