# SPDX-License-Identifier: GPL-2.0-or-later
# notify: own
# boot: own
#
# A clean console proves something only if a complaint would be on it: each kind of mistake is made on purpose, and must be
# in the kernel's log, and (lib/kasan.sh looks) on the console. lockdep first: it gives up at anybody's first complaint.

has()
{
	dmesg | grep -qE "$1"
}

splat()
{
	insmod /xv/modules/splat.ko "what=$1" 2>/dev/null
	check "$1" has "$2"
}

check "KASAN is on" has 'KernelAddressSanitizer initialized'
check "lockdep is on" lockdep_is_on
check "kmemleak is on" kernel_leaks_clear
echo '<3>BUG: written by a case' >/dev/kmsg
check "a line written to the log" has 'BUG: written by a case'
splat lockdep 'WARNING: possible circular locking dependency'
check "which turns lockdep off" sh -c '! grep -q "debug_locks: *1" /proc/lockdep_stats'
splat sleep 'sleeping function called from invalid context'
splat use-after-free 'KASAN: slab-use-after-free in splat'
splat out-of-bounds 'KASAN: slab-out-of-bounds in splat'
splat stack 'KASAN: stack-out-of-bounds in splat'
splat object 'ODEBUG: free active'
splat refcount 'refcount_t: underflow'
insmod /xv/modules/splat.ko what=leak 2>/dev/null
check "a leak" sh -c '[ -n "$1" ]' - "$(kernel_leaks)"
