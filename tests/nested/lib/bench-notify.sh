# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench notify: what one kick costs by each notification path, on real Xen.
#
# A small guest (tests/bench/kick-guest.c) makes round trips to a backend of the library that completes at once. Upstream's
# modules and ours cannot be loaded in one boot, so a bench is two boots; the event channel is measured in both, and that
# both agree is what makes them comparable. Under -icount time counts instructions, 4 ns each, and repeats exactly.

kick_fill()
{
	cp "$bare_guests/kick-guest.img" "$1/xv/"
	cp "$dom0_build/tests/bench/kick-backend" "$1/usr/bin/"
}

# notify_boot MODE MODULES KICKS VCPUS PATH...: on $notify_xen; appends results to $bench_results, one JSON object a line.
notify_boot()
{
	local mode=$1 modules=$2
	bench_order="${*:3}"
	run_group "$mode 612 2G $modules $notify_xen stock none bench" bench
	bench_order=
	sed -n 's/^# bench {/{/p' "$(case_logs bench)/results.tap" |
		sed "s/^{/{\"mode\":\"$mode\",\"modules\":\"$modules\",/" >>"$bench_results"
}

# A table of one mode's lines; ratios are to the event channel of the same boot.
notify_table()
{
	sed -n "/\"mode\":\"$1\"/p" "$bench_results" | tr -d '{}"' | awk -F, -v ns="$2" -v unit="$3" '
		{ for (i = 1; i <= NF; i++) { split($i, kv, ":"); v[kv[1]] = kv[2] }
		  if (v["path"] == "event-channel") base = v["trip_ns"]
		  if (!titled++) printf "    %-26s %8s %9s %9s %11s %9s %9s %7s\n", "path (modules)", "wake-ups", "switches",
			"syscalls", unit, "p50", "p99", "ratio"
		  printf "    %-26s %8.2f %9.2f %9.2f %11.0f %9.0f %9.0f %7.2f\n", v["path"] " (" v["modules"] ")", v["wakeups"],
			v["switches"], v["syscalls"], v["trip_ns"] / ns, v["p50_ns"] / ns, v["p99_ns"] / ns, v["trip_ns"] / base }'
}

# notify_value MODE MODULES PATH KEY
notify_value()
{
	grep "\"mode\":\"$1\",\"modules\":\"$2\",\"path\":\"$3\"" "$bench_results" | sed -n "s/.*\"$4\":\([0-9.]*\).*/\1/p"
}

# notify_plot_data MODE DIVISOR: of one mode's lines, for gnuplot.
notify_plot_data()
{
	sed -n "/\"mode\":\"$1\"/p" "$bench_results" | tr -d '{}"' | awk -F, -v ns="$2" '
		{ for (i = 1; i <= NF; i++) { split($i, kv, ":"); v[kv[1]] = kv[2] }
		  printf "\"%s\\n%s\" %.0f %.0f %.2f\n", v["path"], v["modules"], v["p50_ns"] / ns, v["p99_ns"] / ns, v["wakeups"] }' \
		>"$bench_dir/$1.dat"
}

# notify_plot MODE...: one panel each.
notify_plot()
{
	local mode divisor label title
	cat >"$bench_dir/plot.gp" <<-GP
	set terminal svg size 900,$((450 * $#))
	set output "$bench_dir/notify.svg"
	set multiplot layout $#,1
	set style data histogram
	set style fill solid 0.6
	set yrange [0:*]
	set y2range [0:*]
	set y2tics
	set y2label "user-space wake-ups a kick"
	GP
	for mode; do
		case $mode in
		icount) divisor=$bench_ns_per_instruction label="instructions of a round trip" title="one CPU" ;;
		smp) divisor=1000 label="microseconds of a round trip" title="two CPUs, real time" ;;
		esac
		notify_plot_data "$mode" "$divisor"
		cat >>"$bench_dir/plot.gp" <<-GP
		set title "$title"
		set ylabel "$label"
		plot "$bench_dir/$mode.dat" using 2:xtic(1) title "p50", "" using 3 title "p99", \
			"" using 4 axes x1y2 title "wake-ups"
		GP
	done
	gnuplot "$bench_dir/plot.gp"
}

# notify_x86 KICKS: Debian's Xen and a PV dom0. Upstream's ioctls are none there, so there is one boot.
notify_x86()
{
	local notify_xen=x86_64 evtchn ours
	prepare_nested "icount 612 2G ours x86_64 stock none bench"
	say "$1 kicks by each path under -icount: an HVM guest, and dom0 is a PV domain"
	notify_boot icount ours "$1" 1 event-channel eventfd eventfd-regs
	[ "$(score_count FAILED)" -eq 0 ] || die "the bench did not run to its end"
	{ echo '['; sed '$!s/$/,/' "$bench_results"; echo ']'; } >"$bench_dir/results.json"
	say "a kick, one CPU, time counts instructions:"
	notify_table icount "$bench_ns_per_instruction" instructions
	say "  $bench_dir/results.json"
	evtchn=$(notify_value icount ours event-channel trip_ns)
	ours=$(notify_value icount ours eventfd-regs trip_ns)
	awk -v w="$(notify_value icount ours eventfd-regs wakeups)" -v e="$evtchn" -v o="$ours" \
		'BEGIN { printf "notify, x86: wakeups=%.2f ratio=%.2f\n", w, o / e }'
}

lab_bench_notify()
{
	local kicks=20000 smp_kicks=1000 smp=smp x86= notify_xen=plain arg evtchn upstream ours
	for arg; do
		case $arg in
		--kicks=[1-9]*) kicks=${arg#--kicks=} ;;
		--smp-kicks=[1-9]*) smp_kicks=${arg#--smp-kicks=} ;;
		--no-smp) smp= ;;
		--x86) x86=x86 ;;
		*) die "bench notify [--kicks=N] [--smp-kicks=N] [--no-smp] [--x86], not: $arg" ;;
		esac
	done
	say "preparing (the first time takes a few minutes)"
	bench_name=notify
	bench_fill=kick_fill
	bench_dir=$lab_cache/bench/notify${x86:+-x86}
	bench_results=$bench_dir/results.jsonl
	mkdir -p "$bench_dir"
	: >"$bench_results"
	if [ -n "$x86" ]; then
		notify_x86 "$kicks"
		return
	fi
	prepare_nested "icount 612 2G ours plain stock none bench"
	say "$kicks kicks by each path; two boots under -icount"
	notify_boot icount upstream "$kicks" 1 event-channel upstream
	notify_boot icount ours "$kicks" 1 event-channel eventfd eventfd-regs
	if [ -n "$smp" ]; then
		say "and $smp_kicks with two CPUs in real time, where times are the machine's and counts are what matters"
		notify_boot smp upstream "$smp_kicks" 2 event-channel upstream
		notify_boot smp ours "$smp_kicks" 2 event-channel eventfd eventfd-regs
	fi
	[ "$(score_count FAILED)" -eq 0 ] || die "the bench did not run to its end"
	{ echo '['; sed '$!s/$/,/' "$bench_results"; echo ']'; } >"$bench_dir/results.json"
	# shellcheck disable=SC2086
	notify_plot icount $smp
	say "a kick, one CPU, time counts instructions:"
	notify_table icount "$bench_ns_per_instruction" instructions
	if [ -n "$smp" ]; then
		say "a kick, two CPUs, nanoseconds of a busy machine:"
		notify_table smp 1 ns
	fi
	say "  $bench_dir/results.json, notify.svg"
	evtchn=$(notify_value icount ours event-channel trip_ns)
	ours=$(notify_value icount ours eventfd-regs trip_ns)
	upstream=$(notify_value icount upstream upstream trip_ns)
	awk -v w="$(notify_value icount ours eventfd-regs wakeups)" -v e="$evtchn" -v o="$ours" -v u="$upstream" \
		-v ue="$(notify_value icount upstream event-channel trip_ns)" \
		'BEGIN { printf "notify: wakeups=%.2f ratio=%.2f upstream=%.2f\n", w, o / e, u / ue }'
}
