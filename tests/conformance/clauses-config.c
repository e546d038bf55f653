// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration space and how it changes: virtio 1.2, 2.5, 3.2.1 and of 4.2.2.1 what is about ConfigGeneration.
 */
#include <string.h>

#include "conformance/clauses.h"

static int read_config(struct world *w, uint32_t offset, uint32_t size, uint64_t *val)
{
	return world_check(w, w->bus.bus.ops->read(&w->bus.bus, REG_CONFIG + offset, size, val), "reading the configuration");
}

static int read_bytes(struct world *w, uint8_t *bytes)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < w->cd->config_bytes; i++) {
		uint64_t val = 0;

		ret = read_config(w, i, 1, &val);
		bytes[i] = (uint8_t)val;
	}
	return ret;
}

static int compare(struct world *w, const uint8_t *early, const uint8_t *late)
{
	for (uint32_t i = 0; i < w->cd->config_bytes; i++)
		if (early[i] != late[i])
			return world_fail(w, "byte %u of the configuration was %#x before FEATURES_OK and %#x after DRIVER_OK", i,
					  early[i], late[i]);
	return 0;
}

static int readable_early(struct world *w)
{
	uint8_t early[XENVIRTIO_CONFIG_MAX], late[XENVIRTIO_CONFIG_MAX];
	uint64_t errors;
	int ret;

	if (!w->cd->config_bytes)
		return world_skip(w, "the device has no configuration space");
	errors = w->cd->errors ? w->cd->errors(w->cd->opaque) : 0;
	ret = driver_write(&w->driver, REG_STATUS, 1);
	if (!ret)
		ret = driver_write(&w->driver, REG_STATUS, 3);
	ret = world_check(w, ret, "ACKNOWLEDGE and DRIVER");
	if (!ret)
		ret = read_bytes(w, early);
	if (!ret && w->cd->errors && w->cd->errors(w->cd->opaque) != errors)
		return world_fail(w, "reading the configuration before FEATURES_OK was counted as an error");
	if (!ret)
		ret = world_init(w, 0);
	if (!ret)
		ret = read_bytes(w, late);
	return ret ? ret : compare(w, early, late);
}

static int little_endian(struct world *w)
{
	uint8_t bytes[XENVIRTIO_CONFIG_MAX];
	int ret;

	if (!w->cd->config_bytes)
		return world_skip(w, "the device has no configuration space");
	ret = read_bytes(w, bytes);
	for (uint32_t size = 2; !ret && size <= 4; size *= 2) {
		for (uint32_t at = 0; !ret && at + size <= w->cd->config_bytes; at += size) {
			uint64_t val = 0, want = 0;

			ret = read_config(w, at, size, &val);
			for (uint32_t i = 0; i < size; i++)
				want |= (uint64_t)bytes[at + i] << 8 * i;
			if (!ret && val != want)
				return world_fail(w, "%u bytes at %u of the configuration are %#llx, and bytewise %#llx", size, at,
						  (unsigned long long)val, (unsigned long long)want);
		}
	}
	return ret;
}

static int generation_stays(struct world *w)
{
	uint8_t bytes[XENVIRTIO_CONFIG_MAX], again[XENVIRTIO_CONFIG_MAX];
	uint32_t before;
	int ret = world_init(w, 0);

	before = world_reg(w, REG_CONFIG_GENERATION);
	if (!ret)
		ret = read_bytes(w, bytes);
	if (!ret)
		ret = read_bytes(w, again);
	if (!ret && world_reg(w, REG_CONFIG_GENERATION) == before && memcmp(bytes, again, w->cd->config_bytes))
		return world_fail(w, "the configuration changed and ConfigGeneration did not");
	return ret;
}

static int change(struct world *w)
{
	int ret = w->cd->change_config(w->cd->opaque);

	if (!ret)
		ret = world_turn(w);
	return world_check(w, ret, "the author's change_config()");
}

static int generation_changes(struct world *w)
{
	uint8_t before[XENVIRTIO_CONFIG_MAX], after[XENVIRTIO_CONFIG_MAX];
	uint32_t generation;
	int ret;

	if (!w->cd->change_config || !w->cd->config_bytes)
		return world_skip(w, "the author has no change_config()");
	ret = world_init(w, 0);
	if (!ret)
		ret = read_bytes(w, before);
	generation = world_reg(w, REG_CONFIG_GENERATION);
	if (!ret)
		ret = change(w);
	if (!ret)
		ret = read_bytes(w, after);
	if (ret)
		return ret;
	if (!memcmp(before, after, w->cd->config_bytes))
		return world_fail(w, "the author's change_config() changed nothing that can be read");
	if (world_reg(w, REG_CONFIG_GENERATION) == generation)
		return world_fail(w, "the configuration changed and ConfigGeneration did not");
	return 0;
}

static int change_is_told(struct world *w)
{
	uint64_t before;
	int ret;

	if (!w->cd->change_config)
		return world_skip(w, "the author has no change_config()");
	ret = world_init(w, 0);
	if (!ret)
		ret = world_quiet(w);
	before = world_interrupts(w);
	if (!ret)
		ret = change(w);
	if (!ret && (!(world_reg(w, REG_INTERRUPT_STATUS) & 2) || world_interrupts(w) == before))
		return world_fail(w, "the configuration changed and the driver was not told");
	return ret;
}

static int change_before_driver_ok(struct world *w)
{
	uint64_t before;
	int ret;

	if (!w->cd->change_config)
		return world_skip(w, "the author has no change_config()");
	ret = world_check(w, driver_begin(&w->driver, w->cd->device_id, w->cd->features), "an initialisation");
	before = world_interrupts(w);
	if (!ret)
		ret = change(w);
	if (!ret && world_interrupts(w) != before)
		return world_fail(w, "a notification before DRIVER_OK");
	return ret;
}

const struct clause clauses_config[] = {
	{"2.5.2", "all of the configuration space can be read before FEATURES_OK", readable_early, 0, NULL},
	{"2.5", "fields of the configuration space are little-endian, read by bytes or whole", little_endian, 0, NULL},
	{"2.5", "the configuration does not change while ConfigGeneration stays", generation_stays, 0, NULL},
	{"4.2.2.1", "ConfigGeneration changes when the configuration does", generation_changes, 0, NULL},
	{"3.2.1", "a change of the configuration is told by an interrupt, and by bit 1 of InterruptStatus", change_is_told, 0,
	 NULL},
	{"3.1.1", "a change before DRIVER_OK interrupts nobody", change_before_driver_ok, 0, NULL},
	{0},
};
