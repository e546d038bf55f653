/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device process says of itself at one moment: what every device has, and, in a structure of
 * the device type's own that begins with this one, what only that type has. Plain data; it owns
 * nothing.
 *
 *   device process --> figures --figures_type.status_json()--> socket --take()--> figures elsewhere
 *                         +----- metrics-text.h --> Prometheus
 */
#ifndef BACKEND_FIGURES_H
#define BACKEND_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <xenvirtio/error.h>

struct json_object;

#define FIGURES_NAME_MAX 64
#define FIGURES_PATH_MAX 32
#define FIGURES_FEATURES_MAX 256
#define FIGURES_UNCONFINED_MAX 512

struct figures {
	uint32_t domid;
	uint32_t devid;
	char name[FIGURES_NAME_MAX]; /* of the domain when service began; empty: not known */
	char path[FIGURES_PATH_MAX]; /* how notifications travel */
	bool driver_ok;		     /* the guest's driver is at work */
	char features[FIGURES_FEATURES_MAX]; /* negotiated, blanks between; empty: none yet */
	char unconfined[FIGURES_UNCONFINED_MAX]; /* what does not confine the process, a line each; empty: all does */
	uint64_t uptime_ms; /* since the process began to serve */
	/* since the process started */
	uint64_t guest_errors[XENVIRTIO_GUEST_ERRORS];
};

/** the unit a figure is kept in; metrics are told in base units */
enum figures_unit {
	FIGURES_KIB,	/* told in bytes */
	FIGURES_NUMBER, /* bytes and counts */
	FIGURES_NS,	/* told in seconds */
};

/** struct figures_family - one metric of each device */
struct figures_family {
	const char *name; /* without the prefix */
	const char *type; /* "gauge", "counter" */
	const char *help;
	enum figures_unit unit;
	uint64_t (*value)(const struct figures *f);
};

/** requests that bring all figures of a device */
#define FIGURES_REQUESTS_MAX 2

/** struct figures_type - the figures of one device type: how they are told, and read back */
struct figures_type {
	size_t bytes; /* of one device's figures, which begin with struct figures */
	/** requests - commands of the control socket that take no key and together answer with all
	 */
	const char *requests[FIGURES_REQUESTS_MAX];
	unsigned int nr_requests;
	/**
	 * take - read the answer to request number @i, in their order; the first begins with zeroes
	 *
	 * What is read may come from a daemon of another version, or from no daemon at all: every
	 * value is checked. Return: 0; -EPROTO
	 */
	int (*take)(struct figures *f, unsigned int i, struct json_object *result);
	/** status_json - what the answer to `status` is. Return: to be put; NULL: out of memory */
	struct json_object *(*status_json)(const struct figures *f);

	const char *metrics_prefix; /* with the last underscore */
	bool host_free; /* the host's free memory is told beside them */
	const struct figures_family *families;
	size_t nr_families;
	/**
	 * write_metrics - those that are no plain value of a family; NULL: there are none
	 * @f: @nr of them, one behind the other, of this type
	 */
	void (*write_metrics)(FILE *out, const struct figures *f, size_t nr);
};

/** figures_at() - number @i of an array of figures of that type */
static inline const struct figures *figures_at(const struct figures_type *type,
					       const struct figures *array, size_t i)
{
	return (const struct figures *)((const char *)array + i * type->bytes);
}

/** figures_done - who gets the figures of all devices there are: an array of the type's */
typedef void figures_done(void *arg, const struct figures *f, size_t nr);
/** figures_collect - gets them, and calls @done once, from inside or later */
typedef void figures_collect(void *opaque, figures_done *done, void *arg);

#endif /* BACKEND_FIGURES_H */
