/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where upgrades are asked for: backend/base/upgrade-words.h. No device process has a part in it.
 *
 * One asks at a time, for as long as that takes; another is told that somebody does. Who does not say what he wants is not waited for
 * long, and who does not read is forgotten: his upgrade goes on. Belongs to the thread of its event base.
 */
#ifndef BACKEND_UPGRADE_DOOR_H
#define BACKEND_UPGRADE_DOOR_H

#include "backend/base/log.h"
#include "backend/service/upgrade.h"

/** for the question */
#define UPGRADE_DOOR_MS 2000u

struct event_base;
struct upgrade_door;

/**
 * struct upgrade_door_config
 * @dir:   the state directory; made if only its last part is missing
 * @name:  of the socket
 * @group: who may ask, beside root and this process's user
 * @lent:  a listener at @name that somebody else has made, and removes; 0: there is none, and it is made
 * @begin: as supervisor_upgrade()
 */
struct upgrade_door_config {
	struct event_base *base;
	struct log *log;
	const char *dir;
	const char *name;
	const char *group;
	int lent;
	int (*begin)(void *opaque, const struct upgrade_wish *wish, const struct upgrade_listener *listener);
	void *opaque;
};

/** upgrade_door_open() - @cfg: what it points to is borrowed, but for @name. Return: 0; as access_listen(); -ENOMEM */
int upgrade_door_open(struct upgrade_door **door, const struct upgrade_door_config *cfg);
/** upgrade_door_close() - after who begins them has ended, or said that it is over; the name is gone; NULL is fine */
void upgrade_door_close(struct upgrade_door *door);

#endif /* BACKEND_UPGRADE_DOOR_H */
