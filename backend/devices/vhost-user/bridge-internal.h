/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a bridge: bridge.c has the queues, and what becomes of them when a backend goes away; bridge-config.c the
 * configuration space.
 */
#ifndef BACKEND_VHOST_USER_BRIDGE_INTERNAL_H
#define BACKEND_VHOST_USER_BRIDGE_INTERNAL_H

#include "backend/devices/vhost-user/bridge.h"

#include <xenvirtio/gmem.h>
#include <xenvirtio/memory-files.h>

#define BIT(n) (UINT64_C(1) << (n))

struct bridge {
	struct bridge_config cfg;
	struct vhost_frontend *front;
	struct xenvirtio_device *dev; /* NULL: not open */
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_memory_files files;
	struct bridge_memory *memory;
	struct bridge_status status;
	uint8_t config[XENVIRTIO_CONFIG_MAX]; /* where it is ours */
	unsigned int nr_queues;
	uint64_t live; /* queues, a bit each */
	uint64_t used; /* likewise: some backend has served them since they started */
	bool adopted; /* the state is another process's, until its queues have started */
	bool due;
	bool stopping; /* by a hook */
	bool refused; /* the record there is, by a backend that has no use for it */
	int rc; /* kept; 0: none */
};

/** bridge_config_make() - where it is ours. Return: 0; -EINVAL a tag that cannot be, or an address */
int bridge_config_make(struct bridge *b, const char *tag);
/** bridge_config_features() - those that are offered whatever the backend has */
uint64_t bridge_config_features(const struct bridge *b);
/** bridge_config_keep() - what the backend told, for a process that comes before there is another */
void bridge_config_keep(struct bridge *b);
/* hooks of the device */
void bridge_config_read(void *opaque, uint32_t offset, void *buf, uint32_t len);
void bridge_config_write(void *opaque, uint32_t offset, const void *buf, uint32_t len);

#endif /* BACKEND_VHOST_USER_BRIDGE_INTERNAL_H */
