/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest-arm64.S for x86: the same commands, as an ELF file that a PVH domain enters in 32-bit mode.
 * No paging; interrupts are let in while one is waited for, by the local APIC, to which the test
 * sends them as messages.
 */
#define BASE	0x02000000
#define RAM	0x00100000
#define APIC	0xfee00000
#define VECTOR	40
#define NONE	1023

/* Xen: public/elfnote.h, public/vcpu.h */
#define XEN_ELFNOTE_PHYS32_ENTRY	18
#define HYPERVISOR_VCPU_OP		24
#define VCPUOP_INITIALISE		0
#define VCPUOP_UP			1

	.section .note.Xen, "a", @note
	.long	4, 4, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.long	_start

	.text
	.globl	_start
_start:
	/* The page of hypercalls, and the second vcpu, if there is one; this one goes on anyway. */
	mov	$stack, %esp
	mov	$0x40000002, %eax
	cpuid
	mov	%ebx, %ecx
	mov	$hypercalls, %eax
	xor	%edx, %edx
	wrmsr
	mov	$VCPUOP_INITIALISE, %ebx
	mov	$1, %ecx
	mov	$second, %edx
	call	hypercalls + 32 * HYPERVISOR_VCPU_OP
	mov	$VCPUOP_UP, %ebx
	mov	$1, %ecx
	xor	%edx, %edx
	call	hypercalls + 32 * HYPERVISOR_VCPU_OP

	mov	$interrupt, %eax
	mov	%ax, gate
	shr	$16, %eax
	mov	%ax, gate + 6
	mov	$stack, %esp
vcpu:
	lgdt	gdt_register
	ljmp	$8, $1f
1:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	lidt	idt_register
	/* enabled, spurious interrupts to 255 */
	movl	$0x1ff, APIC + 0xf0

	mov	$BASE, %esi
next:
	mov	0x100(%esi), %eax
	mov	0x104(%esi), %ecx
	mov	%eax, %edx
	and	$0xfff, %edx
	mov	%eax, %ebx
	shr	$16, %ebx
	shr	$12, %eax
	and	$15, %eax
	xor	%edi, %edi
	test	%ecx, %ecx
	jz	done
again:
	cmp	$1, %eax
	je	1f
	cmp	$2, %eax
	je	2f
	cmp	$3, %eax
	je	3f
	cmp	$5, %eax
	je	5f
	cmp	$6, %eax
	je	6f
	cmp	$4, %eax
	jne	0f
	or	$0x7f000000, %ebx
0:	mov	%ebx, (%esi, %edx)
	jmp	4f
1:	mov	(%esi, %edx), %edi
	jmp	4f
2:	mov	%bx, (%esi, %edx)
	jmp	4f
3:	sti
	nop
	cli
	mov	taken, %edi
	movl	$NONE, taken
	cmp	$NONE, %edi
	jne	done
	jmp	4f
5:	shl	$12, %edx
	mov	%ebx, RAM(%edx)
	shr	$12, %edx
	jmp	4f
6:	shl	$12, %edx
	mov	RAM(%edx), %edi
	shr	$12, %edx
4:	dec	%ecx
	jnz	again
done:
	mov	%edi, 0x108(%esi)
	jmp	next

interrupt:
	movl	$VECTOR, taken
	movl	$0, APIC + 0xb0
	iret

	.data
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

taken:
	.long	NONE

	/* struct vcpu_hvm_context of Xen's public/hvm/hvm_vcpu.h: 32-bit mode */
	.balign	8
second:
	.long	0, 0
	.long	0, 0, 0, 0		/* eax, ecx, edx, ebx */
	.long	stack, 0, 0, 0		/* esp, ebp, esi, edi */
	.long	vcpu, 2			/* eip, eflags */
	.long	1, 0, 0, 0		/* cr0: protected mode; cr3, cr4 */
	.quad	0			/* efer */
	.long	0, 0, 0, 0, 0		/* bases: cs, ds, ss, es, tss */
	.long	~0, ~0, ~0, ~0, 0x67	/* limits */
	.word	0xc9b, 0xc93, 0xc93, 0xc93, 0x8b
	.word	0, 0, 0

	.bss
	.balign	4096
hypercalls:
	.skip	4096
	/* Nothing but an interrupt uses it once both run, and those go to the first vcpu. */
	.skip	512
stack:
