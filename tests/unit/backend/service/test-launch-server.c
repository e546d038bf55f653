// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The launcher and who asks it, on processes that are only a descriptor. A watcher is believed nothing: what is no question ends
 * its connection, what may not be is refused and does nothing. Processes are the launcher's: they outlive a watcher, those that end while
 * there is none are waited for, and the next watcher is told how the others end.
 */
#include "config.h"

#include "backend/service/launch-client.h"
#include "backend/service/launch-server.h"
#include "backend/base/fd-message.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PROCESSES 8
#define FIRST_PID 1000

struct fake_process {
	uint32_t domid, devid;
	int fd; /* the test's */
	unsigned int flags;
	int ended; /* how, once it has */
	int signals;
};

struct bench {
	struct log_capture capture;
	struct event_base *base;
	struct launcher launcher;
	struct launch_server *server;
	struct launch_peer *peer; /* a watcher's */
	int other[4];		   /* ends of connections, kept open */
	unsigned int nr_others;
	struct launch_client client;
	struct fake_process process[PROCESSES];
	unsigned int nr;
	pid_t owner; /* that attach() finds; 0: nobody */
	int pauses[8];
	int listener;
	unsigned int words, companions, gone, bad;
	struct supervisor_companion companion;
};

/* --- the machine --- */

static int fake_start(void *opaque, uint32_t domid, uint32_t devid, unsigned int flags, struct process *p)
{
	struct bench *b = opaque;
	struct fake_process *f = &b->process[b->nr];

	assert_true(b->nr < PROCESSES);
	*f = (struct fake_process){.domid = domid, .devid = devid, .flags = flags, .fd = eventfd(0, EFD_CLOEXEC)};
	*p = (struct process){.pid = (pid_t)(FIRST_PID + b->nr++), .fd = dup(f->fd)};
	return 0;
}

static int fake_attach(void *opaque, uint32_t domid, uint32_t devid, struct process *p)
{
	struct bench *b = opaque;

	if (!b->owner)
		return XENVIRTIO_E_EMPTY;
	*p = (struct process){.pid = b->owner, .fd = dup(b->process[b->owner - FIRST_PID].fd)};
	return 0;
}

static enum launcher_runs fake_runs(void *opaque, const struct process *p)
{
	return p->pid == FIRST_PID ? LAUNCHER_RUNS_INSTALLED : LAUNCHER_RUNS_KEPT;
}

static void fake_signal(void *opaque, const struct process *p, int signal)
{
	struct bench *b = opaque;

	b->process[p->pid - FIRST_PID].signals = signal;
}

static void fake_detach(void *opaque, struct process *p)
{
	close(p->fd);
	p->fd = -1;
}

static void fake_reap(void *opaque, struct process *p, struct process_end *end)
{
	struct bench *b = opaque;

	*end = (struct process_end){.known = true, .value = b->process[p->pid - FIRST_PID].ended};
	fake_detach(opaque, p);
}

static void end_process(struct bench *b, unsigned int nr, int how)
{
	const uint64_t one = 1;

	b->process[nr].ended = how;
	assert_int_equal(write(b->process[nr].fd, &one, sizeof(one)), sizeof(one));
	event_base_loop(b->base, EVLOOP_NONBLOCK);
}

static int fake_pause(void *opaque, uint32_t domid, struct log *log)
{
	((struct bench *)opaque)->pauses[domid]++;
	return 0;
}

static int fake_unpause(void *opaque, uint32_t domid, struct log *log)
{
	((struct bench *)opaque)->pauses[domid]--;
	return 0;
}

static int fake_free(void *opaque, uint64_t *kib)
{
	*kib = 4096;
	return 0;
}

static int fake_listener(void *opaque, enum launch_listener which)
{
	return ((struct bench *)opaque)->listener;
}

static void fake_tell(void *opaque, enum launch_word word)
{
	((struct bench *)opaque)->words += word;
}

static void fake_gone(void *opaque, struct launch_peer *peer, bool bad)
{
	struct bench *b = opaque;

	b->gone++;
	b->bad += bad;
}

static void fake_wanted(void *opaque, uint32_t domid, uint32_t devid)
{
	((struct bench *)opaque)->companions += domid * 10 + devid;
}

static void fake_ready(void *opaque)
{
	((struct bench *)opaque)->companions += 1000;
}

/* Without a socket in between; as one that gives its descriptors away. */
static int exchange(void *opaque, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	int rc = launch_server_answer(*(struct launch_peer **)opaque, req, sizeof(*req), answer, fd);

	assert_int_equal(rc, 0);
	if (*fd >= 0)
		*fd = dup(*fd);
	return 0;
}

static struct launch_peer *connect_peer(struct bench *b, unsigned int may, int *other)
{
	struct launch_peer *peer;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	peer = launch_server_peer(b->server, pair[0], may);
	assert_non_null(peer);
	if (other)
		*other = pair[1];
	else
		b->other[b->nr_others++] = pair[1];
	return peer;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct launch_server_config cfg;

	b->base = event_base_new();
	log_capture_open(&b->capture, LOG_LEVEL_DEBUG);
	b->listener = -ENOENT;
	b->launcher = (struct launcher){
		.start = fake_start,
		.attach = fake_attach,
		.runs = fake_runs,
		.signal = fake_signal,
		.reap = fake_reap,
		.detach = fake_detach,
		.opaque = b,
	};
	b->companion = (struct supervisor_companion){.wanted = fake_wanted, .gone = fake_wanted, .ready = fake_ready, .opaque = b};
	cfg = (struct launch_server_config){
		.base = b->base,
		.log = &b->capture.log,
		.launcher = &b->launcher,
		.pause = fake_pause,
		.unpause = fake_unpause,
		.host_free = fake_free,
		.listener = fake_listener,
		.tell = fake_tell,
		.companion = &b->companion,
		.gone = fake_gone,
		.opaque = b,
	};
	assert_int_equal(launch_server_new(&b->server, &cfg), 0);
	b->peer = connect_peer(b, LAUNCH_MAY_WATCH, NULL);
	assert_int_equal(launch_client_open(&b->client, exchange, &b->peer, "/nonexistent"), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	launch_client_close(&b->client);
	launch_server_free(b->server);
	for (unsigned int i = 0; i < b->nr; i++)
		close(b->process[i].fd);
	for (unsigned int i = 0; i < b->nr_others; i++)
		close(b->other[i]);
	if (b->listener >= 0)
		close(b->listener);
	event_base_free(b->base);
	free(b);
	return 0;
}

/* A watcher dies and another comes. */
static void another_watcher(struct bench *b)
{
	launch_server_drop(b->peer);
	launch_client_close(&b->client);
	b->peer = connect_peer(b, LAUNCH_MAY_WATCH, NULL);
	assert_int_equal(launch_client_open(&b->client, exchange, &b->peer, "/nonexistent"), 0);
}

static struct process start(struct bench *b, uint32_t domid)
{
	struct process p;

	assert_int_equal(b->client.launcher.start(&b->client, domid, 0, 0, &p), 0);
	return p;
}

/* --- what it is for --- */

static void a_process_is_started_and_its_end_is_told(void **state)
{
	struct bench *b = *state;
	const struct launcher *launcher = &b->client.launcher;
	struct process p = start(b, 7);
	struct process_end end;

	assert_int_equal(p.pid, FIRST_PID);
	assert_int_equal(b->process[0].domid, 7);
	launcher->signal(launcher->opaque, &p, SIGTERM);
	assert_int_equal(b->process[0].signals, SIGTERM);
	end_process(b, 0, 3);
	launcher->reap(launcher->opaque, &p, &end);
	assert_true(end.known);
	assert_false(end.signalled);
	assert_int_equal(end.value, 3);
	assert_int_equal(p.fd, -1);
	assert_int_equal(launch_server_processes(b->server), 0);
}

static void the_rest_is_asked_for(void **state)
{
	struct bench *b = *state;
	uint64_t kib;
	int fd;

	assert_int_equal(launch_client_pause(&b->client, 5), 0);
	assert_int_equal(b->pauses[5], 1);
	assert_int_equal(launch_client_unpause(&b->client, 5), 0);
	assert_int_equal(b->pauses[5], 0);
	assert_int_equal(launch_client_host_free(&b->client, &kib), 0);
	assert_int_equal(kib, 4096);
	assert_int_equal(launch_client_listener(&b->client, LAUNCH_LISTENER_SERVICE), -ENOENT);
	b->listener = eventfd(0, EFD_CLOEXEC);
	fd = launch_client_listener(&b->client, LAUNCH_LISTENER_SERVICE);
	assert_true(fd >= 0);
	close(fd);
	launch_client_tell(&b->client, LAUNCH_READY);
	assert_int_equal(b->words, LAUNCH_READY);
	assert_true(b->client.has_companion);
	b->client.companion.wanted(&b->client, 2, 3);
	b->client.companion.ready(&b->client);
	assert_int_equal(b->companions, 1023);
}

static void one_that_takes_over_is_started_beside_the_other(void **state)
{
	struct bench *b = *state;
	const struct launcher *launcher = &b->client.launcher;
	struct process p = start(b, 1), next;

	assert_int_equal(launcher->start(launcher->opaque, 1, 0, LAUNCHER_TAKE_OVER, &next), 0);
	assert_int_equal(b->process[1].flags, LAUNCHER_TAKE_OVER);
	assert_int_equal(launcher->runs(launcher->opaque, &next), LAUNCHER_RUNS_KEPT);
	/* of one that has ended it cannot be told; nor is it told to end, as the others are */
	end_process(b, 1, 0);
	assert_int_equal(launcher->runs(launcher->opaque, &next), LAUNCHER_RUNS_OTHER);
	launch_server_end_processes(b->server);
	assert_int_equal(b->process[0].signals, SIGTERM + b->process[1].signals);
	close(p.fd);
	close(next.fd);
}

/* --- who dies --- */

static void processes_outlive_a_watcher(void **state)
{
	struct bench *b = *state;
	struct process first = start(b, 1), second = start(b, 2), again;
	struct process_end end;

	close(first.fd);
	close(second.fd);
	another_watcher(b);
	assert_int_equal(launch_server_processes(b->server), 2);
	/* found by its lock, it is the launcher's child all the same: its end is told */
	b->owner = second.pid;
	assert_int_equal(b->client.launcher.attach(&b->client, 2, 0, &again), 0);
	assert_int_equal(again.pid, second.pid);
	assert_int_equal(launch_server_processes(b->server), 2);
	end_process(b, 1, 6);
	b->client.launcher.reap(&b->client, &again, &end);
	assert_true(end.known);
	assert_int_equal(end.value, 6);
	/* and that of the other, who nobody asks for, is waited for */
	end_process(b, 0, 0);
	assert_int_equal(launch_server_processes(b->server), 0);
}

static void who_ends_while_there_is_no_watcher_is_waited_for(void **state)
{
	struct bench *b = *state;
	struct process p = start(b, 1), q = start(b, 2);

	close(p.fd);
	close(q.fd);
	/* one has ended just before, and was not asked for */
	end_process(b, 0, 1);
	assert_int_equal(launch_server_processes(b->server), 2);
	launch_server_drop(b->peer);
	assert_int_equal(launch_server_processes(b->server), 1);
	end_process(b, 1, 1);
	assert_int_equal(launch_server_processes(b->server), 0);
	b->peer = connect_peer(b, LAUNCH_MAY_WATCH, NULL);
}

static void who_is_let_go_of_is_waited_for(void **state)
{
	struct bench *b = *state;
	struct process p = start(b, 1);

	b->client.launcher.detach(&b->client, &p);
	assert_int_equal(p.fd, -1);
	end_process(b, 0, 1);
	assert_int_equal(launch_server_processes(b->server), 0);
}

/* --- what is no question --- */

static void what_is_no_question_ends_the_connection(void **state)
{
	static const struct launch_request bad[] = {
		{.op = 0},
		{.op = LAUNCH_OPS},
		{.op = UINT32_MAX},
		{.op = LAUNCH_HELLO, .value = LAUNCH_VERSION}, /* the second time */
		{.op = LAUNCH_START, .domid = 0},
		{.op = LAUNCH_START, .domid = 0x7ff0},
		{.op = LAUNCH_START, .domid = 1, .devid = 65536},
		{.op = LAUNCH_START, .domid = 1, .handle = 1},
		{.op = LAUNCH_START, .domid = 1, .value = 1},
		{.op = LAUNCH_START, .domid = 1, .zero = 1},
		{.op = LAUNCH_ATTACH, .domid = 1, .flags = 1},
		{.op = LAUNCH_SIGNAL, .domid = 1, .handle = 1, .value = SIGTERM},
		{.op = LAUNCH_REAP, .handle = 1, .value = 1},
		{.op = LAUNCH_DETACH, .handle = 1, .devid = 1},
		{.op = LAUNCH_PAUSE, .domid = 1, .devid = 1},
		{.op = LAUNCH_PAUSE, .domid = UINT32_MAX},
		{.op = LAUNCH_UNPAUSE},
		{.op = LAUNCH_HOST_FREE, .domid = 1},
		{.op = LAUNCH_LISTENER, .value = 1, .flags = 1},
		{.op = LAUNCH_TELL, .value = 1, .handle = 1},
		{.op = LAUNCH_WANTED},
		{.op = LAUNCH_ALL_SEEN, .domid = 1},
	};
	struct bench *b = *state;
	const struct launch_request good = {.op = LAUNCH_HOST_FREE};
	struct launch_answer answer;
	int fd;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(launch_server_answer(b->peer, &bad[i], sizeof(bad[i]), &answer, &fd), -EPROTO);
	for (size_t len = 0; len < sizeof(good); len++)
		assert_int_equal(launch_server_answer(b->peer, &good, len, &answer, &fd), -EPROTO);
	assert_int_equal(launch_server_answer(b->peer, &good, sizeof(good), &answer, &fd), 0);
	assert_int_equal(b->nr, 0);
	assert_int_equal(b->pauses[1], 0);
}

static void nor_is_one_before_the_greeting(void **state)
{
	struct bench *b = *state;
	struct launch_peer *peer = connect_peer(b, LAUNCH_MAY_METER, NULL);
	const struct launch_request early = {.op = LAUNCH_HOST_FREE}, other = {.op = LAUNCH_HELLO, .value = LAUNCH_VERSION + 1};
	struct launch_answer answer;
	int fd;

	assert_int_equal(launch_server_answer(peer, &early, sizeof(early), &answer, &fd), -EPROTO);
	/* of another version it is told so, and goes on being nobody */
	assert_int_equal(launch_server_answer(peer, &other, sizeof(other), &answer, &fd), 0);
	assert_int_equal(answer.ret, -EPROTONOSUPPORT);
	assert_int_equal(launch_server_answer(peer, &early, sizeof(early), &answer, &fd), -EPROTO);
}

static void a_connection_is_cut(void **state)
{
	struct bench *b = *state;
	struct launch_request bytes[2] = {{.op = LAUNCH_HELLO, .value = LAUNCH_VERSION}};
	int other, none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char byte;

	/* too long; then with a descriptor, which would fill the launcher's table */
	for (unsigned int i = 0; i < 2; i++) {
		connect_peer(b, LAUNCH_MAY_METER, &other);
		assert_int_equal(fd_message_send(other, bytes, i ? sizeof(bytes[0]) : sizeof(bytes), i ? none : -1), 0);
		event_base_loop(b->base, EVLOOP_NONBLOCK);
		assert_int_equal(b->bad, i + 1);
		assert_int_equal(recv(other, &byte, 1, MSG_DONTWAIT), 0);
		close(other);
	}
	assert_int_equal(fcntl(none, F_GETFD), FD_CLOEXEC);
	close(none);
	/* one that just ends is no fault */
	connect_peer(b, LAUNCH_MAY_METER, &other);
	close(other);
	event_base_loop(b->base, EVLOOP_NONBLOCK);
	assert_int_equal(b->gone, 3);
	assert_int_equal(b->bad, 2);
}

/* --- what may not be --- */

static void refused(struct bench *b, struct launch_peer *peer, struct launch_request req)
{
	struct launch_answer answer;
	int fd;

	assert_int_equal(launch_server_answer(peer, &req, sizeof(req), &answer, &fd), 0);
	assert_int_equal(answer.ret, -EPERM);
	assert_int_equal(fd, -1);
}

static void what_may_not_be_is_refused(void **state)
{
	struct bench *b = *state;
	struct process p = start(b, 1), q = start(b, 1);

	/* two of one device, and one flag is known */
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_START, .domid = 1});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_START, .domid = 2, .flags = LAUNCHER_TAKE_OVER << 1 | LAUNCHER_TAKE_OVER});
	assert_int_equal(b->nr, 2);
	/* a signal that it has no use for, and processes that are not its own */
	for (uint32_t signal = 0; signal < 70; signal++) {
		if (signal != SIGTERM && signal != SIGABRT && signal != SIGKILL)
			refused(b, b->peer, (struct launch_request){.op = LAUNCH_SIGNAL, .handle = 1, .value = signal});
	}
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_SIGNAL, .handle = 3, .value = SIGKILL});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_SIGNAL, .handle = FIRST_PID, .value = SIGKILL});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_REAP, .handle = 9});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_DETACH, .handle = UINT64_MAX});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_RUNS, .handle = 9});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_LISTENER, .value = LAUNCH_LISTENER_METRICS});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_LISTENER, .value = LAUNCH_LISTENERS});
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_TELL, .value = LAUNCH_WORDS});
	assert_int_equal(b->process[0].signals | b->process[1].signals, 0);
	close(p.fd);
	close(q.fd);
	assert_true(log_capture_has(&b->capture, "refused"));
}

static void a_predecessors_handle_is_worth_nothing(void **state)
{
	struct bench *b = *state;
	struct process p = start(b, 1);

	close(p.fd);
	another_watcher(b);
	refused(b, b->peer, (struct launch_request){.op = LAUNCH_SIGNAL, .handle = 1, .value = SIGKILL});
	assert_int_equal(b->process[0].signals, 0);
}

static void pauses_are_as_many_as_unpauses(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < LAUNCH_PAUSES_MAX; i++)
		assert_int_equal(launch_client_pause(&b->client, 3), 0);
	assert_int_equal(launch_client_pause(&b->client, 3), -EPERM);
	for (unsigned int i = 0; i < LAUNCH_PAUSES_MAX + LAUNCH_INHERITED_MAX; i++)
		assert_int_equal(launch_client_unpause(&b->client, 3), 0);
	/* what the toolstack has paused stays so */
	assert_int_equal(launch_client_unpause(&b->client, 3), -EPERM);
	assert_int_equal(b->pauses[3], -(int)LAUNCH_INHERITED_MAX);
}

/* Of a domain with many devices: a launcher that died had paused it once for each, and its toolstack waits. */
static void what_a_predecessor_paused_is_unpaused(void **state)
{
	struct bench *b = *state;

	b->pauses[3] = (int)LAUNCH_PAUSES_MAX;
	for (unsigned int i = 0; i < LAUNCH_PAUSES_MAX; i++)
		assert_int_equal(launch_client_unpause(&b->client, 3), 0);
	assert_int_equal(b->pauses[3], 0);
}

/* What follows from one takes the launcher's time and lines of its log. */
static void each_word_is_heard_once(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < 3; i++)
		launch_client_tell(&b->client, LAUNCH_READY);
	assert_int_equal(b->words, LAUNCH_READY);
	launch_client_tell(&b->client, LAUNCH_STOPPING);
	assert_int_equal(b->words, LAUNCH_READY + LAUNCH_STOPPING);
}

static void the_metrics_may_ask_for_little(void **state)
{
	struct bench *b = *state;
	struct launch_peer *peer = connect_peer(b, LAUNCH_MAY_METER, NULL);
	struct launch_client client;
	uint64_t kib;

	assert_int_equal(launch_client_open(&client, exchange, &peer, "/nonexistent"), 0);
	assert_int_equal(launch_client_host_free(&client, &kib), 0);
	for (uint32_t op = LAUNCH_START; op < LAUNCH_OPS; op++) {
		bool of_domain = op == LAUNCH_START || op == LAUNCH_ATTACH || op == LAUNCH_PAUSE || op == LAUNCH_UNPAUSE || op == LAUNCH_WANTED ||
				 op == LAUNCH_GONE;

		if (op != LAUNCH_HOST_FREE && op != LAUNCH_LISTENER)
			refused(b, peer, (struct launch_request){.op = op, .domid = of_domain});
	}
	refused(b, peer, (struct launch_request){.op = LAUNCH_LISTENER, .value = LAUNCH_LISTENER_SERVICE});
	refused(b, peer, (struct launch_request){.op = LAUNCH_LISTENER, .value = LAUNCH_LISTENER_UPGRADE});
	assert_int_equal(b->nr + b->words + b->companions, 0);
	/* and it is no watcher whose end lets go of processes */
	close(start(b, 1).fd);
	launch_server_drop(peer);
	assert_int_equal(launch_client_pause(&b->client, 3), 0);
	assert_int_equal(launch_server_processes(b->server), 1);
	launch_client_close(&client);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_is_started_and_its_end_is_told),
		TEST(the_rest_is_asked_for),
		TEST(one_that_takes_over_is_started_beside_the_other),
		TEST(processes_outlive_a_watcher),
		TEST(who_ends_while_there_is_no_watcher_is_waited_for),
		TEST(who_is_let_go_of_is_waited_for),
		TEST(what_is_no_question_ends_the_connection),
		TEST(nor_is_one_before_the_greeting),
		TEST(a_connection_is_cut),
		TEST(what_may_not_be_is_refused),
		TEST(a_predecessors_handle_is_worth_nothing),
		TEST(pauses_are_as_many_as_unpauses),
		TEST(what_a_predecessor_paused_is_unpaused),
		TEST(each_word_is_heard_once),
		TEST(the_metrics_may_ask_for_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
