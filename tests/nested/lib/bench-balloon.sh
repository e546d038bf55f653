# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench balloon: what shrinking and growing a guest costs, by each driver, encoding and hypervisor.
#
# Two boots under -icount, one for each hypervisor; in each a fresh guest for every variant (tests/bench/balloon.sh says what
# they are). Processor time of guest and dom0 is what is compared: instructions, 4 ns each; what idles costs nothing.

balloon_fill()
{
	mkdir -p "$run_dir/bench-part/bin"
	cp "$balloon_tools/hold-half" "$run_dir/bench-part/bin/"
	make_cpio "$run_dir/bench-part" "$1/xv/hold-half.cpio"
	cp "$balloon_tools/balloon-move" "$1/usr/bin/"
}

build_balloon_tools()
{
	local src=$lab_top/tests/bench
	aarch64-linux-gnu-gcc --sysroot="$sysroot" -O2 -Wall -o "$1/balloon-move" "$src/balloon-move.c" -Wl,--allow-shlib-undefined -lxenctrl -lxenstore
	aarch64-linux-gnu-gcc -O2 -Wall -static -o "$1/hold-half" "$src/hold-half.c"
}

# balloon_boot XEN SIZE_MIB VARIANT...: appends results to $bench_results, one JSON object a line.
balloon_boot()
{
	local xen=$1 size=$2
	bench_order="${*:2}"
	run_group "icount 612 $((size + 1536))M ours $xen ours none bench" bench
	bench_order=
	sed -n 's/^# bench {/{/p' "$(case_logs bench)/results.tap" |
		sed "s/^{/{\"xen\":\"$xen\",\"size_mib\":$size,/" >>"$bench_results"
}

# size_mib TEXT: 8G or 512M.
size_mib()
{
	case $1 in
	[1-9]*[0-9]G|[1-9]G) echo $((${1%G} * 1024)) ;;
	[1-9]*[0-9]M) echo "${1%M}" ;;
	*) die "bench balloon --size=8G or 512M, not: $1" ;;
	esac
}

# balloon_stages: results and marks to lines for the table and the summary, one a move:
# variant direction pages total memory messages decode hypercalls notify (ns a page) count wall-ms daemon-KiB
balloon_stages()
{
	awk 'function field(key) { return match($0, "\"" key "\":\"?[^,}\"]*") ? gensub_free(substr($0, RSTART, RLENGTH)) : "" }
		function gensub_free(text) { sub(/.*:"?/, "", text); return text }
		NR == FNR { wall[$3 " " $4] = $2 == "begin" ? -$1 : wall[$3 " " $4] + $1; next }
		{ v = field("variant"); d = field("direction"); p = field("pages")
		  guest = field("guest_ns"); dom0 = field("dom0_ns"); memory = field("memory_ns")
		  decode = field("decode_ns"); hypercall = field("hypercall_ns")
		  total = guest + dom0
		  own = v ~ /^a/
		  messages = own ? 0 : guest - memory
		  notify = dom0 - (own ? 0 : decode + hypercall)
		  printf "%s %s %d %.1f %.1f %.1f %.1f %.1f %.1f %d %d %d\n", v, d, p, total / p, memory / p, messages / p,
			decode / p, hypercall / p, notify / p, field("messages"), wall[v " " d], field("daemon_hwm_kib") }' \
		"$bench_dir/marks" "$bench_results"
}

# balloon_text VARIANT: what it is.
balloon_text()
{
	local text
	case $1 in
	a*) text="Xen's own driver" ;;
	b*) text="stock virtio driver" ;;
	c*) text="page bitmap, single pages" ;;
	d*) text="chunks, single pages" ;;
	e*) text="chunks, blocks" ;;
	f*) text="chunks, blocks, patched Xen" ;;
	esac
	case $1 in *h*) text+=", fragmented" ;; esac
	case $1 in *n) text+=", stock dom0" ;; esac
	case $1 in *u) text+=", --no-sandbox" ;; esac
	echo "$text"
}

# balloon_table VARIANT...: both directions of them; ratios are to b of the same kind.
balloon_table()
{
	local direction variant base
	for direction in inflate deflate; do
		printf '    %-42s %8s %8s %8s %8s %8s %8s %9s %8s %9s %7s\n' "$direction, ns a page" all memory messages decode hypercalls \
			notify messages "GiB/s" "wall MiB/s" "b is"
		for variant; do
			base=b${variant#?}
			base=${base%n}
			awk -v v="$variant" -v b="$base" -v d="$direction" -v text="($variant) $(balloon_text "$variant")" '
				$2 == d && $1 == b { base = $4 }
				$2 == d && $1 == v { found = 1; for (i = 3; i <= NF; i++) x[i] = $i }
				END { if (found) printf "    %-42s %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f %9d %8.2f %9.0f %7s\n", text, x[4], x[5], x[6], x[7], x[8],
					x[9], x[10], 4096 / 1.073741824 / x[4], x[11] ? x[3] / 256 * 1000 / x[11] : 0,
					base ? sprintf("%.1f x", base / x[4]) : "-" }' "$bench_dir/stages"
		done
	done
}

# balloon_section TEXT VARIANT...: a table, if any of them has been run.
balloon_section()
{
	local text=$1 variant
	shift
	for variant; do
		grep -q "^$variant " "$bench_dir/stages" || continue
		say "$text"
		balloon_table "$@"
		return
	done
}

# balloon_ratios SUFFIX: the summary of the variants with that suffix.
balloon_ratios()
{
	awk -v s="$1" '{ all[$1 $2] = $4; message[$1 $2] = $6 + $9 }
		function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.1f", a / b) : "none" }
		END { printf "inflate=%s deflate=%s message=%s xen=%s\n", ratio(all["b" s "inflate"], all["f" s "inflate"]),
			ratio(all["b" s "deflate"], all["f" s "deflate"]), ratio(message["b" s "inflate"], message["d" s "inflate"]),
			ratio(all["a" s "inflate"], all["f" s "inflate"]) }' "$bench_dir/stages"
}

# balloon_stock SUFFIX_OF_A SUFFIX_OF_B: how much faster than Xen's own driver a stock guest is; with a stock dom0, too, if its modules are not there.
balloon_stock()
{
	awk -v a="a$1" -v b="b$2" '{ all[$1 $2] = $4 }
		function ratio(d) { return all[a d] > 0 && all[b d] > 0 ? sprintf("%.2f", all[a d] / all[b d]) : "none" }
		END { printf "inflate=%s deflate=%s\n", ratio("inflate"), ratio("deflate") }' "$bench_dir/stages"
}

# balloon_confinement: how much dearer a variant is with a broker, where it was run without one as well.
balloon_confinement()
{
	awk '{ all[$1 " " $2] = $4 }
		function more(v, d) { return sprintf("%+.1f %%", (all[v " " d] / all[v "u " d] - 1) * 100) }
		END { for (k in all) {
			split(k, part, " ")
			v = part[1]
			if (part[2] != "inflate" || !((v "u inflate") in all))
				continue
			printf "  what confinement costs, (%s): inflate %s, deflate %s, both %+.1f %%\n", v, more(v, "inflate"), more(v, "deflate"),
				((all[v " inflate"] + all[v " deflate"]) / (all[v "u inflate"] + all[v "u deflate"]) - 1) * 100 } }' "$bench_dir/stages" | sort
}

# balloon_peak SIZE_MIB: the daemon's peak memory, and what it may be.
balloon_peak()
{
	local peak limit=$(($1 * 256 / 1024 + 8192))
	peak=$(awk '$12 > peak { peak = $12 } END { print peak + 0 }' "$bench_dir/stages")
	say "  peak memory of the daemon: $peak KiB (may be $limit KiB: a byte for each page of the guest, and 8 MiB)"
	[ "$peak" -le "$limit" ] || die "the daemon took more memory than it may"
}

lab_bench_balloon()
{
	local size=8192 plain="a b bn c d e bh eh a0 b0 b0n c0 d0 e0" patched="f fh f0" arg pictures
	for arg; do
		case $arg in
		--size=*) size=$(size_mib "${arg#--size=}") ;;
		--variants=*)
			plain=$(tr ', ' '\n\n' <<<"${arg#--variants=}" | grep -E '^([a-e]h?0?|b0?n|[b-e]0?u)$' | tr '\n' ' ' || true)
			patched=$(tr ', ' '\n\n' <<<"${arg#--variants=}" | grep -E '^fh?0?u?$' | tr '\n' ' ' || true) ;;
		*) die "bench balloon [--size=8G|512M] [--variants=a,b,...], not: $arg" ;;
		esac
	done
	[ -n "$plain$patched" ] || die "bench balloon: no such variants (a to f; h: fragmented, 0: pages are not cleared; bn, b0n: a stock dom0; u: --no-sandbox)"
	say "preparing (the first time takes a few minutes)"
	prepare_nested "icount 612 2G ours plain ours none bench" "icount 612 2G ours patched ours none bench"
	lab_lock
	artifact balloon-tools "$(hash_of "$sysroot" "$lab_top"/tests/bench/{balloon-move,hold-half}.c "$(declare -f build_balloon_tools)")" \
		"building the bench's programs" build_balloon_tools
	balloon_tools=$artifact_dir
	lab_unlock
	bench_name=balloon
	bench_fill=balloon_fill
	bench_dir=$lab_cache/bench/balloon
	bench_results=$bench_dir/results.jsonl
	mkdir -p "$bench_dir"
	: >"$bench_results"
	: >"$bench_dir/marks"
	say "a guest of $size MiB, shrunk and grown once by each variant"
	# shellcheck disable=SC2086
	[ -z "$plain" ] || balloon_boot plain "$size" $plain
	# shellcheck disable=SC2086
	[ -z "$patched" ] || balloon_boot patched "$size" $patched
	[ "$(score_count FAILED)" -eq 0 ] || die "the bench did not run to its end"
	{ echo '['; sed '$!s/$/,/' "$bench_results"; echo ']'; } >"$bench_dir/results.json"
	balloon_stages >"$bench_dir/stages"
	pictures=$("$lab_top/doc/bench-balloon" "$bench_dir/results.json" "$bench_dir")
	say "stock: $(balloon_stock "" "")"
	say "stock, and a dom0 without our modules: $(balloon_stock "" n)"
	say "stock, pages not cleared at allocation: $(balloon_stock 0 0), without our modules: $(balloon_stock 0 0n)"
	balloon_section "as Debian's kernels are, which clear every page they allocate (CONFIG_INIT_ON_ALLOC_DEFAULT_ON):" a b bn c d e f
	balloon_section "with init_on_alloc=0 on the guest's command line, for all drivers:" a0 b0 b0n c0 d0 e0 f0
	balloon_section "half of the guest's pages held at random:" bh eh fh
	balloon_peak "$size"
	balloon_confinement
	say "  $bench_dir/results.json and, by doc/bench-balloon: $(echo "$pictures" | sed "s,.*/,," | paste -sd " ")"
	say "balloon, pages cleared at allocation: $(balloon_ratios "")"
	say "balloon: $(balloon_ratios 0)"
}
