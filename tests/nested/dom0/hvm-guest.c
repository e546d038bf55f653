// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hvm-guest NAME MEM_MIB VCPUS KERNEL INITRD SSDT PIRQ CMDLINE: an x86 HVM guest without a device model, paused; prints
 * its domain id.
 *
 * xl's HVM guests need hvmloader, a BIOS and QEMU, which take most of a minute here; its PVH guests have no I/O APIC, so no
 * line that a virtio-mmio device could use. This is what is wanted of both: all of Xen's emulated interrupt controllers, and
 * a kernel (an uncompressed vmlinux) entered directly. The ACPI tables are made here, but for the SSDT, which is
 * xen-virtio-acpi's. PIRQ: "pirq" lets the guest have its lines as event channels, "-" does not.
 *
 * In xenstore the guest looks as libxl leaves it, with a virtio device whose base and irq are 0, as on x86.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>
#include <xenstore.h>

#include <xen/hvm/e820.h>
#include <xen/hvm/params.h>

#define MIB (UINT64_C(1) << 20)
#define TABLES_BASE UINT64_C(0xfc000000)
#define TABLES_BYTES 16384u
#define SPECIAL_START ((UINT64_C(0xff000) - 8) << 12)
#define LAPIC_BASE UINT32_C(0xfee00000)
#define IOAPIC_BASE UINT32_C(0xfec00000)

static xc_interface *xch;
static struct xs_handle *xs;
static uint32_t domid;

static void die(const char *what)
{
	fprintf(stderr, "hvm-guest: %s: %s\n", what, strerror(errno));
	if (domid)
		xc_domain_destroy(xch, domid);
	exit(1);
}

/* --- ACPI --- */

static uint8_t tables[TABLES_BYTES];
static size_t tables_len;

static void put(size_t at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		tables[at + i] = (uint8_t)(value >> 8 * i);
}

static void set_checksum(size_t start, size_t len, size_t at)
{
	uint8_t sum = 0;

	tables[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + tables[start + i]);
	tables[at] = (uint8_t)-sum;
}

static size_t table_begin(const char *signature, uint8_t revision, size_t bytes)
{
	size_t start = (tables_len + 63) & ~(size_t)63;

	memcpy(tables + start, signature, 4);
	tables[start + 8] = revision;
	memcpy(tables + start + 10, "XENVIONESTED  ", 14);
	put(start + 24, 1, 4);
	memcpy(tables + start + 28, "XVIO", 4);
	tables_len = start + bytes;
	return start;
}

static size_t table_end(size_t start)
{
	put(start + 4, tables_len - start, 4);
	set_checksum(start, tables_len - start, start + 9);
	return start;
}

static size_t table_madt(unsigned int vcpus)
{
	size_t start = table_begin("APIC", 3, 44), at = tables_len;

	put(start + 36, LAPIC_BASE, 4);
	for (unsigned int i = 0; i < vcpus; i++, at += 8) {
		put(at, 0x0800, 2);
		put(at + 2, i, 1);
		put(at + 3, i * 2, 1);
		put(at + 4, 1, 4);
	}
	put(at, 0x0c01, 2);
	put(at + 2, 1, 1);
	put(at + 4, IOAPIC_BASE, 4);
	tables_len = at + 12;
	return table_end(start);
}

static size_t table_fadt(size_t dsdt)
{
	/* hardware-reduced: there is none of what it would describe */
	size_t start = table_begin("FACP", 5, 268);

	put(start + 109, 0x0024, 2);		/* no VGA, no CMOS clock */
	put(start + 112, 1 | 1 << 20, 4);	/* WBINVD, HW_REDUCED_ACPI */
	put(start + 131, 1, 1);
	put(start + 140, TABLES_BASE + dsdt, 8);
	return table_end(start);
}

static size_t table_file(const char *path)
{
	size_t start = (tables_len + 63) & ~(size_t)63;
	FILE *file = fopen(path, "r");

	if (!file)
		die(path);
	tables_len = start + fread(tables + start, 1, TABLES_BYTES - 1024 - start, file);
	fclose(file);
	if (tables_len < start + 36)
		die(path);
	return start;
}

static void make_tables(unsigned int vcpus, const char *ssdt)
{
	size_t list[3], xsdt;

	/* RSDP */
	memcpy(tables, "RSD PTR ", 8);
	memcpy(tables + 9, "XENVIO", 6);
	tables[15] = 2;
	put(20, 36, 4);
	tables_len = 36;
	list[0] = table_fadt(table_end(table_begin("DSDT", 2, 36)));
	list[1] = table_madt(vcpus);
	list[2] = table_file(ssdt);
	xsdt = table_begin("XSDT", 1, 36 + sizeof(list));
	for (size_t i = 0; i < 3; i++)
		put(xsdt + 36 + 8 * i, TABLES_BASE + list[i], 8);
	table_end(xsdt);
	put(24, TABLES_BASE + xsdt, 8);
	set_checksum(0, 20, 8);
	set_checksum(0, 36, 32);
}

/* --- the domain --- */

static void create_domain(uint64_t mem_mib, unsigned int vcpus, bool pirq)
{
	struct xen_domctl_createdomain create = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_vcpus = vcpus,
		.max_evtchn_port = 1023,
		.max_grant_frames = 64,
		.max_maptrack_frames = 1024,
		.grant_opts = XEN_DOMCTL_GRANT_version(2),
		.arch.emulation_flags = XEN_X86_EMU_ALL & ~(XEN_X86_EMU_VPCI | XEN_X86_EMU_USE_PIRQ),
	};

	if (pirq)
		create.arch.emulation_flags |= XEN_X86_EMU_USE_PIRQ;
	memset(create.handle, 0xb1, sizeof(create.handle));
	if (xc_domain_create(xch, &domid, &create))
		die("creating the domain");
	if (xc_domain_max_vcpus(xch, domid, vcpus) || xc_domain_setmaxmem(xch, domid, mem_mib * 1024 + 1024) ||
	    xc_set_paging_mempool_size(xch, domid, 4 * MIB) ||
	    xc_cpuid_apply_policy(xch, domid, false, NULL, 0, true, false, false, NULL, NULL))
		die("what the domain may have");
}

struct rings {
	unsigned long console_gfn;
	unsigned long store_gfn;
	int console_port;
	int store_port;
};

static struct rings build(uint64_t mem_mib, unsigned int vcpus, char **argv)
{
	static struct e820entry map[3];
	struct xc_dom_image *dom = xc_dom_allocate(xch, argv[8], NULL);
	struct rings rings = {
		.console_port = xc_evtchn_alloc_unbound(xch, domid, 0),
		.store_port = xc_evtchn_alloc_unbound(xch, domid, 0),
	};

	if (!dom || rings.store_port < 0 || rings.console_port < 0)
		die("preparing");
	dom->container_type = XC_DOM_HVM_CONTAINER;
	dom->target_pages = mem_mib * MIB >> 12;
	dom->mmio_size = (UINT64_C(1) << 32) - TABLES_BASE;
	dom->mmio_start = TABLES_BASE;
	dom->lowmem_end = mem_mib * MIB;
	dom->max_vcpus = vcpus;
	dom->xenstore_evtchn = (unsigned int)rings.store_port;
	dom->console_evtchn = (unsigned int)rings.console_port;
	dom->acpi_modules[0].data = tables;
	dom->acpi_modules[0].length = tables_len;
	dom->acpi_modules[0].guest_addr_out = TABLES_BASE;
	map[0] = (struct e820entry){ 0, mem_mib * MIB, E820_RAM };
	map[1] = (struct e820entry){ TABLES_BASE, TABLES_BYTES, E820_ACPI };
	map[2] = (struct e820entry){ SPECIAL_START, 8 << 12, E820_RESERVED };
	dom->e820 = map;
	dom->e820_entries = 3;
	if (xc_domain_set_memory_map(xch, domid, map, 3) || xc_dom_kernel_file(dom, argv[4]) ||
	    xc_dom_module_file(dom, argv[5], NULL) || xc_dom_boot_xen_init(dom, xch, domid) ||
	    xc_dom_parse_image(dom) || xc_dom_mem_init(dom, mem_mib) || xc_dom_boot_mem_init(dom) ||
	    xc_dom_build_image(dom) || xc_dom_boot_image(dom) || xc_dom_gnttab_init(dom))
		die("building the domain");
	if (xc_hvm_param_set(xch, domid, HVM_PARAM_TIMER_MODE, 1))
		die("HVM parameters");
	rings.console_gfn = dom->console_pfn;
	rings.store_gfn = dom->xenstore_pfn;
	xc_dom_release(dom);
	return rings;
}

/* --- xenstore --- */

enum owner {
	OF_HOST, /* the guest may read it */
	OF_GUEST,
};

static void write_below(enum owner owner, const char *dir, const char *key, const char *value)
{
	struct xs_permissions perm[2] = { { owner == OF_GUEST ? domid : 0, XS_PERM_NONE }, { domid, XS_PERM_READ } };
	char path[192];

	snprintf(path, sizeof(path), "%s%s%s", dir, key[0] ? "/" : "", key);
	if (!xs_write(xs, XBT_NULL, path, value, strlen(value)) ||
	    !xs_set_permissions(xs, XBT_NULL, path, perm, owner == OF_GUEST ? 1 : 2))
		die(path);
}

static void write_store(const char *name, uint64_t mem_mib, const struct rings *rings)
{
	char home[64], front[96], back[96], text[96];
	const char *type = getenv("XV_TYPE");

	snprintf(home, sizeof(home), "/local/domain/%" PRIu32, domid);
	write_below(OF_HOST, home, "", "");
	write_below(OF_HOST, home, "name", name);
	/* as libxl has it: what tells it from another domain of this number */
	snprintf(text, sizeof(text), "/vm/b1b1b1b1-b1b1-b1b1-b1b1-%012x", (unsigned int)getpid());
	write_below(OF_HOST, home, "vm", text);
	snprintf(text, sizeof(text), "%" PRIu32, domid);
	write_below(OF_HOST, home, "domid", text);
	write_below(OF_GUEST, home, "device", "");
	write_below(OF_GUEST, home, "control", "");
	write_below(OF_GUEST, home, "data", "");
	snprintf(text, sizeof(text), "%" PRIu64, mem_mib * 1024);
	write_below(OF_HOST, home, "memory/static-max", text);
	write_below(OF_HOST, home, "memory/target", text);
	write_below(OF_HOST, home, "console/type", "xenconsoled");
	write_below(OF_HOST, home, "console/limit", "1048576");
	snprintf(text, sizeof(text), "%d", rings->console_port);
	write_below(OF_HOST, home, "console/port", text);
	snprintf(text, sizeof(text), "%lu", rings->console_gfn);
	write_below(OF_HOST, home, "console/ring-ref", text);

	snprintf(front, sizeof(front), "%s/device/virtio/0", home);
	snprintf(back, sizeof(back), "/local/domain/0/backend/virtio/%" PRIu32 "/0", domid);
	write_below(OF_GUEST, front, "backend", back);
	write_below(OF_GUEST, front, "backend-id", "0");
	write_below(OF_GUEST, front, "state", "1");
	write_below(OF_HOST, back, "frontend", front);
	snprintf(text, sizeof(text), "%" PRIu32, domid);
	write_below(OF_HOST, back, "frontend-id", text);
	write_below(OF_HOST, back, "online", "1");
	write_below(OF_HOST, back, "state", "1");
	write_below(OF_HOST, back, "irq", "0");
	write_below(OF_HOST, back, "base", "0");
	write_below(OF_HOST, back, "type", type ? type : "virtio,device5");
	write_below(OF_HOST, back, "transport", "mmio");
	write_below(OF_HOST, back, "grant_usage", "0");
}

int main(int argc, char **argv)
{
	struct rings rings;
	uint64_t mem_mib;
	unsigned int vcpus;

	if (argc != 9 || (mem_mib = strtoull(argv[2], NULL, 10)) == 0 ||
	    (vcpus = (unsigned int)strtoul(argv[3], NULL, 10)) == 0 || vcpus > 128 || mem_mib > 3072) {
		fprintf(stderr, "usage: hvm-guest NAME MEM_MIB VCPUS KERNEL INITRD SSDT pirq|- CMDLINE\n");
		return 2;
	}
	xch = xc_interface_open(NULL, NULL, 0);
	xs = xs_open(0);
	if (!xch || !xs)
		die("Xen or xenstore");
	make_tables(vcpus, argv[6]);
	create_domain(mem_mib, vcpus, argv[7][0] == 'p');
	rings = build(mem_mib, vcpus, argv);
	write_store(argv[1], mem_mib, &rings);
	if (!xs_introduce_domain(xs, domid, rings.store_gfn, (unsigned int)rings.store_port))
		die("xenstore");
	printf("%" PRIu32 "\n", domid);
	xs_close(xs);
	xc_interface_close(xch);
	return 0;
}
