/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start of a bare guest on x86: an ELF file with the note that Xen enters a kernel by, in 32-bit mode, without paging.
 * One interrupt is handled, of vector 48: it is noted in "interrupted".
 */
#define VECTOR	48

	.section .note.Xen, "a", @note
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start

	.text
	.globl	_start
_start:
	lgdt	gdt_register
	ljmp	$8, $1f
1:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$stack_end, %esp
	mov	$interrupt, %eax
	mov	%ax, gate
	shr	$16, %eax
	mov	%ax, gate + 6
	lidt	idt_register
	call	guest_main
2:	cli
	hlt
	jmp	2b

interrupt:
	movl	$1, interrupted
	iret

	.data
	.globl	interrupted
	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
gdt_register:
	.word	. - gdt - 1
	.long	gdt

	.balign	8
idt:
	.fill	VECTOR, 8, 0
gate:
	.word	0, 8, 0x8e00, 0
idt_register:
	.word	idt_register - idt - 1
	.long	idt

	.balign	4
interrupted:
	.long	0

	.bss
	.balign	16
	.skip	4096
stack_end:

	.section .note.GNU-stack, "", @progbits
