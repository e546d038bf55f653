/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher as who has no rights sees it: struct launcher and the rest, each a question and its answer.
 */
#ifndef BACKEND_LAUNCH_CLIENT_H
#define BACKEND_LAUNCH_CLIENT_H

#include "backend/base/log.h"
#include "backend/service/launch-protocol.h"
#include "backend/service/launcher.h"
#include "backend/service/supervisor.h"

#include <sys/queue.h>

/**
 * launch_exchange - @req to the launcher, @answer from it
 * @fd: out; what came with the answer; -1: none
 *
 * Return: 0; -errno there is no launcher any more
 */
typedef int launch_exchange(void *opaque, const struct launch_request *req, struct launch_answer *answer, int *fd);

/** launch_exchange_socket() - by a socket; @opaque: its descriptor, an int */
launch_exchange launch_exchange_socket;

struct launch_handle;

struct launch_client {
	launch_exchange *exchange;
	void *opaque;
	const char *state_dir;
	struct launcher launcher;	       /* to be used once it is open */
	struct supervisor_companion companion; /* likewise */
	bool has_companion;		       /* and only then */
	LIST_HEAD(, launch_handle) handles;
};

/**
 * launch_client_open() - greet it
 * @state_dir: where signs of life are read; borrowed
 *
 * Return: 0; -EPROTONOSUPPORT it is of another version; -errno
 */
int launch_client_open(struct launch_client *c, launch_exchange *exchange, void *opaque, const char *state_dir);
void launch_client_close(struct launch_client *c);

/** launch_client_pause/unpause() - as the seam's */
int launch_client_pause(struct launch_client *c, uint32_t domid);
int launch_client_unpause(struct launch_client *c, uint32_t domid);
int launch_client_host_free(struct launch_client *c, uint64_t *kib);
/** launch_client_listener() - Return: the descriptor; -ENOENT; -errno */
int launch_client_listener(struct launch_client *c, enum launch_listener which);
void launch_client_tell(struct launch_client *c, enum launch_word word);

#endif /* BACKEND_LAUNCH_CLIENT_H */
