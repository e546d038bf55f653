# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench policy: --auto beside the rules of others, on a simulated host. No Xen and no QEMU: a program of a few seconds
# (tests/bench/policy), which says the same each time. tests/traces/README says what the loads are and the columns mean.

lab_bench_policy()
{
	[ $# -eq 0 ] || die "bench policy takes no argument"
	bench_build tests/bench/policy-bench
	"$build_dir/tests/bench/policy-bench" "$lab_top"/tests/traces/*.load
}
