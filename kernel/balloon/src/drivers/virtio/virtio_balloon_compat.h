/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What 6.1 and 6.12 spell differently, for the files that both share.
 */
#ifndef VIRTIO_BALLOON_COMPAT_H
#define VIRTIO_BALLOON_COMPAT_H

#include <linux/mmzone.h>

/* 6.1: MAX_ORDER is the first order that cannot be allocated. */
#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER	(MAX_ORDER - 1)
#endif

#endif /* VIRTIO_BALLOON_COMPAT_H */
