/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon is called and which devices are its own: all that the common code of the daemons
 * needs to know of the program it is in. Every name is a promise: users, packages and scripts go by
 * it.
 */
#ifndef BACKEND_PROGRAM_H
#define BACKEND_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

/** kinds of limited log lines a device may have for itself, log.h */
#define PROGRAM_LOG_KINDS 4

/** struct program - constant */
struct program {
	const char *name;	  /* of the process and of its lines in syslog: "xen-vballoond" */
	const char *node_type;	  /* what xl.cfg calls its devices: "virtio,device5" */
	uint16_t device_id;	  /* the same as a number: virtio 1.2, section 5 */
	const char *group;	  /* whose members may steer it, where there is such a group */
	const char *state_dir;	  /* by default */
	const char *rival_dir;	  /* that of another program for the same type of device: it may not have the device too; NULL: there is none */
	unsigned int queues_max;  /* of any of its devices; 0: not more than XENVIRTIO_STATE_QUEUES_MIN */
	bool lends;		  /* its queues are a backend's, which gets the guest's memory: broker.h */
	bool state_untyped;	  /* state files that name no device type are of this one's */
	const char *state_says;	  /* what is lost with a state file: "which pages ..." */
	const char *ram_says;	  /* which guests' RAM it keeps books of; NULL: of any */
	const char *control_tool; /* who talks to its control sockets; NULL: any client */
	const char *backend_file;   /* how the service starts backends, where there is such a file: starter/plan.h; NULL: it never does */
	const char *backend_socket; /* and where those listen, unless another place was named */
	/* what a device process may do in xenstore beside what all may, fnmatch(3), NULL-ended; NULL: nothing */
	const char *const *store_keys;	/* keys it writes, below its node; no stars: they would be as many as it likes */
	const char *const *store_reads; /* paths it reads of others; those of this domain relative */
	bool store_target_perms;	/* it may take from its guest what libxl gives it: to read memory/target */
	/** what LOG_KIND_DEVICE and those after it are, for a line on how many were left out */
	const char *log_kind[PROGRAM_LOG_KINDS];
};

#endif /* BACKEND_PROGRAM_H */
