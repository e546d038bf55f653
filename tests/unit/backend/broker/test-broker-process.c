// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker with real processes: each end of the pair may die, fall silent or send what it likes, and the other does what is
 * left to do. The device's side of these tests runs in a child of broker_start()'s.
 */
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "backend/broker/names.h"
#include "backend/base/access.h"
#include "backend/base/exit-code.h"
#include "backend/base/state-lock.h"
#include "fake/hv-fake.h"
#include "unit/rigs/log-capture.h"
#include "unit/rigs/need-pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RAM 0x40000u

static struct fake *fake;
static struct log_capture logged;
static int code, end_signal;

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return fake_open(fake, hv);
}

static char state_dir[64];
static struct names names = {.dir = state_dir, .group = "", .gid = ACCESS_NO_GROUP, .domid = 7};
static struct doors doors;

static int no_static_max(void *opaque, uint32_t domid, uint64_t *kib)
{
	return -ENOENT;
}

static struct broker_config config(void)
{
	return (struct broker_config){
		.log = &logged.log, .domid = 7, .open_hv = open_hv, .static_max = no_static_max, .doors = &doors};
}

static int setup(void **state)
{
	fake = fake_new(NULL);
	assert_non_null(fake);
	log_capture_open(&logged, LOG_LEVEL_DEBUG);
	code = end_signal = -1;
	strcpy(state_dir, "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(state_dir));
	names_doors(&doors, &names);
	return 0;
}

static int teardown(void **state)
{
	fake_free(fake);
	return rmdir(state_dir);
}

/* The broker's side of a pair whose device does what @device says; comes back when that has ended. */
static void run(int (*device)(int sock))
{
	const struct broker_config cfg = config();
	struct broker_ends ends;
	pid_t pid = broker_start(&cfg, &ends, &code, &end_signal);

	if (pid == 0)
		_exit(device(ends.memory));
	assert_true(pid > 0);
	/* it was waited for */
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

static struct xenvirtio_hv *open_client(int *sock)
{
	struct xenvirtio_hv *inner, *hv;

	if (fake_open(fake, &inner) || broker_client_open(&hv, inner, broker_exchange_socket, sock, false))
		_exit(99);
	return hv;
}

static int release_and_end(int sock)
{
	struct xenvirtio_hv *hv = open_client(&sock);
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	struct xenvirtio_domain_info before, after;
	size_t done;

	for (size_t i = 0; i < XENVIRTIO_EXTENTS_MAX; i++)
		gfn[i] = xenvirtio_gfn(RAM + i);
	if (hv->ops->domain_info(hv, &before) || hv->ops->release_pages(hv, gfn, XENVIRTIO_EXTENTS_MAX, 0, &done) ||
	    hv->ops->domain_info(hv, &after))
		return 1;
	return done == XENVIRTIO_EXTENTS_MAX && before.tot_pages - after.tot_pages == XENVIRTIO_EXTENTS_MAX ?
		       EXIT_CODE_UNSUITABLE :
		       2;
}

static void a_device_is_served_and_its_end_told(void **state)
{
	need_pidfd();
	uint64_t before = fake_tot_pages(fake);

	run(release_and_end);
	assert_int_equal(code, EXIT_CODE_UNSUITABLE);
	assert_int_equal(end_signal, 0);
	/* it was done here, not in the device's copy */
	assert_int_equal(fake_tot_pages(fake), before - XENVIRTIO_EXTENTS_MAX);
	assert_int_equal(fake_open_handles(fake), 0);
	assert_int_equal(logged.lines, 0);
}

static int die(int sock)
{
	raise(SIGKILL);
	return 0;
}

static void a_device_that_is_killed_is_told_as_that(void **state)
{
	need_pidfd();
	run(die);
	assert_int_equal(end_signal, SIGKILL);
}

static int be_silent_until_told(int sock)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getppid(), SIGTERM);
	sigwait(&set, &got);
	return got == SIGTERM ? EXIT_CODE_BUSY : 1;
}

static void a_signal_that_asks_for_the_end_is_passed_on(void **state)
{
	need_pidfd();
	run(be_silent_until_told);
	assert_int_equal(code, EXIT_CODE_BUSY);
	assert_int_equal(end_signal, 0);
}

static int say_nonsense(int sock)
{
	static const char nonsense[] = "release everything";

	if (send(sock, nonsense, sizeof(nonsense), 0) < 0)
		return 1;
	pause();
	return 2;
}

static void nonsense_ends_the_device(void **state)
{
	need_pidfd();
	run(say_nonsense);
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_int_equal(end_signal, 0);
	assert_true(log_capture_has(&logged, "is no question"));
}

static int send_more_than_fits(int sock)
{
	static char much[sizeof(struct broker_request) + 8];

	((struct broker_request *)much)->op = BROKER_DOMAIN_INFO;
	if (send(sock, much, sizeof(much), 0) < 0)
		return 1;
	pause();
	return 2;
}

static void a_message_too_long_is_not_cut_to_a_good_one(void **state)
{
	need_pidfd();
	run(send_more_than_fits);
	assert_int_equal(code, EXIT_CODE_HOST);
}

/* Questions until the queue of answers is full, and no answer is ever taken. */
static int only_ask(int sock)
{
	struct broker_request req;

	memset(&req, 0, BROKER_HEADER_BYTES);
	req.op = BROKER_DOMAIN_INFO;
	while (send(sock, &req, BROKER_HEADER_BYTES, MSG_NOSIGNAL) > 0)
		;
	pause();
	return 1;
}

static void a_device_that_takes_no_answers_is_ended(void **state)
{
	need_pidfd();
	run(only_ask);
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_true(log_capture_has(&logged, "does not take its answers"));
}

static int close_and_go_on(int sock)
{
	close(sock);
	return EXIT_CODE_NO_DEVICE;
}

static void a_closed_socket_is_not_yet_an_end(void **state)
{
	need_pidfd();
	run(close_and_go_on);
	assert_int_equal(code, EXIT_CODE_NO_DEVICE);
	assert_int_equal(logged.lines, 0);
}

static int send_two_descriptors(int sock)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct broker_request req;
	struct iovec iov = {.iov_base = &req, .iov_len = BROKER_HEADER_BYTES};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = CMSG_LEN(2 * sizeof(int))};
	int fds[2] = {0, 0};

	memset(&req, 0, BROKER_HEADER_BYTES);
	req.op = BROKER_DOMAIN_INFO;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	if (sendmsg(sock, &msg, 0) < 0)
		return 1;
	pause();
	return 2;
}

static void descriptors_are_no_question(void **state)
{
	need_pidfd();
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	close(before);
	run(send_two_descriptors);
	assert_int_equal(code, EXIT_CODE_HOST);
	/* neither was left open */
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(after);
	assert_int_equal(before, after);
}

static char lock_path[STATE_PATH_MAX];
static int told[2];

static void client_doors(struct doors *of, struct broker_seat *seat, int *sock)
{
	*seat = (struct broker_seat){.exchange = broker_exchange_socket, .opaque = sock};
	broker_client_doors(of, seat);
}

/* Has its state file, and is killed. */
static int lock_and_die(int sock)
{
	struct broker_seat seat;
	struct doors asked;
	pid_t owner;

	client_doors(&asked, &seat, &sock);
	if (asked.open_state(asked.opaque, 3, &owner) < 0)
		return 1;
	raise(SIGKILL);
	return 2;
}

/* As the broker sees it when it is done with the last hypercall: still locked. */
static bool is_locked(void)
{
	int fd = open(lock_path, O_RDWR | O_CLOEXEC);
	bool locked;

	assert_true(fd >= 0);
	locked = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

static void a_killed_devices_lock_is_kept_until_the_broker_ends(void **state)
{
	need_pidfd();
	const struct broker_config cfg = config();
	struct broker b;
	int pair[2];
	char first;
	pid_t pid;

	snprintf(lock_path, sizeof(lock_path), "%s/7-3.state", state_dir);
	/* by itself: the device has died, the broker not yet */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	broker_init(&b, &cfg);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(lock_and_die(pair[1]));
	}
	close(pair[1]);
	/* its question waits: poll() is not needed once it has been sent, which its end or its answer tells */
	while (recv(pair[0], &first, sizeof(first), MSG_PEEK) < 0)
		;
	assert_int_equal(broker_serve_one(&b, pair[0]), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(is_locked());
	assert_int_equal(broker_serve_one(&b, pair[0]), XENVIRTIO_E_EMPTY);
	broker_fini(&b);
	assert_false(is_locked());
	close(pair[0]);
	/* and as a whole */
	run(lock_and_die);
	assert_int_equal(end_signal, SIGKILL);
	assert_false(is_locked());
	unlink(lock_path);
}

/* What has a name is made by the broker and used by the device. Return: the number of the line that failed; 0 */
static int use_names(int sock)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int state, listener, client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct broker_seat seat;
	struct doors asked;
	pid_t owner;

	client_doors(&asked, &seat, &sock);
	state = asked.open_state(asked.opaque, 3, &owner);
	if (state < 0 || ftruncate(state, 4096) || !is_locked())
		return 1;
	listener = asked.listen_control(asked.opaque, 3);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/7-3.sock", state_dir);
	if (listener < 0 || connect(client, (struct sockaddr *)&address, sizeof(address)) || accept(listener, NULL, NULL) < 0)
		return 2;
	if (asked.unlisten_control(asked.opaque, 3) || access(address.sun_path, F_OK) == 0)
		return 3;
	if (asked.remove_state(asked.opaque, 3, state) || access(lock_path, F_OK) == 0)
		return 4;
	return 0;
}

static void what_has_a_name_is_the_brokers_to_make(void **state)
{
	need_pidfd();
	snprintf(lock_path, sizeof(lock_path), "%s/7-3.state", state_dir);
	run(use_names);
	assert_int_equal(code, 0);
}

/* The name may be another file's by then: that one stays. */
static int remove_what_is_anothers(int sock)
{
	struct broker_seat seat;
	struct doors asked;
	pid_t owner;
	int state;

	client_doors(&asked, &seat, &sock);
	state = asked.open_state(asked.opaque, 3, &owner);
	if (state < 0 || unlink(lock_path) || open(lock_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600) < 0)
		return 1;
	return asked.remove_state(asked.opaque, 3, state) == -ENOENT && access(lock_path, F_OK) == 0 ? 0 : 2;
}

static void the_file_that_was_locked_is_removed_and_no_other(void **state)
{
	need_pidfd();
	snprintf(lock_path, sizeof(lock_path), "%s/7-3.state", state_dir);
	run(remove_what_is_anothers);
	assert_int_equal(code, 0);
	assert_int_equal(unlink(lock_path), 0);
}

/*
 * Two programs can serve an entropy device, each with a directory of its own: who comes second is told who has it, and leaves
 * nothing behind; what there was of its own stays.
 */
static void a_device_that_another_program_has_is_refused(void **state)
{
	char rival_dir[96], rival_path[128];
	struct names ours = names;
	struct doors own;
	pid_t owner;
	int theirs, fd;

	snprintf(rival_dir, sizeof(rival_dir), "%s/rival", state_dir);
	snprintf(rival_path, sizeof(rival_path), "%s/7-3.state", rival_dir);
	snprintf(lock_path, sizeof(lock_path), "%s/7-3.state", state_dir);
	ours.rival_dir = rival_dir;
	names_doors(&own, &ours);
	fd = own.open_state(own.opaque, 3, &owner);
	assert_true(fd >= 0);
	assert_int_equal(own.remove_state(own.opaque, 3, fd), 0);
	close(fd);

	assert_int_equal(mkdir(rival_dir, 0700), 0);
	theirs = state_lock(rival_path, &owner);
	assert_true(theirs >= 0);
	assert_int_equal(own.open_state(own.opaque, 3, &owner), -EBUSY);
	assert_int_equal(owner, getpid());
	assert_int_equal(access(lock_path, F_OK), -1);
	fd = open(lock_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(own.open_state(own.opaque, 3, &owner), -EBUSY);
	assert_int_equal(access(lock_path, F_OK), 0);

	/* what a process that has ended has left is nobody's */
	close(theirs);
	fd = own.open_state(own.opaque, 3, &owner);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(lock_path), 0);
	assert_int_equal(unlink(rival_path), 0);
	assert_int_equal(rmdir(rival_dir), 0);
}

static int tell_and_wait(int sock)
{
	close(told[0]);
	if (write(told[1], "", 1) != 1)
		return 1;
	pause();
	return 2;
}

/* kill -9 of the broker: the device is gone with it, nobody ends it by hand. */
static void a_device_dies_with_its_broker(void **state)
{
	need_pidfd();
	char byte;
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		run(tell_and_wait);
		_exit(0);
	}
	close(told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* the device has the other end of it: this comes back when that has died */
	assert_int_equal(read(told[0], &byte, 1), 0);
	close(told[0]);
}

static void without_a_broker_every_question_fails(void **state)
{
	struct xenvirtio_gfn gfn = xenvirtio_gfn(RAM);
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *hv;
	size_t done = 7;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	hv = open_client(&pair[1]);
	close(pair[0]);
	assert_true(hv->ops->domain_info(hv, &info) < 0);
	assert_true(hv->ops->release_pages(hv, &gfn, 1, 0, &done) < 0);
	assert_int_equal(done, 0);
	assert_true(hv->ops->pause(hv) < 0);
	xenvirtio_hv_close(hv);
	close(pair[1]);
}

/* The broker has died with a question before it: nothing is noted by the device any more, not even that it failed. */
static void a_question_that_a_dead_broker_had_is_the_devices_last(void **state)
{
	struct broker_request req;
	struct broker_answer answer;
	int pair[2], status, fd;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		memset(&req, 0, BROKER_HEADER_BYTES);
		req.op = BROKER_PAUSE;
		broker_exchange_or_die(&pair[1], &req, BROKER_HEADER_BYTES, &answer, &fd);
		_exit(1);
	}
	close(pair[1]);
	assert_int_equal(recv(pair[0], &req, sizeof(req), 0), BROKER_HEADER_BYTES);
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_device_is_served_and_its_end_told),
		TEST(a_device_that_is_killed_is_told_as_that),
		TEST(a_signal_that_asks_for_the_end_is_passed_on),
		TEST(nonsense_ends_the_device),
		TEST(a_message_too_long_is_not_cut_to_a_good_one),
		TEST(a_device_that_takes_no_answers_is_ended),
		TEST(a_closed_socket_is_not_yet_an_end),
		TEST(descriptors_are_no_question),
		TEST(a_killed_devices_lock_is_kept_until_the_broker_ends),
		TEST(what_has_a_name_is_the_brokers_to_make),
		TEST(the_file_that_was_locked_is_removed_and_no_other),
		TEST(a_device_that_another_program_has_is_refused),
		TEST(a_device_dies_with_its_broker),
		TEST(without_a_broker_every_question_fails),
		TEST(a_question_that_a_dead_broker_had_is_the_devices_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
