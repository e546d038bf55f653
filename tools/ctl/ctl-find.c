// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding guests. A name is looked up among all domains; one that is only digits is a number, as it
 * is for xl.
 */
#include "tools/ctl/ctl-find.h"
#include "backend/base/sockets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_FIRST 4096u
#define NAMES_MAX (1u << 20)

static int list_domains(struct xenvirtio_store *store, char **names)
{
	for (size_t size = NAMES_FIRST; size <= NAMES_MAX; size *= 2) {
		int rc;

		*names = malloc(size);
		if (!*names)
			return -ENOMEM;
		rc = store->ops->list(store, "/local/domain", *names, size);
		if (!rc)
			return 0;
		free(*names);
		if (rc != -EMSGSIZE)
			return rc;
	}
	return -EMSGSIZE;
}

static int find_in_store(struct xenvirtio_store *store, const char *name, uint32_t *domid)
{
	char *names;
	int rc = list_domains(store, &names);

	if (rc)
		return rc;
	rc = -ESRCH;
	for (const char *id = names; *id && rc == -ESRCH; id += strlen(id) + 1) {
		char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

		if (strlen(id) > 9 || id[strspn(id, "0123456789")])
			continue;
		snprintf(path, sizeof(path), "/local/domain/%s/name", id);
		if (!store->ops->read(store, path, value, sizeof(value)) &&
		    strcmp(value, name) == 0) {
			*domid = (uint32_t)strtoul(id, NULL, 10);
			rc = 0;
		}
	}
	free(names);
	return rc;
}

/* Return: 0; -ESRCH there is no such domain; -ENOTCONN xenstore cannot be reached, because of @why */
static int look_up(struct ctl *ctl, uint32_t *domid, int *why)
{
	const char *name = ctl->opts->domain;
	struct xenvirtio_store *store;
	int rc;

	if (*name && strlen(name) <= 9 && !name[strspn(name, "0123456789")]) {
		*domid = (uint32_t)strtoul(name, NULL, 10);
		return 0;
	}
	*why = ctl->open_store(ctl->opaque, &store);
	if (*why)
		return -ENOTCONN;
	rc = find_in_store(store, name, domid);
	xenvirtio_store_close(store);
	return rc == -ENOENT ? -ESRCH : rc;
}

static enum ctl_exit say_no_xen(struct ctl *ctl, const char *who, int why)
{
	char text[NO_XEN_TEXT_MAX];

	ctl_say(ctl, "%s%s%s", who ? who : "", who ? ": " : "", no_xen_store(why, text));
	return CTL_EXIT_NO_XEN;
}

static bool is_permission(int rc)
{
	return rc == -EACCES || rc == -EPERM;
}

enum ctl_exit ctl_find_xen(struct ctl *ctl, const char *who)
{
	struct xenvirtio_store *store;
	int rc = ctl->open_store(ctl->opaque, &store);

	if (rc)
		return is_permission(rc) ? CTL_EXIT_DONE : say_no_xen(ctl, who, rc);
	xenvirtio_store_close(store);
	return CTL_EXIT_DONE;
}

enum ctl_exit ctl_find_domain(struct ctl *ctl, uint32_t *domid)
{
	const char *name = ctl->opts->domain;
	int why, rc = look_up(ctl, domid, &why);

	switch (rc) {
	case 0:
		return CTL_EXIT_DONE;
	case -ENOTCONN:
		if (!is_permission(why))
			return say_no_xen(ctl, name, why);
		ctl_say(ctl,
			"%s: no permission to look for that name in xenstore: give the guest's "
			"number",
			name);
		return CTL_EXIT_NO_PERMISSION;
	case -ESRCH:
		ctl_say(ctl, "%s: no such domain: xl list shows those that exist", name);
		return CTL_EXIT_NO_DAEMON;
	default:
		return ctl_fail(ctl, name, rc, NULL);
	}
}

/* Return: 0; -ENOENT, -ECONNREFUSED nobody serves it; as sockets_find() and ctl_client_open() */
static int open_served(struct ctl *ctl, struct ctl_client *client, uint32_t domid)
{
	struct control_socket *sockets;
	size_t nr;
	int rc;

	rc = sockets_find(ctl->opts->state_dir, &sockets, &nr);
	if (rc)
		return rc;
	rc = -ENOENT;
	for (size_t i = 0; i < nr; i++) {
		if (sockets[i].domid != domid ||
		    (ctl->opts->devid_given && sockets[i].devid != ctl->opts->devid))
			continue;
		rc = ctl_client_open(client, sockets[i].path);
		break;
	}
	free(sockets);
	return rc;
}

enum ctl_exit ctl_find_open(struct ctl *ctl, struct ctl_client *client, char *who)
{
	enum ctl_exit code;
	uint32_t domid;
	int rc;

	code = ctl_find_domain(ctl, &domid);
	if (code)
		return code;
	snprintf(who, CTL_WHO_MAX, "domain %" PRIu32, domid);
	rc = open_served(ctl, client, domid);
	if (rc != -ENOENT && rc != -ECONNREFUSED)
		return rc ? ctl_fail(ctl, who, rc, NULL) : CTL_EXIT_DONE;
	code = ctl_find_xen(ctl, who);
	if (code)
		return code;
	ctl_say(ctl,
		"%s: no xen-vballoond serves it: start one with xen-vballoond --domid %" PRIu32
		", or give its --state-dir",
		who, domid);
	return CTL_EXIT_NO_DAEMON;
}

int ctl_find_look(struct ctl *ctl, struct ctl_client *client, const char **missing)
{
	uint32_t domid;
	int why, rc = look_up(ctl, &domid, &why);

	*missing = "no such domain";
	if (rc == -ESRCH)
		return -ENOENT;
	if (rc)
		return rc;
	*missing = "no xen-vballoond serves it";
	rc = open_served(ctl, client, domid);
	return rc == -ECONNREFUSED ? -ENOENT : rc;
}
