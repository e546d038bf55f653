// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that was created unpaused must find its device, however early it looks: from the moment the
 * service sees the node of a new device (XenbusState 1, which nobody has served) until a process
 * serves it, or it is clear that none will for now, its domain is paused. Pauses are counted by Xen: one
 * that was created paused stays so.
 *
 * The key `held` in the node outlives a supervisor that is killed meanwhile: the next one lets go in its
 * stead. It is written after the pause, which must come before the toolstack's unpause; a kill exactly in
 * between leaves a domain that only `xl unpause` wakes.
 */
#include "backend/service/supervisor-internal.h"

#include <inttypes.h>
#include <stdio.h>

static void key_path(const struct device *dev, char *path, size_t size)
{
	snprintf(path, size, SUPERVISOR_TREE "/%" PRIu32 "/%" PRIu32 "/held", dev->domid,
		 dev->devid);
}

void hold_guest(struct device *dev)
{
	const struct supervisor_env *env = &dev->sup->env;
	char path[64];
	int rc;

	if (dev->held || !env->pause || dev->bus.state != XENVIRTIO_XENBUS_INITIALISING)
		return;
	rc = env->pause(env->opaque, dev->domid, dev->sup->log);
	if (rc < 0)
		log_msg(dev->sup->log, LOG_LEVEL_WARNING, rc,
			"domain %" PRIu32 " may look for its device before that is served", dev->domid);
	if (rc)
		return;
	dev->held = true;
	key_path(dev, path, sizeof(path));
	store_link_write(dev->sup->link, path, "1");
}

void hold_inherit(struct device *dev)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	key_path(dev, path, sizeof(path));
	dev->held = dev->sup->env.unpause &&
		    !store_link_read(dev->sup->link, path, value, sizeof(value));
}

void hold_release(struct device *dev)
{
	const struct supervisor_env *env = &dev->sup->env;
	char path[64];
	int rc;

	if (!dev->held)
		return;
	dev->held = false;
	rc = env->unpause(env->opaque, dev->domid, dev->sup->log);
	if (rc < 0)
		log_msg(dev->sup->log, LOG_LEVEL_WARNING, rc,
			"domain %" PRIu32 " stays paused: xl unpause %" PRIu32, dev->domid,
			dev->domid);
	key_path(dev, path, sizeof(path));
	/* its node may have gone with the domain, which is no error */
	store_link_remove(dev->sup->link, path);
}
