/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures as the control socket speaks them, as far as every device has them, and what the device
 * types make theirs with. Both directions, so that daemon and tool cannot drift apart.
 *
 * Keys are a promise, written down in xen-vballoon-protocol(7). Keys not known are passed over.
 */
#ifndef BACKEND_FIGURES_JSON_H
#define BACKEND_FIGURES_JSON_H

#include "backend/figures/figures.h"

struct json_object;

/*
 * Making. A failed allocation leaves a key out of an object; that is seen at the end, once, so that
 * the way there stays readable.
 */

/** struct json_maker - an object under construction */
struct json_maker {
	struct json_object *object;
	bool failed;
};

struct json_maker json_maker_begin(void);
/** json_maker_add() - takes @value over; NULL is a failure */
void json_maker_add(struct json_maker *m, const char *key, struct json_object *value);
void json_maker_add_u64(struct json_maker *m, const char *key, uint64_t value);
void json_maker_add_text(struct json_maker *m, const char *key, const char *text);
void json_maker_add_bool(struct json_maker *m, const char *key, bool value);
/** json_maker_end() - Return: the object, to be put; NULL: something failed */
struct json_object *json_maker_end(struct json_maker *m);

/** figures_add_device() - domid and devid, the first of every answer */
void figures_add_device(struct json_maker *m, const struct figures *f);
/** figures_add_status() - all that every device's status begins with */
void figures_add_status(struct json_maker *m, const struct figures *f);
/** figures_add_guest_errors() - and what it ends with */
void figures_add_guest_errors(struct json_maker *m, const struct figures *f);

/*
 * Reading: whether the key is there and the value is right; else @value is left as it is.
 */

/** json_get_u64() - not negative, and not the saturated reading of something else */
bool json_get_u64(struct json_object *json, const char *key, uint64_t *value);
bool json_get_u32(struct json_object *json, const char *key, uint32_t *value);
bool json_get_bool(struct json_object *json, const char *key, bool *value);
/** json_get_text() - cut off at @size, and made printable: it goes to somebody's terminal */
bool json_get_text(struct json_object *json, const char *key, char *text, size_t size);

/** figures_get_device() - Return: whether @json is an object with both */
bool figures_get_device(struct figures *f, struct json_object *json);
/** figures_get_status() - Return: whether all is there that cannot be done without */
bool figures_get_status(struct figures *f, struct json_object *json);

#endif /* BACKEND_FIGURES_JSON_H */
