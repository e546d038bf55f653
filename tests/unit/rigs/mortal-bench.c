// SPDX-License-Identifier: GPL-2.0-or-later
/* See mortal-bench.h. */
#include "unit/rigs/mortal-bench.h"

#include "backend/process/process-internal.h"
#include "fake/lethal.h"
#include "fake/machine-fake.h"

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __has_feature
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
/* what a killed process had allocated is no leak */
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable()
#define __lsan_enable()
#endif

/* Of a test and its daemon. */
#define FDS_MAX 256
static bool open_before[FDS_MAX];

static int (*real_open_hv)(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log);
static int (*real_open_store)(void *opaque, struct xenvirtio_store **store);
static struct xenvirtio_hv *hv;
static struct xenvirtio_store *store;
static const struct xenvirtio_hv_ops *hv_ops;
static const struct xenvirtio_store_ops *store_ops;

static int open_hv(void *opaque, struct xenvirtio_hv **out, uint32_t domid, struct log *log)
{
	int rc = real_open_hv(opaque, out, domid, log);

	if (rc)
		return rc;
	hv = *out;
	hv_ops = hv->ops;
	lethal_wrap(hv);
	return 0;
}

static int open_store(void *opaque, struct xenvirtio_store **out)
{
	int rc = real_open_store(opaque, out);

	if (rc)
		return rc;
	store = *out;
	store_ops = store->ops;
	lethal_wrap_store(store);
	return 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

struct process_bench *mortal_bench_new(void)
{
	struct process_bench *b = process_bench_new();

	real_open_hv = b->env.open_hv;
	real_open_store = b->env.open_store;
	b->env.open_hv = open_hv;
	b->env.open_store = open_store;
	return b;
}

/* What the kernel does, and Xen and xenstored when they see it gone. */
static void bury(struct process_bench *b)
{
	machine_fake_forget(b->base);
	/* libevent has them for the whole of us */
	for (size_t i = 0; b->process && i < PROCESS_END_SIGNALS; i++)
		if (b->process->signal[i])
			event_del(b->process->signal[i]);
	if (hv) {
		hv->ops = hv_ops;
		xenvirtio_hv_close(hv);
	}
	if (store) {
		store->ops = store_ops;
		xenvirtio_store_close(store);
	}
	/* its broker goes with it */
	store_by_broker_end(&b->by_broker);
	/* its lock stays as long as it is mapped */
	if (b->process)
		state_file_close(b->process->guest.state);
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (!open_before[fd] && is_open(fd))
			close(fd);
	b->process = NULL;
	b->base = event_base_new();
	assert_non_null(b->base);
}

bool mortal_bench_live(struct process_bench *b, void (*live)(struct process_bench *b), unsigned int call, bool after)
{
	assert_null(b->process);
	/* its loop is its own, and goes with it */
	event_base_free(b->base);
	for (int fd = 0; fd < FDS_MAX; fd++)
		open_before[fd] = is_open(fd);
	hv = NULL;
	store = NULL;
	__lsan_disable();
	b->base = event_base_new();
	lethal_arm(call, after);
	if (setjmp(lethal_died)) {
		__lsan_enable();
		lethal_arm(0, false);
		bury(b);
		return true;
	}
	live(b);
	__lsan_enable();
	lethal_arm(0, false);
	return false;
}
