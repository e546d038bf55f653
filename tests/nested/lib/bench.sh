# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench: what every bench on Xen has. Such a bench is a case of its own (tests/bench/NAME.sh), booted with what it asks for; its
# results are lines "# bench {...}". Under -icount time counts instructions, 4 ns each, and repeats exactly.
#
# A bench sets bench_name, bench_order (what its case is told, in /xv/bench) and bench_fill, a function that adds files to
# the tree of a boot.

bench_ns_per_instruction=4

# bench_overlay TREE: what a boot for the bench has besides.
bench_overlay()
{
	[ -n "${bench_order:-}" ] || return 0
	echo "$bench_order" >"$1/xv/bench"
	cp "$lab_top/tests/bench/$bench_name.sh" "$1/xv/cases/bench.sh"
	"$bench_fill" "$1"
}

lab_bench()
{
	local what=${1:-} arguments=("$@")
	[ $# -eq 0 ] || shift
	score_begin
	case $what in
	notify|balloon|policy) in_root bench "${arguments[@]}" ;;
	esac
	case $what in
	notify) lab_bench_notify "$@" ;;
	balloon) lab_bench_balloon "$@" ;;
	policy) lab_bench_policy "$@" ;;
	*) die "bench notify, bench balloon or bench policy, not: bench $what" ;;
	esac
}
