/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of one daemon's control socket, blocking with a limit: xen-vballoon-protocol(7) from the
 * other side. What a daemon sends is checked like anything else that comes through a socket.
 */
#ifndef TOOLS_CTL_CLIENT_H
#define TOOLS_CTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/** the longest line taken from a daemon */
#define CTL_LINE_MAX 65536u
/** a daemon that does not answer in that time hangs */
#define CTL_ANSWER_MS 10000u

struct ctl_client {
	int fd;
	size_t used;
	int next_id;
	char line[CTL_LINE_MAX];
};

struct ctl_refusal {
	char code[32]; /* empty: it was no refusal */
	char message[256];
};

/** ctl_client_open() - Return: 0; -ENOENT, -ECONNREFUSED nobody is there; -EACCES; -ETIMEDOUT; -errno */
int ctl_client_open(struct ctl_client *c, const char *path);
void ctl_client_close(struct ctl_client *c);

/**
 * ctl_client_receive() - the next line
 * @json: out; to be put
 *
 * Return: 0; -ETIMEDOUT; -EPIPE the daemon closed; -EPROTO it speaks something else; -errno
 */
int ctl_client_receive(struct ctl_client *c, unsigned int timeout_ms, struct json_object **json);

/**
 * ctl_client_call() - one request and its answer
 * @command: "status"
 * @key:     its argument's name, or NULL
 * @value:   the argument as JSON text: "262144"
 * @result:  out; to be put
 * @refusal: out; filled in with -EREMOTEIO
 *
 * Events that come in between are dropped.
 * Return: 0; -EREMOTEIO the daemon answered with an error; as ctl_client_receive()
 */
int ctl_client_call(struct ctl_client *c, const char *command, const char *key, const char *value,
		    struct json_object **result, struct ctl_refusal *refusal);

#endif /* TOOLS_CTL_CLIENT_H */
