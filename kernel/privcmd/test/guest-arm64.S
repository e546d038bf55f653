/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that does what it is told: an arm64 Image of one page, for xl's kernel=.
 *
 * Each vcpu asks for a command by reading the device, carries it out and reports; what reads and
 * reports of the command registers mean is the test's business (guest_run() in xen.c answers them).
 * While the test does not answer, the vcpu stands still. MMU and interrupts are off.
 *
 *   0x100 read   command: bits 0-11 register, 12-15 kind, 16-31 value to write
 *                kind 0: write 32 bits, 1: read 32 bits, 2: write 16 bits, 3: take an interrupt,
 *                4: write 32 bits, the upper ones those of a driver with NOTIFICATION_DATA,
 *                5: write 32 bits to the start of a page of the guest's memory, 6: read them;
 *                the register is the page's number
 *   0x104 read   how often
 *   0x108 write  done; the last value read, or the interrupt taken
 */
#define BASE	0x02000000
#define RAM	0x40000000
#define GICD	0x03001000
#define PSCI_CPU_ON 0xc4000003

	.text
	.globl _start
_start:
	b	start
	.long	0
	.quad	0		/* load offset */
	.quad	0x1000		/* size */
	.quad	0xa		/* flags: 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	/* The second vcpu, if there is one; this one goes on either way. */
	ldr	x0, =PSCI_CPU_ON
	mov	x1, #1
	adr	x2, vcpu
	mov	x3, #0
	hvc	#0

	/* Distributor: group 1 on with affinity routing, SPIs 32-63 in group 1, edge, enabled. */
	ldr	x20, =GICD
	mov	w0, #0x12
	str	w0, [x20]
	mov	w0, #-1
	str	w0, [x20, #0x84]
	ldr	w1, =0xaaaaaaaa
	str	w1, [x20, #0xc08]
	str	w1, [x20, #0xc0c]
	str	w0, [x20, #0x104]

vcpu:
	mrs	x0, S3_0_C12_C12_5	/* ICC_SRE_EL1 */
	orr	x0, x0, #1
	msr	S3_0_C12_C12_5, x0
	isb
	mov	x0, #0xff
	msr	S3_0_C4_C6_0, x0	/* ICC_PMR_EL1 */
	mov	x0, #1
	msr	S3_0_C12_C12_7, x0	/* ICC_IGRPEN1_EL1 */
	isb

	ldr	x19, =BASE
next:
	ldr	w0, [x19, #0x100]
	ldr	w1, [x19, #0x104]
	and	x2, x0, #0xfff
	lsr	w3, w0, #16
	ubfx	w4, w0, #12, #4
	mov	w5, #0
	cbz	w1, done
again:
	cmp	w4, #1
	b.eq	1f
	cmp	w4, #2
	b.eq	2f
	cmp	w4, #3
	b.eq	3f
	cmp	w4, #5
	b.eq	5f
	cmp	w4, #6
	b.eq	6f
	cmp	w4, #4
	b.ne	0f
	orr	w3, w3, #0x7f000000
0:	str	w3, [x19, x2]
	b	4f
1:	ldr	w5, [x19, x2]
	b	4f
2:	strh	w3, [x19, x2]
	b	4f
3:	mrs	x5, S3_0_C12_C12_0	/* ICC_IAR1_EL1 */
	dsb	sy
	cmp	w5, #1020
	b.hs	4f
	msr	S3_0_C12_C12_1, x5	/* ICC_EOIR1_EL1 */
	isb
	b	done
	/* Past the caches, that is; others have the page in theirs. */
5:	ldr	x6, =RAM
	add	x6, x6, x2, lsl #12
	dc	civac, x6
	dsb	sy
	str	w3, [x6]
	dsb	sy
	b	4f
6:	ldr	x6, =RAM
	add	x6, x6, x2, lsl #12
	dc	civac, x6
	dsb	sy
	ldr	w5, [x6]
4:	subs	w1, w1, #1
	b.ne	again
done:
	str	w5, [x19, #0x108]
	b	next

	.ltorg
	.balign	0x1000
