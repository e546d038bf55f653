// SPDX-License-Identifier: GPL-2.0-only
/*
 * The numbers of the feature bits, which no specification fixes: module parameters, off unless set.
 *
 * They are read once, when the module is loaded, and stay as they are. Bits from 64 on are more
 * than these kernels can negotiate, bits below 50 belong to the specification.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/virtio_config.h>

#include "virtio_balloon_bulk.h"

#define BIT_OFF		(-1)
#define BIT_FIRST	50
#define BIT_LAST	63

static int page_bitmap = BIT_OFF;
module_param(page_bitmap, int, 0444);
MODULE_PARM_DESC(page_bitmap, "Feature bit of page bitmaps, 50 to 63 (56 by convention; -1: off)");

static int page_chunks = BIT_OFF;
module_param(page_chunks, int, 0444);
MODULE_PARM_DESC(page_chunks, "Feature bit of page chunks, 50 to 63 (57 by convention; -1: off)");

static int host_req_vq = BIT_OFF;
module_param(host_req_vq, int, 0444);
MODULE_PARM_DESC(host_req_vq,
		 "Feature bit of the host request queue, 50 to 63 (58 by convention; -1: off)");

int vballoon_features_add(unsigned int *table, unsigned int nr)
{
	const int bits[VBALLOON_FEATURES] = { page_bitmap, page_chunks, host_req_vq };
	unsigned int i, known = nr;

	for (i = 0; i < VBALLOON_FEATURES; i++) {
		unsigned int at;

		if (bits[i] == BIT_OFF)
			continue;
		if (bits[i] < BIT_FIRST || bits[i] > BIT_LAST) {
			pr_err("virtio_balloon: feature bit %d is not in %d to %d\n", bits[i],
			       BIT_FIRST, BIT_LAST);
			return -EINVAL;
		}
		for (at = known; at < nr; at++) {
			if (table[at] == bits[i]) {
				pr_err("virtio_balloon: feature bit %d is given twice\n", bits[i]);
				return -EINVAL;
			}
		}
		table[nr++] = bits[i];
	}
	return nr;
}

static bool has_bit(struct virtio_device *vdev, int bit)
{
	return bit != BIT_OFF && virtio_has_feature(vdev, bit);
}

bool vballoon_has_host_req(struct virtio_device *vdev)
{
	return has_bit(vdev, host_req_vq);
}

struct vballoon_format vballoon_format_of(struct virtio_device *vdev)
{
	struct vballoon_format format = {
		.bitmap = has_bit(vdev, page_bitmap),
		.chunks = has_bit(vdev, page_chunks),
	};

	return format;
}
