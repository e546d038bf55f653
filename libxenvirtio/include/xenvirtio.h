/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxenvirtio: write virtio-mmio backends for Xen guests.
 *
 * In the data's way, bottom up:
 *
 *   hv.h      the seam to the hypervisor
 *   gmem.h    guest memory, by copy
 *   memory-files.h  guest memory, as descriptors for another process
 *   queue.h   split virtqueues
 *   view.h    a chain's bytes in place, for system calls
 *   device.h  status machine, features, configuration space
 *   server.h  ioreq server and virtio-mmio transport
 *   store.h   xenstore: finding the device, talking to the toolstack
 *   run.h     a whole program around a device, in one call
 *   confine.h what a process gives away before it serves
 *   balloon.h, balloon-bulk.h  messages of a memory balloon
 *   extent.h  runs of frames and the extents they are cut into
 *
 * examples/virtio-rng.c is a whole backend in sixty lines.
 */
#ifndef XENVIRTIO_H
#define XENVIRTIO_H

#include <xenvirtio/balloon-bulk.h>
#include <xenvirtio/balloon.h>
#include <xenvirtio/confine.h>
#include <xenvirtio/device.h>
#include <xenvirtio/error.h>
#include <xenvirtio/extent.h>
#include <xenvirtio/gmem.h>
#include <xenvirtio/hv.h>
#include <xenvirtio/memory-files.h>
#include <xenvirtio/notify-path.h>
#include <xenvirtio/registers.h>
#include <xenvirtio/placement.h>
#include <xenvirtio/queue.h>
#include <xenvirtio/run.h>
#include <xenvirtio/server.h>
#include <xenvirtio/store.h>
#include <xenvirtio/types.h>
#include <xenvirtio/view.h>

#endif /* XENVIRTIO_H */
