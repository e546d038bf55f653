/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where metrics are served: a Unix socket, or a port of the loopback interface and nothing else,
 * for the exporter has no passwords. Pure.
 */
#ifndef BACKEND_METRICS_ADDRESS_H
#define BACKEND_METRICS_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct metrics_address {
	struct sockaddr_storage address;
	socklen_t len; /* 0: none */
};

/**
 * metrics_address_parse() - "unix:/run/x.sock", "127.0.0.1:9100", "[::1]:9100"
 * @why: out; on failure what is wrong, to follow the text itself
 *
 * Return: 0; -EINVAL
 */
int metrics_address_parse(const char *text, struct metrics_address *a, const char **why);

#endif /* BACKEND_METRICS_ADDRESS_H */
