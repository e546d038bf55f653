// SPDX-License-Identifier: GPL-2.0-only
/*
 * See xen.h. Layouts and numbers are those of Xen's public headers and of <xen/privcmd.h>,
 * <xen/evtchn.h>.
 */
#define __XEN_TOOLS__ 1
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <xen/hvm/dm_op.h>
#include <xen/memory.h>
#include <xen/xen.h>

#include <xen/evtchn.h>

#include "tap.h"
#include "xen.h"

struct dm_op_buf {
	void *uptr;
	size_t size;
};

struct dm_op_arg {
	uint16_t dom;
	uint16_t num;
	const struct dm_op_buf *ubufs;
};

struct resource_arg {
	uint16_t dom;
	uint32_t type;
	uint32_t id;
	uint32_t idx;
	uint64_t num;
	uint64_t addr;
};

struct mmapbatch_v2_arg {
	unsigned int num;
	uint16_t dom;
	uint64_t addr;
	const uint64_t *arr;
	int *err;
};

#define IOCTL_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct mmapbatch_v2_arg))
#define IOCTL_DM_OP _IOC(_IOC_NONE, 'P', 5, sizeof(struct dm_op_arg))
#define IOCTL_MMAP_RESOURCE _IOC(_IOC_NONE, 'P', 7, sizeof(struct resource_arg))

#define STATE 0x000f0000u
#define READY 0x00010000u
#define INPROCESS 0x00020000u
#define RESP_READY 0x00030000u
#define IS_READ 0x00200000u
#define QUEUE_NOTIFY 0x50u

int privcmd_open(void)
{
	return open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
}

int dm_op(int privcmd, uint16_t dom, void *op, size_t size)
{
	struct dm_op_buf buf = {op, size};
	struct dm_op_arg arg = {dom, 1, &buf};

	return ioctl(privcmd, IOCTL_DM_OP, &arg);
}

size_t irq_op(void *buf, size_t size, uint32_t irq, uint8_t level)
{
#if defined(__aarch64__)
	struct xen_dm_op op = {.op = XEN_DMOP_set_irq_level};

	op.u.set_irq_level.irq = irq;
	op.u.set_irq_level.level = level;
#else
	struct xen_dm_op op = {.op = XEN_DMOP_inject_msi};

	/* fixed delivery, edge, to the vcpu whose APIC is 0 */
	op.u.inject_msi.data = irq;
	op.u.inject_msi.addr = 0xfee00000;
	(void)level;
#endif
	must(size >= sizeof(op));
	memset(buf, 0, size);
	memcpy(buf, &op, sizeof(op));
	return sizeof(op);
}

int map_resource(int privcmd, uint16_t dom, uint16_t id, uint32_t frame, uint64_t num, void *va)
{
	struct resource_arg arg = {
		.dom = dom,
		.type = XENMEM_resource_ioreq_server,
		.id = id,
		.idx = frame,
		.num = num,
		.addr = (uintptr_t)va,
	};

	return ioctl(privcmd, IOCTL_MMAP_RESOURCE, &arg);
}

int map_gfns(int privcmd, uint16_t dom, void *va, unsigned int nr, const uint64_t *gfns)
{
	int err[16] = {0};
	struct mmapbatch_v2_arg arg = {nr, dom, (uintptr_t)va, gfns, err};
	unsigned int i;

	must(nr <= 16);
	if (ioctl(privcmd, IOCTL_MMAPBATCH_V2, &arg))
		return -1;
	for (i = 0; i < nr; i++)
		must(!err[i]);
	return 0;
}

void *map_ioreq_page(int privcmd, uint16_t dom, uint16_t id)
{
	void *va = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd, 0);

	must(va != MAP_FAILED);
	must(!map_resource(privcmd, dom, id, XENMEM_resource_ioreq_server_frame_ioreq(0), 1, va));
	return va;
}

int bind_port(int evtchn, uint16_t dom, uint32_t remote_port)
{
	struct ioctl_evtchn_bind_interdomain bind = {dom, remote_port};

	return ioctl(evtchn, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
}

int offer_port(int evtchn, uint16_t dom)
{
	struct ioctl_evtchn_bind_unbound_port offer = {dom};

	return ioctl(evtchn, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &offer);
}

int unbind_port(int evtchn, uint32_t port)
{
	struct ioctl_evtchn_unbind unbind = {port};

	return ioctl(evtchn, IOCTL_EVTCHN_UNBIND, &unbind);
}

void server_attach(struct server *s)
{
	uint32_t i;

	s->slots = map_ioreq_page(s->privcmd, s->dom, s->id);
	for (i = 0; i < s->nr_vcpus; i++) {
		int port = bind_port(s->evtchn, s->dom, s->slots[i].vp_eport);

		must(port > 0);
		s->ports[i] = port;
		/* Binding raises it. */
		s->scripts[i].asked = false;
	}
}

void server_open(struct server *s, uint16_t dom, uint32_t bytes, uint16_t id)
{
	struct xen_dm_op op = {.op = XEN_DMOP_nr_vcpus};

	*s = (struct server){.dom = dom};
	must((s->privcmd = privcmd_open()) >= 0);
	must((s->evtchn = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC)) >= 0);

	must(!dm_op(s->privcmd, dom, &op, sizeof(op)));
	s->nr_vcpus = op.u.nr_vcpus.vcpus;
	must(s->nr_vcpus && s->nr_vcpus <= VCPUS_MAX);

	s->id = id;
	if (id == 0xffff) {
		op = (struct xen_dm_op){.op = XEN_DMOP_create_ioreq_server};
		must(!dm_op(s->privcmd, dom, &op, sizeof(op)));
		s->id = op.u.create_ioreq_server.id;
		if (bytes) {
			op = (struct xen_dm_op){.op = XEN_DMOP_map_io_range_to_ioreq_server};
			op.u.map_io_range_to_ioreq_server.id = s->id;
			op.u.map_io_range_to_ioreq_server.type = XEN_DMOP_IO_RANGE_MEMORY;
			op.u.map_io_range_to_ioreq_server.start = DEVICE_BASE;
			op.u.map_io_range_to_ioreq_server.end = DEVICE_BASE + bytes - 1;
			must(!dm_op(s->privcmd, dom, &op, sizeof(op)));
		}
		/* The page is allocated when it is mapped first, which enabling expects. */
		must(!munmap(map_ioreq_page(s->privcmd, dom, s->id), 4096));
		op = (struct xen_dm_op){.op = XEN_DMOP_set_ioreq_server_state};
		op.u.set_ioreq_server_state.id = s->id;
		op.u.set_ioreq_server_state.enabled = 1;
		must(!dm_op(s->privcmd, dom, &op, sizeof(op)));
	}
	server_attach(s);
}

void server_destroy(struct server *s)
{
	struct xen_dm_op op = {.op = XEN_DMOP_destroy_ioreq_server};

	op.u.destroy_ioreq_server.id = s->id;
	must(!dm_op(s->privcmd, s->dom, &op, sizeof(op)));
	munmap(s->slots, 4096);
	close(s->evtchn);
	close(s->privcmd);
}

static void complete(struct server *s, uint32_t v, uint32_t word, uint64_t data)
{
	struct slot *slot = &s->slots[v];
	struct ioctl_evtchn_notify notify = {s->ports[v]};

	if (word & IS_READ)
		slot->data = data;
	__atomic_store_n(&slot->word, (word & ~STATE) | RESP_READY, __ATOMIC_RELEASE);
	must(!ioctl(s->evtchn, IOCTL_EVTCHN_NOTIFY, &notify));
}

/* The question for a command stays READY, and the vcpu where it is, until there is one. */
static void serve(struct server *s, uint32_t v)
{
	struct slot *slot = &s->slots[v];
	struct script *script = &s->scripts[v];
	uint32_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);
	uint64_t reg = slot->addr - DEVICE_BASE;
	uint64_t data = slot->data, answer = ~0ull;
	bool read = word & IS_READ;

	if ((word & STATE) != READY)
		return;
	if (read && reg == 0x100 && !script->given) {
		script->asked = true;
		return;
	}
	if (!__atomic_compare_exchange_n(&slot->word, &word, (word & ~STATE) | INPROCESS, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;

	if (read && reg == 0x100) {
		script->given = false;
		answer = script->command;
	} else if (read && reg == 0x104) {
		answer = script->times;
	} else if (!read && reg == 0x108) {
		script->report = data;
		script->reported = true;
	} else {
		s->nr_strays++;
		s->last_stray_addr = slot->addr;
		if (!read && reg == QUEUE_NOTIFY && data < KICK_QUEUES)
			s->nr_stray_kicks[data]++;
	}
	complete(s, v, word, answer);
}

unsigned int patience(void)
{
	const char *text = getenv("TEST_PATIENCE");
	int factor = text ? atoi(text) : 1;

	return factor > 0 ? factor : 1;
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

void server_poll(struct server *s, int ms)
{
	struct pollfd pfd = {.fd = s->evtchn, .events = POLLIN};
	uint32_t port, i;

	if (poll(&pfd, 1, ms) <= 0)
		return;
	while (read(s->evtchn, &port, sizeof(port)) == sizeof(port)) {
		s->nr_events++;
		for (i = 0; i < s->nr_vcpus; i++)
			if (s->ports[i] == port)
				serve(s, i);
		/* After the slot was looked at: until then it is ours alone. */
		must(write(s->evtchn, &port, sizeof(port)) == sizeof(port));
	}
}

void guest_start(struct server *s, uint32_t v, uint32_t command, uint32_t times)
{
	bool asked = s->scripts[v].asked;

	s->scripts[v] = (struct script){.given = true, .command = command, .times = times};
	/*
	 * One whose event was not read yet is answered when it is: else that event says nothing any
	 * more, user space has the port when the first kick comes, and may have to take that.
	 */
	if (asked)
		serve(s, v);
}

void server_rebind(struct server *s, uint32_t v)
{
	int port;

	must(!unbind_port(s->evtchn, s->ports[v]));
	port = bind_port(s->evtchn, s->dom, s->slots[v].vp_eport);
	must(port > 0);
	s->ports[v] = port;
	s->scripts[v].asked = false;
}

void guest_explain(const struct server *s, uint32_t v)
{
	printf("# vcpu %u does not report: ioreq of 0x%llx, word %08x, port %u\n", v,
	       (unsigned long long)s->slots[v].addr, s->slots[v].word, s->ports[v]);
	printf("# command %08x %u times\n", s->scripts[v].command, s->scripts[v].times);
	fflush(stdout);
}

bool guest_wait(struct server *s, uint32_t v, uint32_t *report, int ms)
{
	int64_t end = now_ms() + (int64_t)ms * patience(), left;

	while (!s->scripts[v].reported && (left = end - now_ms()) > 0)
		server_poll(s, left);
	if (!s->scripts[v].reported)
		guest_explain(s, v);
	if (report)
		*report = s->scripts[v].report;
	return s->scripts[v].reported;
}

uint32_t guest_run(struct server *s, uint32_t v, uint32_t command, uint32_t times)
{
	uint32_t report;

	guest_start(s, v, command, times);
	must(guest_wait(s, v, &report, 240000));
	return report;
}
