/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start of a bare guest: an arm64 Image for xl's kernel=, MMU and interrupts off, as it was loaded. A second vcpu is
 * never started.
 */
	.section .start, "ax"
	.globl _start
_start:
	b	start
	.long	0
	.quad	0		/* load offset */
	.quad	_end - _start
	.quad	0xa		/* flags: 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	adrp	x0, stack_end
	add	x0, x0, :lo12:stack_end
	mov	sp, x0
	bl	guest_main
1:	wfi
	b	1b

	.bss
	.balign	16
	.skip	4096
stack_end:
