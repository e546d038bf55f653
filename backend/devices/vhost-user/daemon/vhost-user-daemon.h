/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that a vhost-user backend serves, as a device of a daemon: its one struct device_type, its options, its figures.
 */
#ifndef BACKEND_VHOST_USER_DAEMON_H
#define BACKEND_VHOST_USER_DAEMON_H

#include "backend/device/device-type.h"
#include "backend/devices/vhost-user/kinds.h"

/** how long a device waits for its backend when it is made, and then for another */
#define VHOST_USER_WAIT_MS 5000u
#define VHOST_USER_AGAIN_MS 1000u

struct vhost_user_options {
	struct options common;		    /* first: rows and processes cast */
	const struct vhost_user_kind *kind; /* NULL: not said */
	const char *tag;		    /* of a file system; points into argv, or is static */
	bool mac_given;
	uint8_t mac[6]; /* of a network device */
	uint16_t mtu;	/* likewise; 0: not said */
};

struct vhost_user_figures {
	struct figures common; /* first */
	bool connected;
	uint64_t connections; /* since the process started */
	uint64_t lost;	      /* by all processes in turn */
};

/** vhost_user_type - the table */
extern const struct device_type vhost_user_type;

/* For the table. */
extern const struct command_line vhost_user_command_line;
void vhost_user_options_default(struct options *opts);
extern const struct figures_type vhost_user_figures_type;

#endif /* BACKEND_VHOST_USER_DAEMON_H */
