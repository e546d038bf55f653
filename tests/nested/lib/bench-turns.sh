# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench turns: the longest turn of each hostile case of the unit tests, in frames, hypercalls and processor time, for a guest of
# 1 GiB and one of 1 TiB. No Xen and no QEMU: a program of some minutes (tests/bench/turns.c) on the fake hypervisor. Fails when one is too long.

lab_bench_turns()
{
	[ $# -eq 0 ] || die "bench turns takes no argument"
	bench_build tests/bench/turns
	"$build_dir/tests/bench/turns" || die "a turn is longer than it may be, or a case failed"
}
