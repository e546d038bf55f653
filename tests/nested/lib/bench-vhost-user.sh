# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench vhost-user: what a read of a disk costs through xen-vhost-user and Debian's qemu-storage-daemon, beside Xen's own disk;
# and through QEMU's example of one (qemu-blk.sh), which shows what is the backend's own: it does what a disk has to and no more.
#
# One boot under -icount, one guest with a disk for each, of one image in dom0's memory (tests/bench/vhost-user.sh). Processor time of
# guest and dom0, Xen's share of each included, is what is compared: instructions, 4 ns each.

# PATTERN:BYTES:DEPTH:REQUESTS
vhost_user_jobs="random:4096:1:4000 random:4096:16:8000 sequential:65536:1:1000 sequential:65536:16:2000"

vhost_user_fill()
{
	mkdir -p "$run_dir/bench-part/bin"
	cp "$disk_tools/disk-read" "$run_dir/bench-part/bin/"
	make_cpio "$run_dir/bench-part" "$1/xv/disk-read.cpio"
	cp "$disk_tools/disk-read" "$1/usr/bin/"
}

build_disk_tools()
{
	aarch64-linux-gnu-gcc -O2 -Wall -static -o "$1/disk-read" "$lab_top/tests/bench/disk-read.c"
}

# vhost_user_lines: the results, a line each: pattern bytes depth backend guest dom0 (instructions a request) and, a request, wake-ups
# of the backend and of xen-vhost-user, and interrupts
vhost_user_lines()
{
	awk -v ns="$bench_ns_per_instruction" 'function field(key) { return match($0, "\"" key "\":\"?[^,}\"]*") ? bare(substr($0, RSTART, RLENGTH)) : "" }
		function bare(text) { sub(/.*:"?/, "", text); return text }
		{ n = field("requests")
		  printf "%s %d %d %s %.0f %.0f %.2f %.2f %.2f\n", field("pattern"), field("bytes"), field("depth"), field("backend"),
			field("guest_ns") / ns / n, field("dom0_ns") / ns / n, field("backend_wakes") / n, field("bridge_wakes") / n,
			field("interrupts") / n }' "$bench_results"
}

vhost_user_table()
{
	awk '{ job = $1 " reads of " $2 / 1024 " KiB, " $3 " at a time"
		  if (job != last) {
			printf "    %-46s %12s %8s %8s %14s %14s %10s %8s\n", job, "instructions", "guest", "dom0", "backend wakes", "bridge wakes", "interrupts", "ratio"
			last = job
		  }
		  all = $5 + $6
		  if ($4 == "blkback") base = all
		  text = $4 == "blkback" ? "Xen'\''s own disk (blkback)" : $4 == "vhost-user" ? "qemu-storage-daemon" : \
			$4 == "vhost-user-example" ? "QEMU'\''s vhost-user-blk" : "qemu-storage-daemon, aio=io_uring"
		  printf "      %-44s %12d %8d %8d %14.2f %14.2f %10.2f %8.2f\n", text, all, $5, $6, $7, $8, $9, all / base }' "$bench_dir/lines"
}

# vhost_user_summary BACKEND: the ratio of each job to blkback's, and the most that xen-vhost-user was woken
vhost_user_summary()
{
	awk -v backend="$1" '{ all = $5 + $6 }
		$4 == "blkback" { base = all; next }
		$4 != backend { next }
		{ printf "%s%dk-%d=%.2f ", substr($1, 1, 3), $2 / 1024, $3, all / base; if ($8 > most) most = $8 }
		END { printf "bridge-wakes=%.2f\n", most }' "$bench_dir/lines"
}

lab_bench_vhost_user()
{
	local group="icount 612 2G ours plain stock blkback+qemu-storage-daemon+vhost-user-blk bench"
	[ $# -eq 0 ] || die "bench vhost-user takes nothing more, not: $*"
	say "preparing (the first time takes a few minutes)"
	prepare_nested "$group"
	lab_lock
	artifact disk-tools "$(hash_of "$lab_top/tests/bench/disk-read.c" "$(declare -f build_disk_tools)")" "building the bench's program" build_disk_tools
	disk_tools=$artifact_dir
	lab_unlock
	bench_name=vhost-user
	bench_fill=vhost_user_fill
	bench_dir=$lab_cache/bench/vhost-user
	bench_results=$bench_dir/results.jsonl
	mkdir -p "$bench_dir"
	bench_order="64 $vhost_user_jobs"
	run_group "$group" bench
	bench_order=
	[ "$(score_count FAILED)" -eq 0 ] || die "the bench did not run to its end"
	sed -n 's/^# bench {/{/p' "$(case_logs bench)/results.tap" >"$bench_results"
	{ echo '['; sed '$!s/$/,/' "$bench_results"; echo ']'; } >"$bench_dir/results.json"
	vhost_user_lines >"$bench_dir/lines"
	say "a request, in instructions of guest and dom0 together, Xen's included:"
	vhost_user_table
	say "  $bench_dir/results.json"
	say "vhost-user: $(vhost_user_summary vhost-user)"
	say "vhost-user, io_uring: $(vhost_user_summary vhost-user-io_uring)"
	say "vhost-user, QEMU's example: $(vhost_user_summary vhost-user-example)"
}
