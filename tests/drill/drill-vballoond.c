// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vballoond, of the same objects, with one more command on its control socket:
 *
 *   {"cmd":"drill","attempt":N}    -> {"attempt": name, "errno": "EPERM" or "", "refused": ..., "alone": ...}
 *
 * "alone": by the filter of system calls, and by nothing else. No answer comes where the process has ended of it.
 *
 *   drill-vballoond --attempts     lists them: number, name, and "ends" where the broker ends the process for it
 *   drill-vballoond --listen       listens where attempts connect to, until it is ended
 *   drill-vballoond --free         makes those that harm nobody, unconfined, and says which go through
 *   drill-vballoond OPTION...      as xen-vballoond
 *
 * Of the environment: DRILL_OTHER is the other domain; with DRILL_UNSEALED the device's system calls are not filtered, so that all
 * else is tried by itself. The installed daemon has none of this: test-drill.sh.
 */
#include "config.h"

#include "drill/drill.h"
#include "backend/attempts.h"
#include "backend/control/control-command.h"
#include "backend/control/control.h"
#include "backend/daemon.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"

#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

#define PORT 4711
#define NAME "xenvirtio-drill"
#define HYPERCALLS 64u
#define ATTEMPTS_MAX 256
#define COMMANDS_MAX 16

/* One of either kind. */
struct made {
	char name[48];
	const struct attempt *plain;
	const struct drill_attempt *own;
	unsigned int arg;
};

static struct made made[ATTEMPTS_MAX];
static size_t nr_made;
static struct drill drill;
static struct attempt_target target = {.port = PORT, .abstract = NAME};

/* The seam at which the drill takes the filter away: the linker has the daemon call this one. */
int __real_xenvirtio_confine_calls(bool lends, const char *const *more);
int __wrap_xenvirtio_confine_calls(bool lends, const char *const *more);
int __wrap_xenvirtio_confine_calls(bool lends, const char *const *more)
{
	return getenv("DRILL_UNSEALED") ? 0 : __real_xenvirtio_confine_calls(lends, more);
}

static struct made *add(const char *name)
{
	struct made *m = &made[nr_made];

	if (nr_made == ATTEMPTS_MAX)
		abort();
	nr_made++;
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m;
}

static void add_plain(const struct attempt *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		add(list[i].name)->plain = &list[i];
}

static void add_own(const struct drill_attempt *list)
{
	for (; list->name; list++) {
		struct made *m = add(list->name);

		m->own = list;
		m->arg = list->arg;
	}
}

static void add_hypercalls(void)
{
	static const struct drill_attempt one = {.name = "hypercall", .run = drill_hypercall};

	for (unsigned int i = 0; i < HYPERCALLS; i++) {
		char name[32];
		struct made *m;

		snprintf(name, sizeof(name), "hypercall-%u", i);
		m = add(name);
		m->own = &one;
		m->arg = i;
	}
}

static void add_all(void)
{
	const struct attempt *list;
	size_t nr;

	list = attempts_list(&nr);
	add_plain(list, nr);
	list = attempts_xen_list(&nr);
	add_plain(list, nr);
	add_own(drill_xen);
	add_own(drill_memory);
	add_own(drill_store);
	add_own(drill_use);
	add_hypercalls();
}

static struct json_object *make(const struct made *m)
{
	int ret = m->plain ? m->plain->run(&target) : m->own->run(&drill, m->arg);
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "attempt", json_object_new_string(m->name));
	/* numbers of the seam's own have no name */
	json_object_object_add(o, "errno", json_object_new_string(name ? name : ret < 0 ? "error" : ""));
	json_object_object_add(o, "refused", json_object_new_boolean(ret < 0 && ret != -ENODEV));
	json_object_object_add(o, "alone", json_object_new_boolean(m->plain && !m->plain->by));
	return o;
}

static enum control_going run_drill(void *opaque, struct control_client *cl, const struct control_request *r)
{
	control_client_result(cl, r->id, make(&made[r->number]));
	return CONTROL_GOING_ON;
}

static void control(void *self, struct control_config *cfg)
{
	static const struct control_key attempt = {
		.name = "attempt", .needed = true, .end = ATTEMPTS_MAX, .wrong = "attempt: give a number of --attempts"};
	static struct control_command commands[COMMANDS_MAX];
	size_t nr = 0;

	balloon_daemon_control(self, cfg);
	for (; cfg->commands[nr].name && nr < COMMANDS_MAX - 2; nr++)
		commands[nr] = cfg->commands[nr];
	commands[nr] = (struct control_command){"drill", &attempt, run_drill};
	cfg->commands = commands;
}

static int list_attempts(void)
{
	for (size_t i = 0; i < nr_made; i++)
		printf("%zu %s%s\n", i, made[i].name, made[i].own && made[i].own->ends ? " ends" : "");
	return 0;
}

static int listen_on(int family, const void *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, address, len) || listen(fd, 16))
		perror("drill-vballoond --listen");
	return fd;
}

static void be_listener(void)
{
	const struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	memcpy(un.sun_path + 1, NAME, strlen(NAME));
	listen_on(AF_INET, &in, sizeof(in));
	listen_on(AF_UNIX, &un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(NAME)));
	for (;;)
		pause();
}

/* Each by a process of its own: some change the process that makes them. */
static int be_free(void)
{
	size_t nr;
	const struct attempt *list = attempts_list(&nr);

	target.process = getpid();
	for (size_t i = 0; i < nr; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(list[i].run(&target) < 0);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			printf("%s\n", list[i].name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct device_type type = balloon_type;
	const char *other = getenv("DRILL_OTHER");

	add_all();
	if (argc == 2 && strcmp(argv[1], "--attempts") == 0)
		return list_attempts();
	if (argc == 2 && strcmp(argv[1], "--listen") == 0)
		be_listener();
	if (argc == 2 && strcmp(argv[1], "--free") == 0)
		return be_free();
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--domid") == 0)
			drill.domid = (uint32_t)atoi(argv[i + 1]);
	}
	drill.other = other ? (uint32_t)atoi(other) : 0;
	/* it is the broker who starts here */
	drill.broker = getpid();
	target.process = getpid();
	type.control = control;
	return daemon_main(&type, argc, argv);
}
