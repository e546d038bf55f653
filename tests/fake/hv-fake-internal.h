/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of the fake hypervisor's files.
 *
 *   hv-fake.c        the machine, handles, the ops table, failures on demand
 *   hv-fake-mem.c    frames, p2m, mappings, release and populate
 *   hv-fake-memory.c  files of the guest's memory
 *   hv-fake-pod.c    populate-on-demand
 *   hv-fake-view.c   the bytes of frames: who may see which, and that a free one has none
 *   hv-fake-ioreq.c  servers, slots, the vcpus' side
 *   hv-fake-eventfd.c  ioeventfds, irqfds, registers that the host answers
 *
 * Frames of the host are numbered from 0 and are pages of one memfd; the p2m gives a guest frame's
 * number plus one, 0 is a hole, FAKE_POD an entry without memory, and with FAKE_AWAY the
 * frame that comes back there: of a domain that is mapped directly.
 */
#ifndef HV_FAKE_INTERNAL_H
#define HV_FAKE_INTERNAL_H

#include "hv/ioreq-page.h"

#include "hv-fake.h"

#define FAKE_AWAY (UINT32_C(1) << 31)
#define FAKE_POD UINT32_MAX

struct fake_frame {
	uint32_t maps;
	bool owned;	/* by the guest: counted in tot_pages */
	bool doomed;	/* released while mapped: freed by the last unmap */
	bool dirty;	/* somebody could write to it */
	uint32_t views;	/* of maps, those that are a view */
};

struct fake_mapping {
	struct fake_mapping *next;
	const struct fake_handle *owner;
	void *va;
	size_t nr;
	bool view;	/* va is in the machine's view: nothing was mapped */
	bool revoked;	/* its frames are not mapped any more */
	uint32_t frame[];
};

struct fake_port {
	bool pending;
	bool masked;
};

struct fake_server {
	bool used;
	bool foreign;
	struct fake_handle *owner; /* NULL: its process has died */
	struct xenvirtio_gpa_range range[XENVIRTIO_RANGES_MAX];
	size_t nr;
	struct ioreq_page *page;
	struct fake_port port[XENVIRTIO_VCPUS_MAX];
};

struct fake_vcpu {
	bool busy;
	bool notified;		/* the answer was announced: it wakes up */
	bool orphan;		/* its server was destroyed after the answer, which is here */
	uint64_t answer;
	bool invalidating;	/* what is in the slot is an INVALIDATE, @access comes next */
	uint16_t server;
	enum ioreq_state seen;
	struct xenvirtio_ioreq access;
};

struct fake_handle {
	struct xenvirtio_hv hv;
	struct fake *f;
	int server;		/* index, or -1 */
	int fd;			/* eventfd, or -1 */
	bool fd_set;
	int held;		/* vcpu whose request is held, or -1 */
};

enum fake_eventfd_kind {
	FAKE_NOTHING,
	FAKE_IOEVENTFD,
	FAKE_IRQFD,
	FAKE_REGISTERS,
	FAKE_FIELD,
};

/* key: base, the irqfd's descriptor, or a field's address; with queue (of a field: is it written) it is what an entry is known by */
struct fake_eventfd {
	enum fake_eventfd_kind kind;
	const struct fake_handle *owner;
	uint64_t key;
	uint32_t queue;
	uint32_t irq;
	int fd;
	int config_fd;
	bool held;
	uint32_t status;
	uint32_t *word;
};

/* what fake_reset() leaves as it is comes first, up to @faults */
struct fake {
	struct fake_config config;
	int memfd;
	uint8_t *memory;
	uint8_t *view;		/* the same bytes for who maps them; NULL: mappings are true ones */
	struct fake_frame *frame;
	uint32_t *free_frame;
	size_t nr_frames;
	uint32_t *p2m[FAKE_RAM_MAX];

	struct fake_faults faults;
	size_t nr_free;
	uint64_t heap_free;
	unsigned int pauses;	/* by the seam, besides fake_set_paused() */
	unsigned int heap_order;
	uint64_t tot_pages;
	uint64_t max_pages;
	bool direct;
	uint64_t pod_entries;
	uint64_t pod_cache;	/* of heap_free and tot_pages; in no frame */
	uint64_t pod_populated;
	struct fake_mapping *mappings;

	struct fake_server server[FAKE_SERVERS_MAX];
	struct fake_vcpu vcpu[XENVIRTIO_VCPUS_MAX];
	bool invalidate_pending;
	uint32_t irq_count[FAKE_IRQS_MAX][2];
	bool irq_level[FAKE_IRQS_MAX];

	bool waiting;
	bool handed_over;
	uint32_t handed_queue;
	uint64_t wait_base;
	uint64_t waits;
	void (*on_wait)(void *opaque);
	void *on_wait_opaque;

	struct fake_eventfd eventfd[FAKE_EVENTFDS_MAX];
	size_t nr_eventfds;
	uint32_t refuse;
	bool leaves;
	uint64_t answered;

	bool dying;
	bool gone;
	bool shutdown;
	uint8_t shutdown_code;
	bool paused;

	bool no_memory_files;
	uint64_t forgotten;

	size_t handles;
	size_t fds;
	int (*serve)(void *ctx);
	void *serve_ctx;

	uint64_t calls;
	uint64_t failed;
	uint64_t fail_nth;
	int fail_result;
	enum fake_fault_mode fail_mode;
	bool fail_unmap;
};

static inline struct fake_handle *to_handle(struct xenvirtio_hv *hv)
{
	return (struct fake_handle *)hv;
}

/* hv-fake.c: count a seam call. Return: 0, or what it must fail with */
int fake_count_call(struct fake *f, bool is_unmap);

/* hv-fake-view.c */
/** fake_view_init() - memory for all frames, all zero. Return: 0; -errno */
int fake_view_init(struct fake *f);
void fake_view_fini(struct fake *f);
/** fake_view_read/write() - a frame as the guest sees it */
const void *fake_view_read(const struct fake *f, uint32_t frame);
void *fake_view_write(struct fake *f, uint32_t frame);
/** fake_view_map() - for @m->frame[0..nr), which are owned: sets va. Return: 0; -errno */
int fake_view_map(struct fake *f, struct fake_mapping *m, bool writable);
void fake_view_unmap(struct fake *f, struct fake_mapping *m);
/** fake_view_revoke() - private memory in its place. Return: 0; -errno */
int fake_view_revoke(struct fake_mapping *m);
/** fake_view_clear() - the frame is free: its next owner finds zeroes */
void fake_view_clear(struct fake *f, uint32_t frame);

/* hv-fake-mem.c */
int fake_mem_init(struct fake *f);
/** fake_mem_fill() - all frames free but those that the guest has at first */
void fake_mem_fill(struct fake *f);
void fake_mem_fini(struct fake *f);
void fake_mem_close_handle(struct fake_handle *h);
int fake_op_ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max,
		       size_t *nr);
int fake_op_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
		bool writable, void **va);
int fake_op_revoke(struct xenvirtio_hv *hv, void *va, size_t nr);
int fake_op_frames_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
			   bool *present);
int fake_op_unmap(struct xenvirtio_hv *hv, void *va, size_t nr);
int fake_op_release_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
			  unsigned int order, size_t *done);
int fake_op_populate_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
			   unsigned int order, size_t *done);
int fake_op_move_extents(struct xenvirtio_hv *hv, bool release, uint64_t tot_pages, const struct xenvirtio_extent *extent, size_t nr,
			 struct xenvirtio_domain_info *info, size_t *done);
/** fake_one_way() - handles have that, as a device's with a broker: FAKE_ONE_WAY in the environment */
bool fake_one_way(void);
/** fake_find_entry() - the p2m entry of a guest frame; NULL outside RAM */
uint32_t *fake_find_entry(const struct fake *f, uint64_t gfn);
/** fake_take_frame() - only when the caller has seen that there is one */
uint32_t fake_take_frame(struct fake *f);
/** fake_drop_frame() - it is nobody's, unless it is mapped */
void fake_drop_frame(struct fake *f, uint32_t frame);

/* hv-fake-pod.c */
/** fake_pod_touch() - somebody looks at the frame. Return: false: Xen would crash the domain */
bool fake_pod_touch(struct fake *f, uint32_t *entry);
/** fake_pod_forget() - something else is put there */
void fake_pod_forget(struct fake *f, uint32_t *entry);
/** fake_pod_release() - what of an extent is released here. Return: frames */
uint64_t fake_pod_release(struct fake *f, uint64_t start, uint64_t nr);
int fake_op_pod_info(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info);
int fake_op_memory_file(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd,
			uint64_t *offset);
int fake_op_memory_forget(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr);

/* hv-fake-eventfd.c */
/** fake_eventfd_claim() - whether the host answers this access itself; @data: out, of a read */
bool fake_eventfd_claim(struct fake *f, const struct fake_server *s,
			const struct xenvirtio_ioreq *req, uint64_t *data);
/** fake_quiet() - nobody can be waiting for a descriptor of a server: it has none */
static inline bool fake_quiet(const struct fake *f)
{
	return f->config.quick && !f->config.eventfd_features;
}

/** fake_eventfd_settle() - take what was written to irqfds */
void fake_eventfd_settle(struct fake *f);
/** fake_eventfd_drop() - the handle's go; @counts: the caller should have taken them away */
void fake_eventfd_drop(struct fake_handle *h, bool counts);
int fake_op_eventfd_features(struct xenvirtio_hv *hv, uint32_t *features);
int fake_op_ioeventfd_add(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue,
			  int fd);
int fake_op_ioeventfd_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue,
			  int fd);
int fake_op_irqfd_add(struct xenvirtio_hv *hv, uint32_t irq, int fd);
int fake_op_irqfd_del(struct xenvirtio_hv *hv, uint32_t irq, int fd);
int fake_op_field_add(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field);
int fake_op_field_del(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field);
int fake_op_registers_add(struct xenvirtio_hv *hv, const struct xenvirtio_irq_registers *regs);
int fake_op_registers_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t *status);
int fake_op_kick_wait(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t idle_us, int fd,
		      uint32_t *queue);

/* hv-fake-ioreq.c */
void fake_ioreq_fini(struct fake *f);
void fake_ioreq_close_handle(struct fake_handle *h);
void fake_ioreq_domain_gone(struct fake *f);
int fake_op_ioreq_open(struct xenvirtio_hv *hv, const struct xenvirtio_gpa_range *range,
		       size_t nr, uint16_t *id);
int fake_op_ioreq_close(struct xenvirtio_hv *hv);
int fake_op_ioreq_fd(struct xenvirtio_hv *hv);
int fake_op_ioreq_next(struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req);
int fake_op_ioreq_complete(struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req);

#endif /* HV_FAKE_INTERNAL_H */
