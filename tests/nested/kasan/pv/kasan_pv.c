// SPDX-License-Identifier: GPL-2.0-only
/*
 * KASAN's shadow in a PV domain, which Linux does not have: there the page tables are
 * Xen's to check, read-only, with machine addresses, and in use when the kernel starts.
 * For the kernel of lab check kasan --x86 alone; arch.patch is where it is called.
 *
 * At first all of the shadow is one page, by one table of each level. Memory gets
 * pages of its own in kasan_init(), and what vmalloc fills by itself is left empty then.
 * All else stays with the one page, which nobody writes to any more and which says that
 * everything may be accessed. Nothing in arch/x86/xen is instrumented: it runs before
 * there is a shadow, and its list of machine addresses has none at first.
 */
#include <linux/kasan.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/objtool.h>
#include <linux/range.h>
#include <linux/vmalloc.h>

#include <asm/e820/types.h>
#include <asm/pgalloc.h>
#include <asm/sections.h>
#include <asm/xen/hypervisor.h>
#include <asm/xen/page.h>

#include <xen/interface/xen.h>
#include <xen/xen.h>

#include "xen-ops.h"

extern struct range pfn_mapped[E820_MAX_ENTRIES];
void xen_kasan_init(void);

#define KASAN_PGDS	(pgd_index(KASAN_SHADOW_END) - pgd_index(KASAN_SHADOW_START))
#define TABLE_FLAGS	(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY)

/* As the usual ones need a static call that is not patched yet. */
static __always_inline long early_hypercall(long nr, unsigned long a, unsigned long b,
					    unsigned long c, unsigned long d)
{
	register unsigned long r10 asm("r10") = d;

	asm volatile("syscall" : "+a" (nr), "+D" (a), "+S" (b), "+d" (c), "+r" (r10)
		     : : "rcx", "r11", "r8", "r9", "memory");

	return nr;
}

static phys_addr_t __init early_machine(const void *addr)
{
	unsigned long pa = __pa(addr);

	return PFN_PHYS(((unsigned long *)xen_start_info->mfn_list)[PFN_DOWN(pa)]) |
	       offset_in_page(pa);
}

static __always_inline void early_read_only(void *table)
{
	if (early_hypercall(__HYPERVISOR_update_va_mapping, (unsigned long)table,
			    early_machine(table) | (TABLE_FLAGS & ~_PAGE_RW), UVMF_INVLPG, 0))
		BUG();
}

/* First of all, under the page tables that Xen has made. */
void __init xen_kasan_early_init(void)
{
	pgd_t *pgd = (pgd_t *)xen_start_info->pt_base + pgd_index(KASAN_SHADOW_START);
	struct mmu_update update[KASAN_PGDS];
	int i;

	for (i = 0; i < PTRS_PER_PTE; i++) {
		kasan_early_shadow_pte[i].pte = early_machine(kasan_early_shadow_page) | TABLE_FLAGS;
		kasan_early_shadow_pmd[i].pmd = early_machine(kasan_early_shadow_pte) | TABLE_FLAGS;
		kasan_early_shadow_pud[i].pud = early_machine(kasan_early_shadow_pmd) | TABLE_FLAGS;
	}
	early_read_only(kasan_early_shadow_pte);
	early_read_only(kasan_early_shadow_pmd);
	early_read_only(kasan_early_shadow_pud);

	for (i = 0; i < KASAN_PGDS; i++) {
		update[i].ptr = early_machine(pgd + i) | MMU_NORMAL_PT_UPDATE;
		update[i].val = early_machine(kasan_early_shadow_pud) | TABLE_FLAGS;
	}
	if (early_hypercall(__HYPERVISOR_mmu_update, (unsigned long)update, KASAN_PGDS, 0,
			    DOMID_SELF))
		BUG();
}
STACK_FRAME_NON_STANDARD(xen_kasan_early_init);

/* The kernel's own page tables go on with these. */
void __init xen_kasan_copy_pgds(pgd_t *to, const pgd_t *from)
{
	unsigned int first = pgd_index(KASAN_SHADOW_START);
	int i;

	for (i = 0; i < KASAN_PGDS; i++)
		to[first + i] = from[first + i];
}

static void *__init page_alloc(const void *from)
{
	void *page = memblock_alloc_try_nid(PAGE_SIZE, PAGE_SIZE, 0, MEMBLOCK_ALLOC_NOLEAKTRACE,
					    NUMA_NO_NODE);

	if (!page)
		panic("kasan: no memory for the shadow");
	if (from)
		copy_page(page, (void *)from);

	return page;
}

static bool __init is_common(unsigned long pfn, const void *table)
{
	return pfn == PFN_DOWN(__pa(table));
}

static pud_t *__init own_pud(unsigned long addr)
{
	p4d_t *p4d = p4d_offset(pgd_offset_k(addr), addr);

	if (is_common(p4d_pfn(*p4d), kasan_early_shadow_pud))
		p4d_populate(&init_mm, p4d, page_alloc(kasan_early_shadow_pud));

	return pud_offset(p4d, addr);
}

static pmd_t *__init own_pmd(unsigned long addr)
{
	pud_t *pud = own_pud(addr);

	if (is_common(pud_pfn(*pud), kasan_early_shadow_pmd))
		pud_populate(&init_mm, pud, page_alloc(kasan_early_shadow_pmd));

	return pmd_offset(pud, addr);
}

static pte_t *__init own_pte(unsigned long addr)
{
	pmd_t *pmd = own_pmd(addr);

	if (is_common(pmd_pfn(*pmd), kasan_early_shadow_pte))
		pmd_populate_kernel(&init_mm, pmd, page_alloc(kasan_early_shadow_pte));

	return pte_offset_kernel(pmd, addr);
}

static void __init populate(const void *start, const void *end)
{
	unsigned long addr = round_down((unsigned long)kasan_mem_to_shadow(start), PAGE_SIZE);
	unsigned long end_addr = (unsigned long)kasan_mem_to_shadow(end);

	for (; addr < end_addr; addr += PAGE_SIZE) {
		pte_t *pte = own_pte(addr);

		if (is_common(pte_pfn(*pte), kasan_early_shadow_page))
			set_pte(pte, pfn_pte(PFN_DOWN(__pa(page_alloc(NULL))), PAGE_KERNEL));
	}
}

static void __init empty(const void *start, const void *end)
{
	unsigned long addr = (unsigned long)kasan_mem_to_shadow(start);
	unsigned long end_addr = (unsigned long)kasan_mem_to_shadow(end);

	while (addr < end_addr) {
		if (IS_ALIGNED(addr, PUD_SIZE) && end_addr - addr >= PUD_SIZE) {
			set_pud(own_pud(addr), __pud(0));
			addr += PUD_SIZE;
		} else {
			set_pmd(own_pmd(addr), __pmd(0));
			addr += PMD_SIZE;
		}
	}
}

/* In place of what kasan_init() does with tables of its own. */
void __init xen_kasan_init(void)
{
	int i;

	for (i = 0; i < E820_MAX_ENTRIES && pfn_mapped[i].end; i++)
		populate(pfn_to_kaddr(pfn_mapped[i].start), pfn_to_kaddr(pfn_mapped[i].end));
	populate(_stext, _end);

	/* The list of machine addresses comes first in there, and is nobody's allocation. */
	empty(xen_p2m_addr + xen_p2m_size, (void *)VMALLOC_END + 1);
	empty((void *)MODULES_VADDR, (void *)MODULES_END);
}
