// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See upgrade-door.h. What comes in is at most a line, read into one small buffer.
 */
#include "config.h"

#include "backend/service/upgrade-door.h"
#include "backend/base/access.h"
#include "backend/base/command-line.h"
#include "backend/base/state-file.h"
#include "backend/base/timer.h"
#include "backend/base/upgrade-words.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 8
/** where connections cannot be accepted, as for want of descriptors */
#define ACCEPT_AGAIN_MS 1000u

struct upgrade_door {
	struct upgrade_door_config cfg;
	char path[128];
	uid_t own; /* asked for once: a watcher is sealed by the time somebody comes */
	gid_t group;
	int listener;
	struct event *accept;
	struct timer *again;
	/* who asks; -1: nobody, or he is forgotten */
	int client;
	struct event *heard;
	struct timer *late;
	bool running; /* what was asked for */
	size_t used;
	char question[UPGRADE_QUESTION_MAX];
};

static void forget_client(struct upgrade_door *d)
{
	if (d->heard)
		event_free(d->heard);
	d->heard = NULL;
	timer_stop(d->late);
	if (d->client >= 0)
		close(d->client);
	d->client = -1;
}

/* A new connection's buffer is empty: a line fits, or nobody needs it. */
static void answer(int fd, const char *line)
{
	char text[UPGRADE_ANSWER_MAX];
	int len = snprintf(text, sizeof(text), "%s\n", line);

	send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void say(struct upgrade_door *d, const char *line, size_t len)
{
	if (d->client >= 0 && send(d->client, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
		forget_client(d);
}

static void on_told(void *opaque, uint32_t domid, uint32_t devid, enum upgrade_result result, const char *why)
{
	static const char *const words[] = {
		[UPGRADE_DONE] = UPGRADE_SAYS_DONE,
		[UPGRADE_SAME] = UPGRADE_SAYS_SAME,
		[UPGRADE_REFUSED] = UPGRADE_SAYS_REFUSED,
	};
	char line[UPGRADE_ANSWER_MAX];
	int len = snprintf(line, sizeof(line), "%" PRIu32 " %" PRIu32 " %s%s%s\n", domid, devid, words[result], why[0] ? " " : "", why);

	if (len > 0 && (size_t)len < sizeof(line))
		say(opaque, line, (size_t)len);
}

static void on_over(void *opaque)
{
	struct upgrade_door *d = opaque;

	d->running = false;
	if (d->client >= 0)
		answer(d->client, UPGRADE_SAYS_OVER);
	forget_client(d);
}

static bool take_domid(const char *text, uint32_t *domid)
{
	uint64_t v;

	if (command_line_number(text, 10, UINT16_MAX, &v))
		return false;
	*domid = (uint32_t)v;
	return true;
}

static bool parse(char *line, struct upgrade_wish *wish)
{
	char *number = strchr(line, ' ');

	if (!number)
		return false;
	*number++ = '\0';
	wish->force = strcmp(line, UPGRADE_FORCE) == 0;
	return (wish->force || strcmp(line, UPGRADE_ASK) == 0) && take_domid(number, &wish->domid);
}

static void begin(struct upgrade_door *d)
{
	const struct upgrade_listener listener = {.told = on_told, .over = on_over, .opaque = d};
	struct upgrade_wish wish;
	int rc;

	timer_stop(d->late);
	if (!parse(d->question, &wish)) {
		answer(d->client, UPGRADE_SAYS_WRONG);
		forget_client(d);
		return;
	}
	d->running = true;
	rc = d->cfg.begin(d->cfg.opaque, &wish, &listener);
	if (!rc)
		return;
	d->running = false;
	answer(d->client, UPGRADE_SAYS_BUSY);
	forget_client(d);
}

static void on_heard(evutil_socket_t fd, short what, void *opaque)
{
	struct upgrade_door *d = opaque;
	ssize_t len = read(fd, d->question + d->used, sizeof(d->question) - d->used);
	char *end;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* who has asked, and says more or goes, hears no more: what he asked for goes on */
	if (len <= 0 || d->running) {
		forget_client(d);
		return;
	}
	d->used += (size_t)len;
	end = memchr(d->question, '\n', d->used);
	if (end) {
		*end = '\0';
		begin(d);
	} else if (d->used == sizeof(d->question)) {
		answer(fd, UPGRADE_SAYS_WRONG);
		forget_client(d);
	}
}

static void on_late(void *opaque)
{
	forget_client(opaque);
}

static void on_again(void *opaque)
{
	struct upgrade_door *d = opaque;

	event_add(d->accept, NULL);
}

static void on_accept(evutil_socket_t listener, short what, void *opaque)
{
	struct upgrade_door *d = opaque;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	const char *no = NULL;

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		log_limited(d->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, -errno, "%s", d->path);
		event_del(d->accept);
		timer_set(d->again, ACCEPT_AGAIN_MS);
		return;
	}
	if (access_check_peer(fd, d->own, d->group))
		no = UPGRADE_SAYS_DENIED;
	else if (d->client >= 0 || d->running)
		no = UPGRADE_SAYS_BUSY;
	d->heard = no ? d->heard : event_new(d->cfg.base, fd, EV_READ | EV_PERSIST, on_heard, d);
	if (no || !d->heard) {
		answer(fd, no ? no : UPGRADE_SAYS_BUSY);
		close(fd);
		return;
	}
	d->client = fd;
	d->used = 0;
	event_add(d->heard, NULL);
	timer_set(d->late, UPGRADE_DOOR_MS);
}

static int start_listening(struct upgrade_door *d)
{
	int rc = d->cfg.lent ? 0 : state_file_make_dir(d->cfg.dir, d->cfg.group);

	if (rc)
		return rc;
	d->listener = d->cfg.lent ? d->cfg.lent : access_listen(d->path, d->group, BACKLOG);
	if (d->listener < 0)
		return d->listener;
	d->accept = event_new(d->cfg.base, d->listener, EV_READ | EV_PERSIST, on_accept, d);
	return d->accept && !event_add(d->accept, NULL) ? 0 : -ENOMEM;
}

int upgrade_door_open(struct upgrade_door **out, const struct upgrade_door_config *cfg)
{
	struct upgrade_door *d = calloc(1, sizeof(*d));
	int rc = 0;

	if (!d)
		return -ENOMEM;
	d->cfg = *cfg;
	d->listener = d->client = -1;
	d->own = geteuid();
	d->group = access_group(cfg->group);
	d->late = timer_new(cfg->base, on_late, d);
	d->again = timer_new(cfg->base, on_again, d);
	if (!d->late || !d->again)
		rc = -ENOMEM;
	else if (snprintf(d->path, sizeof(d->path), "%s/%s", cfg->dir, cfg->name) >= (int)sizeof(d->path))
		rc = -ENAMETOOLONG;
	else
		rc = start_listening(d);
	if (rc) {
		upgrade_door_close(d);
		return rc;
	}
	*out = d;
	return 0;
}

void upgrade_door_close(struct upgrade_door *d)
{
	if (!d)
		return;
	if (d->late)
		forget_client(d);
	if (d->accept)
		event_free(d->accept);
	if (d->listener >= 0) {
		if (!d->cfg.lent)
			unlink(d->path);
		close(d->listener);
	}
	timer_free(d->late);
	timer_free(d->again);
	free(d);
}
