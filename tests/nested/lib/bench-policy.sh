# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench policy: --auto beside the rules of others, on a simulated host. No Xen and no QEMU: a program of a few seconds
# (tests/bench/policy), which says the same each time. With --vary 200: means of so many variations of each load. tests/traces/README says what the loads are and the columns mean.

lab_bench_policy()
{
	case $#:${1-} in
	0:) ;;
	2:--vary) case $2 in '' | 0* | *[!0-9]*) die "bench policy --vary: give a number of variations" ;; esac ;;
	*) die "bench policy takes no argument but --vary NUMBER" ;;
	esac
	bench_build tests/bench/policy-bench
	"$build_dir/tests/bench/policy-bench" "$@" "$lab_top"/tests/traces/*.load
}
