/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon's figures as the control socket speaks them, both ways, see figures-json.h.
 */
#ifndef BACKEND_BALLOON_FIGURES_JSON_H
#define BACKEND_BALLOON_FIGURES_JSON_H

#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/figures/figures-json.h"

struct json_object;

/** balloon_status_json() - everything but the statistics. Return: to be put; NULL out of memory */
struct json_object *balloon_status_json(const struct balloon_figures *f);
/** balloon_stats_json() - the guest's statistics and their age. Return: likewise */
struct json_object *balloon_stats_json(const struct balloon_figures *f);
/** balloon_unused_json() - how much of the guest's memory is unused. Return: likewise */
struct json_object *balloon_unused_json(const struct balloon_figures *f);

/** balloon_from_status() - read a status. Return: 0; -EPROTO, and @f is half filled in */
int balloon_from_status(struct balloon_figures *f, struct json_object *json);
/** balloon_from_stats() - read statistics into the same figures. Return: likewise */
int balloon_from_stats(struct balloon_figures *f, struct json_object *json);
/** balloon_from_unused() - likewise */
int balloon_from_unused(struct balloon_figures *f, struct json_object *json);

#endif /* BACKEND_BALLOON_FIGURES_JSON_H */
