// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration space of a bridged device: ours, or the backend's, of which a driver writes what is its own. It must not
 * know of queues more than how many there are.
 */
#include "backend/devices/vhost-user/bridge-internal.h"

#include <errno.h>
#include <string.h>

/** virtio 1.2, 5.11.4 */
#define TAG_BYTES 36u

/** virtio 1.2, 5.1.4: mac, status, max_virtqueue_pairs, mtu */
#define MAC_BYTES 6u
#define MTU_AT 10u

static int make_address(struct bridge *b)
{
	/* one of a group's is no device's */
	if (b->cfg.mac[0] & 1)
		return -EINVAL;
	memcpy(b->config, b->cfg.mac, MAC_BYTES);
	b->config[MTU_AT] = (uint8_t)b->cfg.mtu;
	b->config[MTU_AT + 1] = (uint8_t)(b->cfg.mtu >> 8);
	return 0;
}

uint64_t bridge_config_features(const struct bridge *b)
{
	uint64_t ours = b->cfg.kind->features_ours;

	return b->cfg.kind->config_mac && !b->cfg.mtu ? ours & ~BIT(VHOST_USER_NET_MTU) : ours;
}

int bridge_config_make(struct bridge *b, const char *tag)
{
	size_t len = tag ? strlen(tag) : 0;

	if (!b->cfg.kind->config_ours)
		return 0;
	if (b->cfg.kind->config_mac)
		return make_address(b);
	if (!len || len > TAG_BYTES)
		return -EINVAL;
	memcpy(b->config, tag, len);
	/* num_request_queues */
	b->config[TAG_BYTES] = (uint8_t)(b->cfg.kind->queues - 1);
	return 0;
}

void bridge_config_keep(struct bridge *b)
{
	uint8_t all[XENVIRTIO_CONFIG_MAX] = {0};

	if (!b->cfg.kind->config_ours && !vhost_frontend_read_config(b->front, 0, all, b->cfg.kind->config_bytes))
		memcpy(b->memory->config, all, sizeof(all));
}

void bridge_config_read(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	struct bridge *b = opaque;
	uint8_t all[XENVIRTIO_CONFIG_MAX] = {0};
	uint32_t at = b->cfg.kind->queues_at;

	if (b->cfg.kind->config_ours)
		memcpy(all, b->config, sizeof(all));
	else if (vhost_frontend_read_config(b->front, 0, all, b->cfg.kind->config_bytes))
		memcpy(all, b->memory->config, sizeof(all));
	/* more than there are here would be used in vain */
	if (at && (unsigned int)(all[at] | all[at + 1] << 8) > b->nr_queues) {
		all[at] = (uint8_t)b->nr_queues;
		all[at + 1] = 0;
	}
	memcpy(buf, all + offset, len);
}

void bridge_config_write(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	struct bridge *b = opaque;
	const struct vhost_user_kind *kind = b->cfg.kind;

	/* backends hang up for what a driver may not write */
	if (!kind->writable_at || offset != kind->writable_at || len != 1 ||
	    !(xenvirtio_device_features(b->dev) >> kind->writable_bit & 1)) {
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_ACCESS, "a configuration field that is not the driver's");
		return;
	}
	if (!vhost_frontend_write_config(b->front, offset, buf, len))
		vhost_frontend_wait(b->front);
	b->cfg.work(b->cfg.opaque);
}
