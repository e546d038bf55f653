/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drill: xen-vballoond with a back door. A client of the control socket names an attempt by its number, and the device process
 * makes it, in the middle of serving its guest, with all that it has and nothing else. For tests on real Xen, never installed.
 *
 * The attempts are those of backend/attempts.h and, here, worse ones: on another domain, on the broker, on what is used up. What has
 * gone through has done its harm, and the case looks for that, too.
 */
#ifndef TESTS_DRILL_H
#define TESTS_DRILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** struct drill - whose process it is that was taken over, and what it is turned against */
struct drill {
	uint32_t domid, other; /* its guest, and another one that there is */
	pid_t broker;
};

/**
 * struct drill_attempt - as struct attempt
 * @ends: the broker is to end the process for it: then it is not to come back
 */
struct drill_attempt {
	const char *name;
	int (*run)(const struct drill *d, unsigned int arg);
	unsigned int arg;
	bool ends;
};

/* Tables end with a name of NULL. Return of each attempt: 0: it went through; -ENODEV: there was nothing to try it on; -errno */
extern const struct drill_attempt drill_xen[];	  /* drill-xen.c: descriptors of Xen, on other domains */
extern const struct drill_attempt drill_memory[]; /* drill-broker.c: questions that are not for a device, about memory and files */
extern const struct drill_attempt drill_store[];  /* drill-store.c: about xenstore */
extern const struct drill_attempt drill_use[];	  /* drill-use.c: what can be used up, and other processes */

/** drill_hypercall() - number @arg, through each descriptor of privcmd */
int drill_hypercall(const struct drill *d, unsigned int arg);

/** drill_socket() - @which: 0 questions about memory, 1 about xenstore, 2 its events. Return: it; -ENODEV */
int drill_socket(unsigned int which);

#define DRILL_DESCRIPTORS 256

#endif /* TESTS_DRILL_H */
