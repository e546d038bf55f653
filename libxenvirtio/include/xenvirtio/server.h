/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's devices on its bus: the ioreq server and the virtio-mmio transport in front of devices.
 *
 *   hv.ioreq_next -> range -> virtio-mmio register table -> device -> hv.ioreq_complete -> kicks
 *
 * Every request is answered, whatever it is: reads nobody claims give all-ones, writes are ignored.
 * The vcpu goes on before the kick it gave is worked on.
 *
 * Loop: the library has none of its own. Wait until xenvirtio_server_fd() is readable, then call
 * xenvirtio_server_process(). Threads: one thread per server and its devices.
 */
#ifndef XENVIRTIO_SERVER_H
#define XENVIRTIO_SERVER_H

#include <xenvirtio/device.h>
#include <xenvirtio/notify-path.h>

#ifdef __cplusplus
extern "C" {
#endif

/** bytes of one virtio-mmio window; libxl lays devices out at this stride */
#define XENVIRTIO_MMIO_BYTES 0x200u

struct xenvirtio_server;

/**
 * xenvirtio_server_new() - an empty server for one guest
 * @server: out
 * @hv:     the guest; borrowed
 * @gmem:   flushed on IOREQ_TYPE_INVALIDATE; borrowed
 *
 * Return: 0; -EINVAL @hv is of another version of the seam; -ENOMEM
 */
int xenvirtio_server_new(struct xenvirtio_server **server, struct xenvirtio_hv *hv,
			 struct xenvirtio_gmem *gmem);
/**
 * xenvirtio_server_free() - stop serving; NULL is fine
 *
 * Leaves the ioreq server in the hypervisor for a successor to adopt; call
 * xenvirtio_server_close() before to take it away.
 */
void xenvirtio_server_free(struct xenvirtio_server *server);

/**
 * xenvirtio_server_set_notify() - how notifications of devices added from now on shall travel
 * @path:    default: XENVIRTIO_NOTIFY_AUTO
 * @changed: may be NULL; called when the host refuses, while the device runs, what it had offered,
 *           and a slower path has taken over. @why: -errno. If the path is still eventfd-regs, the host
 *           does not answer for fields of the configuration space, which is told once: of -ENOMEM,
 *           RLIMIT_MEMLOCK may be too low for their words. For a log, and to publish the path;
 *           it must not call the library but for xenvirtio_server_path()
 */
void xenvirtio_server_set_notify(struct xenvirtio_server *server, enum xenvirtio_notify_path path,
				 void (*changed)(void *opaque, int why), void *opaque);

/**
 * xenvirtio_server_add() - put a device at an address; before xenvirtio_server_open()
 * @dev:  borrowed
 * @base: of its XENVIRTIO_MMIO_BYTES, 4-byte aligned
 * @irq:  its line, as hv.set_irq takes it
 *
 * Return: 0; -EINVAL; -EEXIST overlaps; -ENOSPC; -EBUSY already open; -ENOTSUP the path asked for
 *         with xenvirtio_server_set_notify() does not work on this host; XENVIRTIO_E_GONE; -errno
 */
int xenvirtio_server_add(struct xenvirtio_server *server, struct xenvirtio_device *dev,
			 struct xenvirtio_gpa base, uint32_t irq);

/**
 * xenvirtio_server_claim() - claim the window of a device that is not made yet
 * @base: as xenvirtio_server_add() will have it
 * @id:   out: of the new ioreq server, as from xenvirtio_server_open()
 *
 * For who has to wait for somebody before the device can be made, while the guest runs: a vcpu that looks there stands still until
 * xenvirtio_server_process() answers, where it would find nothing and the driver give up. One window; xenvirtio_server_open()
 * goes on with it, if the one device is at @base, and xenvirtio_server_close() answers who waits. Not for too long.
 * Return: 0; -EBUSY claimed or open already; as hv.ioreq_open
 */
int xenvirtio_server_claim(struct xenvirtio_server *server, struct xenvirtio_gpa base, uint16_t *id);

/**
 * xenvirtio_server_holds() - interrupts of a prompt queue are held back (xenvirtio_device_set_prompt())
 *
 * Then call xenvirtio_server_process() after some milliseconds, in which the guest's vcpu can run, whatever the fd says.
 */
bool xenvirtio_server_holds(const struct xenvirtio_server *server);

/**
 * xenvirtio_server_open() - claim the devices' ranges; as hv.ioreq_open
 * @id: in: XENVIRTIO_IOREQ_NEW or the server to adopt; after xenvirtio_server_claim() it is not looked at; out: its id
 *
 * After adopting, call xenvirtio_server_resume(): kicks may have been lost with the old process.
 */
int xenvirtio_server_open(struct xenvirtio_server *server, uint16_t *id);
/** xenvirtio_server_resume() - kick each enabled queue of each live device and interrupt its driver. Return: as process */
int xenvirtio_server_resume(struct xenvirtio_server *server);
/** xenvirtio_server_close() - destroy the ioreq server */
int xenvirtio_server_close(struct xenvirtio_server *server);

/** xenvirtio_server_fd() - poll this for reading; -1 when not open */
int xenvirtio_server_fd(const struct xenvirtio_server *server);
/**
 * xenvirtio_server_process() - serve what is pending, then run the kicks it gave
 *
 * Bounded: at most a few requests of each vcpu a call; the fd stays readable when more is there. On
 * a host that can (XENVIRTIO_EVENTFD_WAIT) it stays for further kicks, after one of which everything
 * was used that had been taken: until there is none for 0.2 ms, or 0.4 at most, and no longer than
 * 10 ms. An interrupt that a kick's callback asks for is delivered when it returns, at the latest.
 * Return: 0; XENVIRTIO_E_AGAIN a kick has more to do (xenvirtio_device_kick_again()): call again from the loop's next turn,
 *         whatever the fd says; XENVIRTIO_E_GONE; -errno the guest's device cannot go on
 */
int xenvirtio_server_process(struct xenvirtio_server *server);
/**
 * xenvirtio_server_path() - how notifications travel now
 *
 * Return: a name of xenvirtio_notify_path_name(), of the first device; "none" without one
 */
const char *xenvirtio_server_path(const struct xenvirtio_server *server);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_SERVER_H */
