/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tell the service manager how we are: sd_notify(3)'s protocol, one datagram to $NOTIFY_SOCKET.
 *
 * Not libsystemd: device processes are this program too, and each would have the library and the
 * five it needs mapped for nothing (136 KiB of its own a process, measured).
 */
#ifndef BACKEND_SERVICE_NOTIFY_H
#define BACKEND_SERVICE_NOTIFY_H

/**
 * service_notify() - such as "READY=1"
 *
 * Return: 0; XENVIRTIO_E_EMPTY nobody wants to know; -errno
 */
int service_notify(const char *text);

#endif /* BACKEND_SERVICE_NOTIFY_H */
