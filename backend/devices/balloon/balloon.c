// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon device as a whole: features, configuration space, target, life.
 *
 * A reset leaves no driver that knows which frames are out, so all of them are put back (balloon-refill.c), and no new driver
 * is accepted before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/devices/balloon/balloon-internal.h"

#define QUEUE_SIZE 128
/* Qumranet's number, which drivers of every system know for virtio devices. */
#define VENDOR_ID 0x1af4

static uint64_t bit(unsigned int nr)
{
	return UINT64_C(1) << nr;
}

static uint64_t offer(unsigned int nr)
{
	return nr ? bit(nr) : 0;
}

static bool has_feature(const struct balloon *b, unsigned int nr)
{
	return nr && xenvirtio_device_features(b->dev) & bit(nr);
}

/* The inflate and deflate queues are always there, though MUST_TELL_HOST has bit 0. */
static bool has_queue(const struct balloon *b, enum balloon_vq vq)
{
	switch (vq) {
	case BALLOON_VQ_STATS:
		return has_feature(b, XENVIRTIO_BALLOON_F_STATS_VQ);
	case BALLOON_VQ_FREE_PAGE:
		return has_feature(b, XENVIRTIO_BALLOON_F_FREE_PAGE_HINT);
	case BALLOON_VQ_HOST_REQ:
		return has_feature(b, b->bits.host_req_vq);
	default:
		return true;
	}
}

/* What queue @index is for; BALLOON_VQS: nothing. */
static enum balloon_vq find_vq(const struct balloon *b, unsigned int index)
{
	unsigned int vq;

	for (vq = 0; vq < BALLOON_VQS; vq++) {
		if (has_queue(b, vq) && !index--)
			break;
	}
	return vq;
}

struct xenvirtio_queue *balloon_queue(const struct balloon *b, enum balloon_vq vq)
{
	unsigned int index = 0;

	if (!has_queue(b, vq))
		return NULL;
	for (unsigned int below = 0; below < vq; below++)
		index += has_queue(b, below);
	return xenvirtio_device_queue(b->dev, index);
}

enum xenvirtio_balloon_encoding balloon_encoding(const struct balloon *b)
{
	bool chunks = has_feature(b, b->bits.page_chunks);

	if (has_feature(b, b->bits.page_bitmap))
		return chunks ? XENVIRTIO_BALLOON_EITHER : XENVIRTIO_BALLOON_RECORDS;
	return chunks ? XENVIRTIO_BALLOON_CHUNKS : XENVIRTIO_BALLOON_PFNS;
}

/* What a driver negotiates by is what a successor must understand, whatever that one would offer. */
static uint32_t pack_bits(const struct balloon_bits *bits)
{
	return bits->page_bitmap | bits->page_chunks << 8 | bits->host_req_vq << 16;
}

static struct balloon_bits unpack_bits(uint32_t packed)
{
	return (struct balloon_bits){
		.page_bitmap = packed & 0xff,
		.page_chunks = packed >> 8 & 0xff,
		.host_req_vq = packed >> 16,
	};
}

/* Messages of 256 frames are short work, and their driver waits for each. Those of kernel/balloon have time. */
static void set_prompt(struct balloon *b, uint64_t features)
{
	uint64_t bulk = offer(b->bits.page_bitmap) | offer(b->bits.page_chunks);

	xenvirtio_device_set_prompt(b->dev, features & bulk ? 0 : 1u << XENVIRTIO_BALLOON_VQ_INFLATE | 1u << XENVIRTIO_BALLOON_VQ_DEFLATE);
}

static int check_features(void *opaque, uint64_t features)
{
	struct balloon *b = opaque;

	if (!(features & bit(XENVIRTIO_BALLOON_F_MUST_TELL_HOST))) {
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_FEATURES,
					     "the driver will not tell before it uses pages again "
					     "(MUST_TELL_HOST), which Xen needs");
		return XENVIRTIO_E_GUEST;
	}
	/* Of the frames a former driver left out, this one knows nothing. */
	if (b->refill_waiting)
		return XENVIRTIO_E_GUEST;
	b->persist->bits = pack_bits(&b->bits);
	set_prompt(b, features);
	return 0;
}

static void fill_config(const struct balloon *b, struct xenvirtio_balloon_config *config)
{
	config->num_pages = xenvirtio_le32(b->persist->target_pages);
	config->actual = xenvirtio_le32(balloon_actual(b));
	config->free_page_hint_cmd_id = xenvirtio_le32(b->persist->hint_cmd_id);
	config->poison_val = xenvirtio_le32(b->persist->poison_val);
}

static void config_read(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	struct xenvirtio_balloon_config config;

	fill_config(opaque, &config);
	memcpy(buf, (const unsigned char *)&config + offset, len);
}

void balloon_moved(struct balloon *b)
{
	bool there = b->frames.nr_set == b->persist->target_pages;

	if (!there && b->status.stall == b->told_stall && b->cfg.moved) {
		b->cfg.moved(b->cfg.opaque);
		return;
	}
	b->told_stall = b->status.stall;
	balloon_changed(b);
}

static void set_actual(struct balloon *b, uint32_t pages)
{
	__atomic_store_n(&b->persist->actual_pages, pages, __ATOMIC_RELAXED);
	b->seen_actual = pages;
}

/* Only these two are the driver's to write. What it leaves out is not touched: the host may keep another actual meanwhile. */
static void config_write(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	struct xenvirtio_balloon_config config;
	struct balloon *b = opaque;

	fill_config(b, &config);
	memcpy((unsigned char *)&config + offset, buf, len);
	b->persist->poison_val = xenvirtio_le32_get(config.poison_val);
	if (offset + len <= offsetof(struct xenvirtio_balloon_config, actual) ||
	    offset >= offsetof(struct xenvirtio_balloon_config, actual) + sizeof(config.actual))
		return;
	set_actual(b, xenvirtio_le32_get(config.actual));
	balloon_due_told(b);
	balloon_moved(b);
}

/* What the host has kept in the word meanwhile. Each message a driver has moved makes it another one. */
static bool look_at_actual(struct balloon *b)
{
	uint32_t actual = balloon_actual(b);

	if (actual == b->seen_actual)
		return false;
	b->seen_actual = actual;
	balloon_due_told(b);
	return true;
}

static void field_written(void *opaque)
{
	look_at_actual(opaque);
	balloon_moved(opaque);
}

int balloon_watch(struct balloon *b)
{
	int ret = xenvirtio_device_watch_fields(b->dev);

	if (look_at_actual(b))
		balloon_moved(b);
	return ret;
}

static int driver_ok(void *opaque)
{
	balloon_changed(opaque);
	return 0;
}

static enum balloon_work find_work(enum balloon_vq vq)
{
	static const enum balloon_work work[BALLOON_VQS] = {
		[BALLOON_VQ_INFLATE] = BALLOON_WORK_PAGES,
		[BALLOON_VQ_DEFLATE] = BALLOON_WORK_PAGES,
		[BALLOON_VQ_STATS] = BALLOON_WORK_STATS,
		[BALLOON_VQ_FREE_PAGE] = BALLOON_WORK_UNUSED,
		[BALLOON_VQ_HOST_REQ] = BALLOON_WORK_UNUSED,
	};

	return vq < BALLOON_VQS ? work[vq] : 0;
}

/* A turn of one kind. */
static int run_work(struct balloon *b, enum balloon_work work)
{
	switch (work) {
	case BALLOON_WORK_PAGES:
		return balloon_pages_run(b);
	case BALLOON_WORK_REFILL:
		return balloon_refill_run(b, BUDGET_TURN);
	case BALLOON_WORK_UNUSED:
		return balloon_unused_run(b);
	case BALLOON_WORK_STATS:
		return balloon_stats_run(b);
	default:
		return balloon_verify_run(b);
	}
}

static int kick(void *opaque, unsigned int index)
{
	struct balloon *b = opaque;
	enum balloon_work work = find_work(find_vq(b, index));

	if (look_at_actual(b))
		balloon_moved(b);
	if (!work)
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_QUEUE,
					     "a queue that was not negotiated");
	if (work == BALLOON_WORK_PAGES)
		balloon_pages_kicked(b, index);
	/*
	 * What goes on has the turn; this queue is looked at when its own comes. A vcpu that waits is not made to wait for that, and only
	 * for what is short.
	 */
	if (!work || (xenvirtio_device_at_once(b->dev) ? work == BALLOON_WORK_UNUSED || b->refill_waiting : b->work)) {
		b->work |= work;
		return 0;
	}
	return run_work(b, work);
}

/* What was popped from it is the driver's again. */
static void queue_stopped(void *opaque, unsigned int index)
{
	struct balloon *b = opaque;
	enum balloon_vq vq = find_vq(b, index);

	switch (vq) {
	case BALLOON_VQ_INFLATE:
	case BALLOON_VQ_DEFLATE:
		balloon_pages_stop(b, vq);
		break;
	case BALLOON_VQ_STATS:
		b->stats_held = false;
		break;
	case BALLOON_VQ_FREE_PAGE:
		balloon_hint_stop(b);
		break;
	case BALLOON_VQ_HOST_REQ:
		balloon_hostreq_stop(b);
		break;
	default:
		break;
	}
}

static int reset(void *opaque)
{
	struct balloon *b = opaque;
	int ret;

	balloon_pages_reset(b);
	balloon_stats_reset(b);
	balloon_unused_reset(b);
	set_actual(b, 0);
	b->persist->poison_val = 0;
	b->persist->hint_cmd_id = XENVIRTIO_BALLOON_HINT_STOP;
	b->bits = b->cfg.bits;
	ret = balloon_refill_reset(b);
	balloon_changed(b);
	return ret;
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct balloon *b = opaque;

	b->status.guest_errors[kind]++;
	if (b->cfg.guest_error)
		b->cfg.guest_error(b->cfg.opaque, kind, detail);
}

static const struct xenvirtio_device_ops device_ops = {
	.check_features = check_features,
	.config_read = config_read,
	.config_write = config_write,
	.driver_ok = driver_ok,
	.kick = kick,
	.reset = reset,
	.queue_stopped = queue_stopped,
	.field_written = field_written,
	.guest_error = guest_error,
};

/* As daemons made it that did not keep what the reservation knows. */
static size_t persist_bytes_min(const struct xenvirtio_gfn_range *range, size_t nr)
{
	uint64_t nr_frames = frames_count(range, nr);

	if (!nr_frames)
		return 0;
	return sizeof(struct balloon_persist) + frames_words(nr_frames) * sizeof(uint64_t);
}

/* As those made it that acknowledged nothing before it was released. */
static size_t persist_bytes_kept(const struct xenvirtio_gfn_range *range, size_t nr)
{
	size_t bytes = persist_bytes_min(range, nr);

	return bytes ? bytes + sizeof(uint64_t) : 0;
}

size_t balloon_persist_bytes(const struct xenvirtio_gfn_range *range, size_t nr)
{
	size_t bytes = persist_bytes_kept(range, nr);

	return bytes ? bytes + frames_words(frames_count(range, nr)) * sizeof(uint64_t) : 0;
}

static int note_ranges(struct balloon *b, struct balloon_persist *p)
{
	size_t nr;
	int ret = b->cfg.hv->ops->ram_ranges(b->cfg.hv, p->range, FRAMES_RANGES_MAX, &nr);

	if (ret)
		return ret;
	if (!frames_count(p->range, nr))
		return -EINVAL;
	/* Last: until it is set the memory is fresh. */
	__atomic_store_n(&p->nr_ranges, (uint32_t)nr, __ATOMIC_RELEASE);
	return 0;
}

static int open_persist(struct balloon *b, void *persist, size_t persist_bytes)
{
	struct balloon_persist *p = persist;
	size_t nr;
	int ret;

	if (persist_bytes < sizeof(*p))
		return -EINVAL;
	ret = p->nr_ranges ? 0 : note_ranges(b, p);
	if (ret)
		return ret;
	nr = p->nr_ranges & ~BALLOON_FLAGS;
	if (!persist_bytes_min(p->range, nr) || persist_bytes_min(p->range, nr) > persist_bytes ||
	    p->target_pages > frames_count(p->range, nr) || !balloon_refill_valid(p))
		return -EBADMSG;
	b->persist = p;
	ret = frames_init(&b->frames, p->range, nr, p->word);
	if (ret)
		return ret;
	ret = reservation_init(&b->reservation, b->cfg.hv, b->cfg.gmem, &b->frames, &p->journal);
	if (ret || persist_bytes_kept(p->range, nr) > persist_bytes)
		return ret;
	ret = reservation_keep(&b->reservation, &p->word[frames_words(b->frames.nr_frames)]);
	if (ret)
		return ret;
	if (balloon_persist_bytes(p->range, nr) > persist_bytes)
		return p->nr_ranges & BALLOON_DUE ? -EBADMSG : 0;
	return balloon_due_init(b, &p->word[frames_words(b->frames.nr_frames) + 1]);
}

/* Distinct, and in the range the specification leaves to a device. */
static bool bits_valid(const struct balloon_bits *bits)
{
	const unsigned int nr[] = { bits->page_bitmap, bits->page_chunks, bits->host_req_vq };
	uint64_t seen = 0;

	for (size_t i = 0; i < sizeof(nr) / sizeof(nr[0]); i++) {
		if (!nr[i])
			continue;
		if (nr[i] < XENVIRTIO_BALLOON_BULK_BIT_MIN ||
		    nr[i] > XENVIRTIO_BALLOON_BULK_BIT_MAX || seen & bit(nr[i]))
			return false;
		seen |= bit(nr[i]);
	}
	return true;
}

/*
 * What a stock driver reads before each message and writes after it. The words are those that survive the process: the host may be the
 * one who has them when it dies.
 */
static void note_fields(struct balloon *b)
{
	b->field[0] = (struct xenvirtio_host_field){
		.offset = offsetof(struct xenvirtio_balloon_config, num_pages), .word = &b->persist->target_pages,
	};
	b->field[1] = (struct xenvirtio_host_field){
		.offset = offsetof(struct xenvirtio_balloon_config, actual), .word = &b->persist->actual_pages, .written = true,
	};
	b->seen_actual = balloon_actual(b);
}

static int make_device(struct balloon *b, struct xenvirtio_device_state *state)
{
	struct xenvirtio_device_config config = {
		.device_id = XENVIRTIO_BALLOON_DEVICE_ID,
		.vendor_id = VENDOR_ID,
		.features = bit(XENVIRTIO_BALLOON_F_MUST_TELL_HOST) |
			    bit(XENVIRTIO_BALLOON_F_STATS_VQ) |
			    bit(XENVIRTIO_BALLOON_F_FREE_PAGE_HINT) |
			    bit(XENVIRTIO_BALLOON_F_PAGE_POISON),
		.nr_queues = BALLOON_VQS,
		.queue_size_max = QUEUE_SIZE,
		.config_bytes = sizeof(struct xenvirtio_balloon_config),
		.ops = &device_ops,
		.opaque = b,
		.host_fields = b->field,
		.nr_host_fields = HOST_FIELDS,
	};

	if (state && state->status & XENVIRTIO_STATUS_FEATURES_OK && b->persist->bits)
		b->bits = unpack_bits(b->persist->bits);
	if (!bits_valid(&b->bits))
		return -EBADMSG;
	config.features_kept = bit(XENVIRTIO_BALLOON_F_DEFLATE_ON_OOM) | offer(b->bits.page_bitmap) |
			       offer(b->bits.page_chunks) | offer(b->bits.host_req_vq);
	if (b->cfg.deflate_on_oom)
		config.features |= bit(XENVIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	config.features |= offer(b->cfg.bits.page_bitmap) | offer(b->cfg.bits.page_chunks) |
			   offer(b->cfg.bits.host_req_vq);
	return xenvirtio_device_new(&b->dev, &config, b->cfg.gmem, state);
}

/* A question whose asker died: nobody wants the answer, and the driver holds pages for it. */
static int end_hints(struct balloon *b)
{
	return b->persist->hint_cmd_id > XENVIRTIO_BALLOON_HINT_DONE ? balloon_hint_release(b) : 0;
}

int balloon_new(struct balloon **out, const struct balloon_config *cfg, void *persist,
		size_t persist_bytes, struct xenvirtio_device_state *state)
{
	struct balloon *b;
	int ret;

	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->cfg = *cfg;
	b->bits = cfg->bits;
	if (!bits_valid(&cfg->bits)) {
		free(b);
		return -EINVAL;
	}
	b->replay[0] = true;
	b->replay[1] = true;
	b->hostreq.replay = true;
	ret = open_persist(b, persist, persist_bytes);
	if (!ret)
		note_fields(b);
	if (!ret)
		ret = make_device(b, state);
	if (ret) {
		balloon_free(b);
		return ret;
	}
	set_prompt(b, xenvirtio_device_features(b->dev));
	/* died in a reset: there is no driver that has a balloon */
	if (!(xenvirtio_device_status(b->dev) & XENVIRTIO_STATUS_FEATURES_OK))
		balloon_due_reset(b);
	ret = end_hints(b);
	if (!ret)
		ret = balloon_refill_resume(b);
	if (ret) {
		balloon_free(b);
		return ret;
	}
	*out = b;
	return 0;
}

void balloon_free(struct balloon *b)
{
	if (!b)
		return;
	xenvirtio_device_free(b->dev);
	xenvirtio_runs_fini(&b->inflate.slice.runs);
	xenvirtio_runs_fini(&b->deflate.slice.runs);
	xenvirtio_runs_fini(&b->unused.slice.runs);
	xenvirtio_runs_fini(&b->refill.runs);
	balloon_due_fini(b);
	free(b->unused.frames.word);
	free(b);
}

struct xenvirtio_device *balloon_device(struct balloon *b)
{
	return b->dev;
}

int balloon_set_target(struct balloon *b, uint32_t pages)
{
	if (pages > b->frames.nr_frames)
		return -EINVAL;
	if (pages == b->persist->target_pages)
		return 0;
	__atomic_store_n(&b->persist->target_pages, pages, __ATOMIC_RELAXED);
	balloon_changed(b);
	return xenvirtio_device_config_changed(b->dev);
}

int balloon_retry(struct balloon *b)
{
	unsigned int due = b->work;
	int ret;

	/* what waits for the host's memory, and not for its turn */
	due |= b->refill_waiting ? BALLOON_WORK_REFILL : 0;
	due |= b->deflate_waiting ? BALLOON_WORK_PAGES : 0;
	if (!due)
		return 0;
	/* one kind a turn, in turn */
	if (!(due & ~b->work_done))
		b->work_done = 0;
	due &= ~b->work_done;
	due &= -due;
	b->work_done |= due;
	ret = run_work(b, due);
	/* turns of pages tell it themselves */
	if (!ret && due != BALLOON_WORK_PAGES)
		balloon_changed(b);
	return ret;
}

int balloon_give_up_pause(struct balloon *b)
{
	int ret = balloon_refill_give_up_pause(b);

	balloon_changed(b);
	return ret;
}

int balloon_remove(struct balloon *b)
{
	return balloon_refill_remove(b);
}

static uint64_t count_owed(const struct balloon *b)
{
	const struct reservation *r = &b->reservation;
	uint64_t room = r->max_pages > r->tot_pages ? r->max_pages - r->tot_pages : 0;

	return r->max_pages && room < b->frames.nr_set ? room : b->frames.nr_set;
}

bool balloon_work_pending(const struct balloon *b)
{
	return b->work;
}

void balloon_get_status(const struct balloon *b, struct balloon_status *status)
{
	*status = b->status;
	status->target_pages = b->persist->target_pages;
	status->actual_pages = balloon_actual(b);
	status->ballooned_pages = b->frames.nr_set;
	status->ram_pages = b->frames.nr_frames;
	status->due_pages = balloon_due_beside(b);
	status->stall_pages = balloon_pages_missing(b);
	status->driver_ok = xenvirtio_device_driver_ok(b->dev);
	status->owed_pages = count_owed(b);
	status->guest_paused = balloon_refill_paused(b);
	status->on_holes = balloon_refill_on_holes(b);
	status->refilling = balloon_refill_busy(b);
	status->work_pending = b->work;
	status->unused = b->unused.state;
	status->unused_via = b->unused.via;
	status->unused_pages = b->unused.frames.nr_set;
	status->poison_val = b->persist->poison_val;
	status->encoding = balloon_encoding(b);
}
