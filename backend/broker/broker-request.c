// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One question of a device process, checked and answered. The device is taken for the enemy: whatever it sends ends in an
 * operation that it may have on its own domain, in -EPERM, or in its end. Does no I/O but the seam's.
 */
#include "backend/broker/broker.h"
#include "backend/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/** LIBXL_MAXMEM_CONSTANT: what libxl grants a domain beyond its memory, in KiB, and a page: sizing/mem-set.c */
#define MAX_MEM_SLACK_KIB (1024u + 4u)
/** a line of refusals for as many of them: who sends them decides how many there are */
#define REFUSALS_PER_LINE 4096u

typedef int answer_fn(struct broker *b, const struct broker_request *req, struct broker_answer *a);

void broker_init(struct broker *b, const struct broker_config *cfg)
{
	*b = (struct broker){.cfg = *cfg, .kept = -1, .gives = -1};
}

void broker_fini(struct broker *b)
{
	xenvirtio_hv_close(b->hv);
	b->hv = NULL;
	if (b->kept >= 0)
		close(b->kept);
	b->kept = -1;
}

static int refuse(struct broker *b, const char *what)
{
	if (b->refused++ % REFUSALS_PER_LINE == 0)
		log_msg(b->cfg.log, LOG_LEVEL_WARNING, 0,
			"the device process asked for what it may not have, time %" PRIu64 ": %s", b->refused, what);
	return -EPERM;
}

/* A copy of @fd with the answer. Return: 0; -errno */
static int give(struct broker *b, int fd)
{
	b->gives = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return b->gives < 0 ? -errno : 0;
}

static int open_hv(struct broker *b)
{
	int ret = b->hv ? 0 : b->cfg.open_hv(b->cfg.opaque, &b->hv, b->cfg.domid, b->cfg.log);

	if (ret)
		b->hv = NULL;
	return ret;
}

/* Noted once: what the device can have done since does not move them. */
static int note_ram(struct broker *b)
{
	size_t nr = 0;
	int ret;

	if (b->nr_ram)
		return 0;
	ret = b->hv->ops->ram_ranges(b->hv, b->ram, BROKER_RANGES_MAX, &nr);
	if (!ret)
		b->nr_ram = nr;
	return ret;
}

static bool is_ram(const struct broker *b, uint64_t gfn, uint64_t frames)
{
	for (size_t i = 0; i < b->nr_ram; i++) {
		uint64_t start = b->ram[i].start.v, end_incl = b->ram[i].end_incl.v;

		if (gfn >= start && gfn <= end_incl && frames - 1 <= end_incl - gfn)
			return true;
	}
	return false;
}

/* The frames as the seam takes them. Return: 0; -EPERM; as ram_ranges */
static int take_frames(struct broker *b, const struct broker_request *req, struct xenvirtio_gfn *gfn)
{
	int ret = note_ram(b);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < req->nr; i++) {
		if (!is_ram(b, req->frame[i], UINT64_C(1) << req->order))
			return refuse(b, "frames that are not the guest's RAM");
		gfn[i] = xenvirtio_gfn(req->frame[i]);
	}
	return 0;
}

static int answer_extents(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	const struct xenvirtio_hv_ops *ops = b->hv->ops;
	size_t done = 0;
	int ret = take_frames(b, req, gfn);

	if (ret)
		return ret;
	ret = (req->op == BROKER_RELEASE ? ops->release_pages : ops->populate_pages)(b->hv, gfn, req->nr, req->order,
										     &done);
	a->done = done;
	return ret;
}

/* What the domain is now. */
static int tell_domain(struct broker *b, struct broker_domain *told)
{
	struct xenvirtio_domain_info info;
	int ret = b->hv->ops->domain_info(b->hv, &info);

	if (ret)
		return ret;
	if (!info.paused)
		broker_sees_it_run(b);
	*told = (struct broker_domain){
		.tot_pages = info.tot_pages,
		.max_pages = info.max_pages,
		.nr_vcpus = info.nr_vcpus,
		.flags = (info.dying ? BROKER_DYING : 0) | (info.shutdown ? BROKER_SHUTDOWN : 0) |
			 (info.paused ? BROKER_PAUSED : 0),
		.shutdown_code = info.shutdown_code,
	};
	return 0;
}

static unsigned int extent_order(const struct broker_request *req, uint32_t i)
{
	return (unsigned int)(req->frame[i] >> BROKER_ORDER_SHIFT);
}

/* Extents of one order, from number @at on: all that stand side by side. Return: as the operation of the seam */
static int move_order(struct broker *b, const struct broker_request *req, uint32_t at, uint32_t *nr, size_t *done)
{
	const struct xenvirtio_hv_ops *ops = b->hv->ops;
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	unsigned int order = extent_order(req, at);

	for (*nr = 0; at + *nr < req->nr && extent_order(req, at + *nr) == order; ++*nr)
		gfn[*nr] = xenvirtio_gfn(req->frame[at + *nr] & BROKER_EXTENT_FRAME);
	return (req->op == BROKER_RELEASE_EXTENTS ? ops->release_pages : ops->populate_pages)(b->hv, gfn, *nr, order, done);
}

/* What the device takes for holes it knows by the domain's count: they are populated only while that is so. */
static int answer_mixed(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	uint32_t at = 0, nr = 0;
	size_t done = 0;
	int ret = note_ram(b);

	for (uint32_t i = 0; !ret && i < req->nr; i++) {
		if (!is_ram(b, req->frame[i] & BROKER_EXTENT_FRAME, UINT64_C(1) << extent_order(req, i)))
			ret = refuse(b, "frames that are not the guest's RAM");
	}
	if (!ret)
		ret = tell_domain(b, &a->moved.info);
	if (!ret && req->op == BROKER_POPULATE_EXTENTS && a->moved.info.tot_pages != req->value)
		ret = XENVIRTIO_E_AGAIN;
	for (; !ret && at < req->nr && done == nr; at += nr) {
		done = 0;
		ret = move_order(b, req, at, &nr, &done);
		a->moved.done += done;
	}
	return ret;
}

static int answer_present(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	bool present[XENVIRTIO_EXTENTS_MAX];
	uint32_t at[XENVIRTIO_EXTENTS_MAX], nr = 0;
	int ret = XENVIRTIO_HV_HAS(b->hv, frames_present) ? note_ram(b) : -ENOSYS;

	/* of what is no RAM there is nothing to know: no memory that the guest may have is behind it */
	for (uint32_t i = 0; i < req->nr; i++) {
		if (is_ram(b, req->frame[i], 1)) {
			at[nr] = i;
			gfn[nr++] = xenvirtio_gfn(req->frame[i]);
		}
	}
	if (!ret && nr)
		ret = b->hv->ops->frames_present(b->hv, gfn, nr, present);
	for (uint32_t i = 0; !ret && i < nr; i++)
		a->present[at[i] / 64] |= (uint64_t)present[i] << (at[i] % 64);
	return ret;
}

static int answer_ranges(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret = note_ram(b);

	if (ret)
		return ret;
	a->ranges.nr = b->nr_ram;
	for (size_t i = 0; i < b->nr_ram; i++) {
		a->ranges.start[i] = b->ram[i].start.v;
		a->ranges.end_incl[i] = b->ram[i].end_incl.v;
	}
	return 0;
}

void broker_sees_it_run(struct broker *b)
{
	b->inherits_pause = false;
}

/* With the counts of the domain, since who asks for them asks for this next. */
static void add_pod(struct broker *b, struct broker_answer *a)
{
	struct xenvirtio_pod_info info;

	a->domain.pod_ret = XENVIRTIO_HV_HAS(b->hv, pod_info) ? b->hv->ops->pod_info(b->hv, &info) : -ENOSYS;
	if (a->domain.pod_ret)
		return;
	a->domain.pod_entries = info.entries;
	a->domain.pod_cache_pages = info.cache_pages;
}

static int answer_domain(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret = tell_domain(b, &a->domain.info);

	if (!ret)
		add_pod(b, a);
	return ret;
}

static int answer_host(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	struct xenvirtio_host_info info;
	int ret = XENVIRTIO_HV_HAS(b->hv, host_info) ? b->hv->ops->host_info(b->hv, &info) : -ENOSYS;

	if (ret)
		return ret;
	a->host.total_pages = info.total_pages;
	a->host.free_pages = info.free_pages;
	return 0;
}

static int answer_max_mem(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	uint64_t static_max_kib;
	int ret = b->cfg.static_max(b->cfg.opaque, b->cfg.domid, &static_max_kib);

	if (ret)
		return ret;
	if (req->value > MAX_MEM_SLACK_KIB && req->value - MAX_MEM_SLACK_KIB > static_max_kib)
		return refuse(b, "a max_mem above static-max");
	return b->hv->ops->set_max_mem(b->hv, req->value);
}

static int answer_pause(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret;

	if (!XENVIRTIO_HV_HAS(b->hv, unpause))
		return -ENOSYS;
	if (b->pauses >= BROKER_PAUSES_MAX)
		return refuse(b, "more pauses than it needs");
	ret = b->hv->ops->pause(b->hv);
	if (!ret)
		b->pauses++;
	return ret;
}

/* The toolstack's pauses are counted by Xen together with ours: theirs are not to be undone. */
static int answer_unpause(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret;

	if (!XENVIRTIO_HV_HAS(b->hv, unpause))
		return -ENOSYS;
	if (!b->pauses && !b->inherits_pause)
		return -EINVAL;
	ret = b->hv->ops->unpause(b->hv);
	if (ret && ret != -EINVAL)
		return ret;
	if (b->pauses)
		b->pauses--;
	else
		b->inherits_pause = false;
	return ret;
}

/* The number of what is asked for by name. The first is the device's; whether it is the right one the file will show. */
static int take_devid(struct broker *b, const struct broker_request *req)
{
	if (req->value > UINT16_MAX || (b->has_devid && req->value != b->devid))
		return refuse(b, "what belongs to another device");
	b->has_devid = true;
	b->devid = (uint32_t)req->value;
	return 0;
}

static int answer_open_state(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	struct xenvirtio_domain_info info;
	pid_t owner = 0;
	int ret = take_devid(b, req), fd;

	if (ret)
		return ret;
	if (b->kept >= 0)
		return refuse(b, "its state file a second time");
	fd = b->cfg.doors->open_state(b->cfg.doors->opaque, b->devid, &owner);
	if (fd == -EBUSY)
		a->owner = (uint64_t)owner;
	if (fd < 0)
		return fd;
	/* the lock is the device's: whoever served before does nothing any more */
	ret = b->hv->ops->domain_info(b->hv, &info);
	if (!ret)
		ret = give(b, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	b->inherits_pause = info.paused;
	b->kept = fd;
	return 0;
}

/* All other names are those of a device that has its lock. */
static int take_locked(struct broker *b, const struct broker_request *req)
{
	int ret = take_devid(b, req);

	if (!ret && b->kept < 0)
		ret = refuse(b, "what is of a device, without its lock");
	return ret;
}

static int answer_remove_state(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret = take_locked(b, req);

	return ret ? ret : b->cfg.doors->remove_state(b->cfg.doors->opaque, b->devid, b->kept);
}

static int answer_listen(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret = take_locked(b, req);

	if (!ret && b->listens)
		ret = refuse(b, "a second control socket");
	if (ret)
		return ret;
	ret = b->cfg.doors->listen_control(b->cfg.doors->opaque, b->devid);
	if (ret < 0)
		return ret;
	b->listens = true;
	b->gives = ret;
	return 0;
}

static int answer_unlisten(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret = take_locked(b, req);

	if (!ret && !b->listens)
		ret = refuse(b, "the name of a socket that it does not have");
	if (ret)
		return ret;
	b->listens = false;
	return b->cfg.doors->unlisten_control(b->cfg.doors->opaque, b->devid);
}

static int answer_read_size(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret = take_locked(b, req);

	return ret ? ret : b->cfg.doors->read_size(b->cfg.doors->opaque, b->devid, &a->kib);
}

static int answer_drop_size(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	int ret = take_locked(b, req);

	return ret ? ret : b->cfg.doors->drop_size(b->cfg.doors->opaque, b->devid);
}

static int answer_keep_size(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	if (b->kept < 0)
		return refuse(b, "to keep a size, without its lock");
	return b->cfg.doors->keep_size(b->cfg.doors->opaque, b->devid, req->value);
}

/* A backend accepts what is asked of it, and is not ours to flood. */
static int answer_connect(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	uint64_t now_ms = clock_now_ms();
	int ret = take_locked(b, req);

	if (!ret && !b->cfg.program->lends)
		ret = refuse(b, "a backend, which its devices have none of");
	if (ret)
		return ret;
	if (b->connected_ms && now_ms - b->connected_ms < BROKER_CONNECT_MS)
		return -EBUSY;
	b->connected_ms = now_ms;
	ret = b->cfg.doors->connect_backend(b->cfg.doors->opaque, b->devid);
	if (ret < 0)
		return ret;
	b->gives = ret;
	return 0;
}

/* Once each: the device keeps them, and files are few. */
static int answer_memory(struct broker *b, const struct broker_request *req, struct broker_answer *a)
{
	size_t i = 0;
	int ret;

	if (!b->cfg.program->lends || b->kept < 0)
		return refuse(b, "the guest's memory as a file");
	ret = XENVIRTIO_HV_HAS(b->hv, memory_file) ? note_ram(b) : -ENOSYS;
	if (ret)
		return ret;
	while (i < b->nr_ram && b->ram[i].start.v != req->value)
		i++;
	if (i == b->nr_ram || b->lent >> i & 1)
		return refuse(b, "a file of memory that is no range of RAM, or that it has");
	ret = b->hv->ops->memory_file(b->hv, &b->ram[i], &b->gives, &a->offset);
	if (ret)
		b->gives = -1;
	else
		b->lent |= 1u << i;
	return ret;
}

static const struct {
	answer_fn *fn;
	bool frames, order, value, extents;
} operations[BROKER_OPS] = {
	[BROKER_RELEASE] = {.fn = answer_extents, .frames = true, .order = true},
	[BROKER_POPULATE] = {.fn = answer_extents, .frames = true, .order = true},
	[BROKER_PRESENT] = {.fn = answer_present, .frames = true},
	[BROKER_RAM_RANGES] = {.fn = answer_ranges},
	[BROKER_DOMAIN_INFO] = {.fn = answer_domain},
	[BROKER_HOST_INFO] = {.fn = answer_host},
	[BROKER_SET_MAX_MEM] = {.fn = answer_max_mem, .value = true},
	[BROKER_PAUSE] = {.fn = answer_pause},
	[BROKER_UNPAUSE] = {.fn = answer_unpause},
	[BROKER_OPEN_STATE] = {.fn = answer_open_state, .value = true},
	[BROKER_REMOVE_STATE] = {.fn = answer_remove_state, .value = true},
	[BROKER_LISTEN_CONTROL] = {.fn = answer_listen, .value = true},
	[BROKER_UNLISTEN_CONTROL] = {.fn = answer_unlisten, .value = true},
	[BROKER_READ_SIZE] = {.fn = answer_read_size, .value = true},
	[BROKER_DROP_SIZE] = {.fn = answer_drop_size, .value = true},
	[BROKER_KEEP_SIZE] = {.fn = answer_keep_size, .value = true},
	[BROKER_CONNECT_BACKEND] = {.fn = answer_connect, .value = true},
	[BROKER_MEMORY_FILE] = {.fn = answer_memory, .value = true},
	[BROKER_RELEASE_EXTENTS] = {.fn = answer_mixed, .frames = true, .extents = true},
	[BROKER_POPULATE_EXTENTS] = {.fn = answer_mixed, .frames = true, .extents = true, .value = true},
};

/* Large ones first, so that there are no more hypercalls than orders. */
static bool are_extents(const struct broker_request *req)
{
	for (uint32_t i = 0; i < req->nr; i++) {
		unsigned int order = extent_order(req, i);

		if (order > (i ? extent_order(req, i - 1) : XENVIRTIO_ORDER_MAX) ||
		    req->frame[i] & ((UINT64_C(1) << order) - 1))
			return false;
	}
	return true;
}

/* Everything that can be said of a message without asking anybody. */
static bool is_question(const struct broker_request *req, size_t len)
{
	if (len < BROKER_HEADER_BYTES || req->op >= BROKER_OPS || !operations[req->op].fn)
		return false;
	if (req->nr > XENVIRTIO_EXTENTS_MAX || len != BROKER_HEADER_BYTES + req->nr * sizeof(req->frame[0]))
		return false;
	if (operations[req->op].frames != (req->nr > 0))
		return false;
	if (req->order > (operations[req->op].order ? XENVIRTIO_ORDER_MAX : 0) || req->zero || req->zero2)
		return false;
	if (req->value && !operations[req->op].value)
		return false;
	if (operations[req->op].extents)
		return are_extents(req);
	for (uint32_t i = 0; i < req->nr; i++) {
		if (req->frame[i] & ((UINT64_C(1) << req->order) - 1))
			return false;
	}
	return true;
}

/* Of an answer that is no success, what is told all the same. */
static void clear_answer(struct broker_answer *a)
{
	const struct broker_answer all = *a;

	memset(&a->ranges, 0, sizeof(a->ranges));
	if (a->op == BROKER_POPULATE_EXTENTS && a->ret == XENVIRTIO_E_AGAIN)
		a->moved = all.moved;
	else if (operations[a->op].order || operations[a->op].extents)
		a->done = all.done;
	else if (a->op == BROKER_OPEN_STATE)
		a->owner = all.owner;
}

int broker_answer(struct broker *b, const void *bytes, size_t len, struct broker_answer *answer, int *fd)
{
	struct broker_request req;

	*fd = -1;
	memset(&req, 0, BROKER_HEADER_BYTES);
	memset(answer, 0, sizeof(*answer));
	if (len <= sizeof(req))
		memcpy(&req, bytes, len);
	if (len > sizeof(req) || !is_question(&req, len))
		return -EPROTO;
	answer->op = req.op;
	answer->ret = open_hv(b);
	if (!answer->ret)
		answer->ret = operations[req.op].fn(b, &req, answer);
	if (answer->ret)
		clear_answer(answer);
	*fd = b->gives;
	b->gives = -1;
	return 0;
}
