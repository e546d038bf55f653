/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio entropy device (virtio 1.2, 5.4): one queue, whose buffers are filled with random bytes.
 *
 * What a guest gets is bounded twice: by what one turn takes (RNG_TURN_BYTES), after which
 * the library is asked to call again (xenvirtio_device_kick_again()), and by an allowance that its
 * owner gives it from time to time. Each segment of a buffer costs RNG_SEGMENT_BYTES at least,
 * however little it holds. Knows no time.
 */
#ifndef BACKEND_RNG_H
#define BACKEND_RNG_H

#include <xenvirtio/device.h>

#define RNG_DEVICE_ID 4u
#define RNG_TURN_BYTES 16384u
#define RNG_SEGMENT_BYTES 64u
/** allowance without an end */
#define RNG_ALL UINT64_MAX

struct rng;

/** struct rng_memory - what survives the process; all zero when new */
struct rng_memory {
	uint32_t version; /* 0: new */
	uint32_t bytes;	  /* its size */
	uint64_t given;	  /* to the guest, bytes */
};

struct rng_config {
	struct xenvirtio_gmem *gmem; /* borrowed */
	/** fill - Return: 0; -errno, which ends the device: no byte is given that is not random. It
	 * must not block */
	int (*fill)(void *opaque, void *buf, size_t len);
	/** changed - figures or the allowance did; may come often, from inside any call */
	void (*changed)(void *opaque);
	void (*guest_error)(void *opaque, enum xenvirtio_guest_error kind, const char *detail);
	void *opaque;
	uint64_t allowance; /* to begin with, bytes */
};

struct rng_status {
	bool driver_ok;
	uint64_t requests; /* buffers given back since the process started */
	uint64_t given;	   /* to this guest by all processes, bytes */
	uint64_t waits;	   /* how often the allowance was used up */
	uint64_t allowance;
	uint64_t guest_errors[XENVIRTIO_GUEST_ERRORS];
};

/**
 * rng_new() - make the device
 * @memory, @state: where they live, borrowed
 *
 * Return: 0; -EBADMSG @memory or @state cannot be; -ENOMEM
 */
int rng_new(struct rng **rng, const struct rng_config *cfg, struct rng_memory *memory,
	    struct xenvirtio_device_state *state);
/** rng_free() - what is in memory and state stays; NULL is fine */
void rng_free(struct rng *rng);

struct xenvirtio_device *rng_device(struct rng *rng);

/** rng_allow() - the allowance is @bytes from now on; then rng_work() */
void rng_allow(struct rng *rng, uint64_t bytes);
/** rng_work_pending() - an allowance has come for one that waits, or was more than a turn took */
bool rng_work_pending(const struct rng *rng);
/** rng_work() - go on. Return: as xenvirtio_server_process() */
int rng_work(struct rng *rng);

void rng_get_status(const struct rng *rng, struct rng_status *status);

#endif /* BACKEND_RNG_H */
