/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures as the control socket speaks them; the keys are a promise, written down in
 * xen-vballoon-protocol(7). Both directions, so that daemon and tool cannot drift apart.
 *
 * What is read may come from a daemon of another version, or from no daemon at all: every value is
 * checked, keys not known are passed over, and only what cannot be done without must be there.
 */
#ifndef BACKEND_FIGURES_JSON_H
#define BACKEND_FIGURES_JSON_H

#include "backend/devices/balloon/figures/balloon-figures.h"

struct json_object;

/** figures_status_json() - everything but the statistics. Return: to be put; NULL out of memory */
struct json_object *figures_status_json(const struct figures *f);
/** figures_stats_json() - the guest's statistics and their age. Return: likewise */
struct json_object *figures_stats_json(const struct figures *f);
/** figures_unused_json() - how much of the guest's memory is unused. Return: likewise */
struct json_object *figures_unused_json(const struct figures *f);

/** figures_from_status() - read a status. Return: 0; -EPROTO, and @f is half filled in */
int figures_from_status(struct figures *f, struct json_object *json);
/** figures_from_stats() - read statistics into the same figures. Return: likewise */
int figures_from_stats(struct figures *f, struct json_object *json);
/** figures_from_unused() - likewise */
int figures_from_unused(struct figures *f, struct json_object *json);

#endif /* BACKEND_FIGURES_JSON_H */
