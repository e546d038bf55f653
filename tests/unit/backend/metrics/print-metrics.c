// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For scripts that compare with the metrics: prints all there are, of all device types, as a scraper gets them;
 * or, given a file, the queries of a dashboard in it, one a line.
 */
#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/devices/rng/daemon/rng-daemon.h"
#include "backend/devices/vhost-user/daemon/vhost-user-daemon.h"
#include "backend/metrics/metrics-text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static void print_balloon(void)
{
	struct balloon_figures f = {
		.common = {.domid = 3, .name = "db", .path = "event-channel"},
		.stall = BALLOON_STALL_HOST,
		.stats_sequence = 1,
		.stats_valid = (1u << BALLOON_STATS) - 1,
	};

	metrics_text_write(stdout, &balloon_figures_type, &f.common, 1);
	metrics_text_write_host(stdout, &balloon_figures_type, 1048576);
}

static void print_rng(void)
{
	struct rng_figures f = {.common = {.domid = 3, .name = "db", .path = "event-channel"}};

	metrics_text_write(stdout, &rng_figures_type, &f.common, 1);
}

static void print_vhost_user(void)
{
	struct vhost_user_figures f = {.common = {.domid = 3, .name = "db", .path = "event-channel"}};

	metrics_text_write(stdout, &vhost_user_figures_type, &f.common, 1);
}

static void print_queries(struct json_object *json)
{
	if (json_object_is_type(json, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(json); i++)
			print_queries(json_object_array_get_idx(json, i));
	} else if (json_object_is_type(json, json_type_object)) {
		json_object_object_foreach(json, key, value)
		{
			if (json_object_is_type(value, json_type_string) &&
			    (!strcmp(key, "expr") || !strcmp(key, "query")))
				printf("%s\n", json_object_get_string(value));
			else
				print_queries(value);
		}
	}
}

int main(int argc, char **argv)
{
	struct json_object *json;

	if (argc == 1) {
		print_balloon();
		print_rng();
		print_vhost_user();
		return fflush(stdout) ? 1 : 0;
	}
	json = json_object_from_file(argv[1]);
	if (!json)
		fprintf(stderr, "%s: %s\n", argv[1], json_util_get_last_err());
	print_queries(json);
	json_object_put(json);
	return json ? 0 : 1;
}
