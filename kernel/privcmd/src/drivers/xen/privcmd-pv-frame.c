// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page table entry of an unpopulated page as a window: see privcmd-pv-frame.h.
 *
 * The page is ours alone and its entry is empty, so nothing but us changes it
 * between allocation and release. The entry is written by a hypercall that names
 * the frame's owner, which set_pte() cannot, and it holds a machine frame that
 * the p2m knows nothing of: the address is good for reading and writing, and
 * nothing may ask which page or which frame is behind it.
 */
#define pr_fmt(fmt) "xen:" KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/printk.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/balloon.h>
#include <xen/xen.h>

#include "privcmd-pv-frame.h"

/* Direct maps of PV domains have no large pages: a level above is a surprise. */
static pte_t *entry_of(unsigned long va)
{
	unsigned int level;
	pte_t *pte = lookup_address(va, &level);

	return pte && level == PG_LEVEL_4K ? pte : NULL;
}

static int set_entry(pte_t *pte, xen_pfn_t mfn, domid_t owner)
{
	struct mmu_update update = {
		.ptr = arbitrary_virt_to_machine(pte).maddr | MMU_PT_UPDATE_NO_TRANSLATE,
		.val = pte_val_ma(mfn_pte(mfn, PAGE_KERNEL)),
	};

	return HYPERVISOR_mmu_update(&update, 1, NULL, owner);
}

void *privcmd_pv_frame_map(xen_pfn_t mfn, domid_t owner)
{
	struct page *page;
	void *addr;
	pte_t *pte;
	int rc;

	if (xen_alloc_unpopulated_pages(1, &page))
		return ERR_PTR(-ENOMEM);

	rc = -EOPNOTSUPP;
	addr = page_address(page);
	pte = addr ? entry_of((unsigned long)addr) : NULL;
	if (!pte || !pte_none(*pte))
		goto err;

	rc = set_entry(pte, mfn, owner);
	if (rc)
		goto err;

	return addr;
err:
	xen_free_unpopulated_pages(1, &page);

	return ERR_PTR(rc);
}

void privcmd_pv_frame_unmap(void *addr)
{
	struct page *page = virt_to_page(addr);
	int rc;

	/* Xen drops its reference when no processor can have the entry cached. */
	rc = HYPERVISOR_update_va_mapping((unsigned long)addr, __pte_ma(0),
					  UVMF_TLB_FLUSH | UVMF_ALL);
	if (rc)
		pr_crit("unable to unmap a frame: leaking a page. rc=%d\n", rc);
	else
		xen_free_unpopulated_pages(1, &page);
}
