/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device may do in xenstore. Pure: it is told of a question, and asks nobody.
 *
 *   read, list, get_perms, watch   its own domain's nodes and below its domain's virtio devices' nodes; "@releaseDomain" for watches;
 *                                  the number of the domain that this is
 *   read, list                     and what its type's program names of others: which sizes other guests' balloons have
 *   write, remove                  the keys that its type's program names, below one node of its domain
 *   set_perms                      memory/target of its domain, if its type says so, and nothing that lets the guest write
 *
 * The toolstack acts on what it finds in xenstore: paths of programs, process numbers. None of that is in these keys.
 */
#ifndef BACKEND_BROKER_STORE_RULES_H
#define BACKEND_BROKER_STORE_RULES_H

#include "backend/base/program.h"
#include "backend/broker/store-protocol.h"

#include <stdbool.h>

#define STORE_DEVICES_MAX 64

/**
 * struct store_rules - @program and @domid are whose
 * @backend: the domain that this is: the toolstack has the nodes of its devices below it
 */
struct store_rules {
	const struct program *program;
	uint32_t domid;
	uint32_t backend;
};

/** store_path_is_plain() - of the characters that xenstore takes, no slash twice or at the end; relative ones are of this domain */
bool store_path_is_plain(const char *path);
/** store_rules_devices() - the path below which the domain's devices have theirs */
void store_rules_devices(const struct store_rules *r, char path[STORE_DEVICES_MAX]);
/**
 * store_rules_allow() - whether the question may be asked
 * @path:  store_path_is_plain(), or "@releaseDomain"
 * @text:  of the question; "": none
 * @devid: out; of a write or a removal: the device whose node it is
 */
bool store_rules_allow(const struct store_rules *r, enum broker_store_op op, const char *path, const char *text,
		       uint32_t *devid);

#endif /* BACKEND_BROKER_STORE_RULES_H */
