/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ioreq server by system calls alone, and the scripted guest (guest-ARCH.S) behind it.
 *
 * No Xen library: a static program for any dom0. One thread per server. User space claims a slot
 * with the same compare-and-swap as the kernel, so it may be used while ioeventfds are armed.
 */
#ifndef TEST_XEN_H
#define TEST_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_BASE 0x02000000ull
#define DEVICE_BYTES 0x200u
#define VCPUS_MAX 128u
/* The guest's interrupt: a line of the GIC's, or a vector of the first vcpu's local APIC */
#define GUEST_IRQ 40u
#define KICK_QUEUES 8u

struct slot {
	uint64_t addr;
	uint64_t data;
	uint32_t count;
	uint32_t size;
	uint32_t vp_eport;
	uint32_t word;
};

/* What a vcpu is to do next, and what it said of the last. */
struct script {
	bool asked; /* the question's event was read before there was a command */
	bool given;
	bool reported;
	uint32_t command;
	uint32_t times;
	uint32_t report;
};

struct server {
	int privcmd;
	int evtchn;
	uint16_t dom;
	uint16_t id;
	uint32_t nr_vcpus;
	struct slot *slots;
	uint32_t ports[VCPUS_MAX];
	struct script scripts[VCPUS_MAX];
	/* What came to user space. */
	uint64_t nr_events;
	uint64_t nr_strays;		      /* accesses that are no commands */
	uint64_t nr_stray_kicks[KICK_QUEUES]; /* those of them that are kicks, by queue */
	uint64_t last_stray_addr;
};

int privcmd_open(void);
int dm_op(int privcmd, uint16_t dom, void *op, size_t size);
/*
 * Raise (or just encode) the architecture's operation for an interrupt: fills a whole struct
 * xen_dm_op, returns its size. IRQ_OP_BYTES of it are needed; level is for those that have one.
 */
#if defined(__aarch64__)
#define IRQ_OP_BYTES 16u
#define GUEST_RAM_GFN 0x40000u
#else
#define IRQ_OP_BYTES 24u
#define GUEST_RAM_GFN 0x100u
#endif
size_t irq_op(void *buf, size_t size, uint32_t irq, uint8_t level);
int map_resource(int privcmd, uint16_t dom, uint16_t id, uint32_t frame, uint64_t num, void *va);
/* Map guest pages, all of them or -1. */
int map_gfns(int privcmd, uint16_t dom, void *va, unsigned int nr, const uint64_t *gfns);
void *map_ioreq_page(int privcmd, uint16_t dom, uint16_t id);
int bind_port(int evtchn, uint16_t dom, uint32_t remote_port);
/* A port that @dom may bind, but has not. */
int offer_port(int evtchn, uint16_t dom);
int unbind_port(int evtchn, uint32_t port);

/*
 * Create a server for the device of DEVICE_BASE (0 bytes: for nothing), or adopt @id if it is not
 * 0xffff.
 */
void server_open(struct server *s, uint16_t dom, uint32_t bytes, uint16_t id);
/* Destroy it in Xen and close everything. */
void server_destroy(struct server *s);
/* Map the page and bind the ports of an existing server. */
void server_attach(struct server *s);

/* Answer what comes; waits for something at most @ms. */
void server_poll(struct server *s, int ms);

#define WRITE32(reg, value) ((uint32_t)(reg) | ((uint32_t)(value) << 16))
#define READ32(reg) ((uint32_t)(reg) | 1u << 12)
#define WRITE16(reg, value) ((uint32_t)(reg) | 2u << 12 | ((uint32_t)(value) << 16))
#define TAKE_INTERRUPT (3u << 12)
#define WRITE32_DATA(reg, value) ((uint32_t)(reg) | 4u << 12 | ((uint32_t)(value) << 16))
/* A page of the guest's memory, by its number from GUEST_RAM_GFN on */
#define WRITE_PAGE(page, value) ((uint32_t)(page) | 5u << 12 | ((uint32_t)(value) << 16))
#define READ_PAGE(page) ((uint32_t)(page) | 6u << 12)
#define NO_INTERRUPT 1023u

/*
 * $TEST_PATIENCE: how many times as long as usual things may take, for a slow kernel on a busy
 * host; guests are asked for so many times fewer accesses.
 */
unsigned int patience(void);

/* Unbind a vcpu's port, and bind another one to the guest's. */
void server_rebind(struct server *s, uint32_t v);

int64_t now_ms(void);
/* Print what a vcpu that does not go on is at. */
void guest_explain(const struct server *s, uint32_t v);

/* Give vcpu @v a command; wait for its report; both, bailing out after four minutes. */
void guest_start(struct server *s, uint32_t v, uint32_t command, uint32_t times);
bool guest_wait(struct server *s, uint32_t v, uint32_t *report, int ms);
uint32_t guest_run(struct server *s, uint32_t v, uint32_t command, uint32_t times);

#endif /* TEST_XEN_H */
