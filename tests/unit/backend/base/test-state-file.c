// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state file: a successor of the same device gets every byte its predecessor stored; nobody
 * else gets any; a device has one daemon; a file that is not whole is nothing.
 */
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/base/access.h"
#include "fake/machine-fake.h"
#include "unit/rigs/state-bench.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>
#include <xenvirtio/hv.h>

#include <cmocka.h>

static int teardown(void **state)
{
	machine_fake_set_group(ACCESS_NO_GROUP);
	return state_bench_teardown(state);
}

static struct state_file *open_file(void)
{
	struct state_file_key k = state_bench_key();

	return state_bench_open(&k);
}

/* Stores something everywhere and closes. */
static void leave_something(void)
{
	struct state_file *sf = open_file();

	state_file_set_server(sf, 3);
	state_file_device(sf)->status = 15;
	state_file_device(sf)->queue[XENVIRTIO_STATE_QUEUES_MIN - 1].used_idx = 99;
	memset(state_file_memory(sf), 0xa5, STATE_BENCH_BYTES);
	strcpy(state_file_note(sf), "n0,r7");
	state_file_close(sf);
}

static void assert_new(struct state_file *sf)
{
	assert_false(state_file_adopted(sf));
	assert_int_equal(state_file_server(sf), XENVIRTIO_IOREQ_NEW);
	assert_true(state_bench_is_zero(state_file_device(sf), XENVIRTIO_DEVICE_STATE_BYTES(0)));
	assert_true(state_bench_is_zero(state_file_memory(sf), state_file_memory_bytes(sf)));
	assert_true(state_bench_is_zero(state_file_keep(sf), STATE_FILE_KEEP_BYTES));
	assert_string_equal(state_file_note(sf), "");
}

static void a_new_file_is_private_and_zero(void **state)
{
	struct state_file *sf = open_file();
	struct stat st;

	assert_new(sf);
	assert_int_equal(state_file_memory_bytes(sf), STATE_BENCH_BYTES);
	assert_int_equal((uintptr_t)state_file_device(sf) % 8, 0);
	assert_int_equal((uintptr_t)state_file_memory(sf) % 8, 0);
	assert_int_equal(stat(bench.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(bench.dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_string_equal(state_file_path(sf), bench.path);
	state_file_remove(sf);
	assert_int_equal(access(bench.path, F_OK), -1);
	assert_int_equal(bench.capture.lines, 0);
}

/* Where the group of those who may use the sockets exists, it gets into the directory, and no further. */
static void the_group_gets_into_the_directory(void **state)
{
	gid_t group = geteuid() ? getegid() : 4711;
	struct state_file *sf;
	struct stat st;

	machine_fake_set_group(group);
	sf = open_file();
	assert_int_equal(stat(bench.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(bench.dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_gid, group);
	state_file_remove(sf);
}

/*
 * A process that is no more, and something of it that still has the lock, in the middle of a hypercall: its successor waits for
 * that, and is not told that the device is served.
 */
static void what_is_left_of_a_dead_owner_is_waited_for(void **state)
{
	struct state_file_key k = state_bench_key();
	struct state_file *sf;
	int ready[2], end[2];
	pid_t dead;
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	dead = fork();
	if (dead == 0) {
		close(ready[0]);
		close(end[1]);
		if (state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner))
			_exit(1);
		if (fork())
			_exit(0);
		/* what is left of it has the lock with its descriptor, and is not who took it */
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		/* the last it does while it has the lock; the file says that it was here */
		byte = (char)read(end[0], &byte, 1);
		strcpy(state_file_note(sf), "done");
		_exit(0);
	}
	close(ready[1]);
	close(end[0]);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(end[1]);
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), 0);
	assert_true(state_file_adopted(sf));
	assert_string_equal(state_file_note(sf), "done");
	state_file_remove(sf);
	close(ready[0]);
}

/* The one that others are told is who was named, and he lives. */
static void an_owner_that_lives_is_named(void **state)
{
	struct state_file_key k = state_bench_key();
	struct state_file *sf, *second;

	k.owner = getppid();
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), 0);
	assert_int_equal(state_file_open(&second, bench.dir, &k, &bench.capture.log, &bench.owner), -EBUSY);
	/* the kernel's word, not the file's: that is written by a process that a guest may have taken over, and who is named is ended */
	if (bench.owner == getppid())
		print_message("# /proc/locks does not have the files of %s\n", bench.dir);
	else
		assert_int_equal(bench.owner, getpid());
	/* a copy of the descriptor has the lock on */
	int copy = dup(state_file_fd(sf));
	state_file_close(sf);
	assert_int_equal(state_file_open(&second, bench.dir, &k, &bench.capture.log, &bench.owner), -EBUSY);
	close(copy);
	assert_int_equal(state_file_open(&second, bench.dir, &k, &bench.capture.log, &bench.owner), 0);
	state_file_remove(second);
}

static void a_successor_gets_every_byte(void **state)
{
	struct state_file_key k = state_bench_key();
	struct state_file *sf;

	leave_something();
	/* the size a new file would have does not matter to one that is there */
	k.memory_bytes = 8;
	sf = state_bench_open(&k);
	assert_true(state_file_adopted(sf));
	assert_int_equal(state_file_server(sf), 3);
	assert_int_equal(state_file_device(sf)->status, 15);
	assert_int_equal(state_file_device(sf)->queue[XENVIRTIO_STATE_QUEUES_MIN - 1].used_idx, 99);
	assert_int_equal(state_file_memory_bytes(sf), STATE_BENCH_BYTES);
	for (size_t i = 0; i < STATE_BENCH_BYTES; i++)
		assert_int_equal(((unsigned char *)state_file_memory(sf))[i], 0xa5);
	assert_string_equal(state_file_note(sf), "n0,r7");
	state_file_close(sf);
	assert_int_equal(bench.capture.lines, 0);
}

/* A type that may have more queues than before goes on from a file that was made before. */
static void a_file_for_few_queues_is_gone_on_from(void **state)
{
	const struct program many = state_bench_many_queues();
	struct state_file_key k = state_bench_key();
	struct state_file *sf;

	leave_something();
	k.program = &many;
	sf = state_bench_open(&k);
	assert_true(state_file_adopted(sf));
	assert_int_equal(state_file_queues(sf), XENVIRTIO_STATE_QUEUES_MIN);
	assert_int_equal(state_file_device(sf)->queue[XENVIRTIO_STATE_QUEUES_MIN - 1].used_idx, 99);
	for (size_t i = 0; i < STATE_BENCH_BYTES; i++)
		assert_int_equal(((unsigned char *)state_file_memory(sf))[i], 0xa5);
	assert_true(state_bench_is_zero(state_file_keep(sf), STATE_FILE_KEEP_BYTES));
	state_file_remove(sf);
}

static void server_zero_is_a_server(void **state)
{
	struct state_file *sf = open_file();

	state_file_set_server(sf, 0);
	state_file_close(sf);
	sf = open_file();
	assert_int_equal(state_file_server(sf), 0);
	state_file_set_server(sf, XENVIRTIO_IOREQ_NEW);
	assert_int_equal(state_file_server(sf), XENVIRTIO_IOREQ_NEW);
	state_file_remove(sf);
}

static void another_domain_gets_none(void **state)
{
	struct state_file_key k = state_bench_key();
	struct state_file *sf;

	leave_something();
	strcpy(k.identity, "/vm/0a1c");
	sf = state_bench_open(&k);
	assert_new(sf);
	assert_int_equal(bench.capture.lines, 1);
	assert_true(log_capture_has(&bench.capture, "discarded"));
	state_file_remove(sf);
}

static void assert_refused_to(struct state_file_key *k, const char *why)
{
	struct state_file *sf = NULL;
	struct stat st;

	assert_int_equal(state_file_open(&sf, bench.dir, k, &bench.capture.log, &bench.owner), -EBADMSG);
	assert_null(sf);
	assert_true(log_capture_has(&bench.capture, why));
	/* it stays: nobody else knows which frames are held back */
	assert_int_equal(stat(bench.path, &st), 0);
	assert_int_equal(unlink(bench.path), 0);
}

static void assert_refused(const char *why)
{
	struct state_file_key k = state_bench_key();

	assert_refused_to(&k, why);
}

/* The same domain with another address, or a domain that cannot be told: no reason to forget. */
static void another_place_of_the_device_is_refused(void **state)
{
	struct state_file_key k = state_bench_key();

	leave_something();
	k.base.v += 0x200;
	assert_refused_to(&k, "another address");
	k = state_bench_key();
	leave_something();
	k.irq++;
	assert_refused_to(&k, "another address");
	k = state_bench_key();
	leave_something();
	k.identity[0] = '\0';
	assert_refused_to(&k, "without xenstore");
}

/* A header that may be of this domain and cannot be read is refused, never thrown away. */
static void a_damaged_header_is_refused(void **state)
{
	/* magic, version, both sizes; irq, base, and the balloon's size */
	static const size_t words[] = {0, 4, 8, 12, 16, 28, 32, 40};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint32_t word;
		int fd;

		leave_something();
		fd = open(bench.path, O_RDWR);
		assert_int_equal(pread(fd, &word, 4, (off_t)words[i]), 4);
		word ^= 0x10000;
		assert_int_equal(pwrite(fd, &word, 4, (off_t)words[i]), 4);
		close(fd);
		assert_refused("cannot be used");
	}
}

/* Daemons of one type did not note it, and their guests run on; no other type's daemon takes such a file. */
static void a_file_without_a_type_is_the_balloons(void **state)
{
	const struct program other = {.name = "xen-otherd", .device_id = 4, .group = "nobody"};
	struct state_file_key k = state_bench_key();
	struct state_file *sf = NULL;
	const uint16_t none = 0;
	int fd;

	leave_something();
	fd = open(bench.path, O_RDWR);
	assert_int_equal(pwrite(fd, &none, sizeof(none), 54), sizeof(none));
	close(fd);
	k.program = &other;
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), -EBADMSG);
	assert_true(log_capture_has(&bench.capture, "of another type: give each daemon a --state-dir"));
	sf = open_file();
	assert_true(state_file_adopted(sf));
	state_file_remove(sf);
}

/* As one of version 3 is: nothing behind the device's memory. @longer: its successor died midway. */
static void leave_version_3(bool longer)
{
	const uint32_t version = 3;
	struct stat st;
	int fd;

	leave_something();
	fd = open(bench.path, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pwrite(fd, &version, sizeof(version), 8), sizeof(version));
	if (!longer)
		assert_int_equal(ftruncate(fd, st.st_size - STATE_FILE_KEEP_BYTES), 0);
	close(fd);
}

static void a_file_of_the_version_before_is_gone_on_with(void **state)
{
	for (int longer = 0; longer < 2; longer++) {
		struct state_file *sf;

		leave_version_3(longer);
		sf = open_file();
		assert_true(state_file_adopted(sf));
		assert_int_equal(state_file_server(sf), 3);
		assert_int_equal(state_file_memory_bytes(sf), STATE_BENCH_BYTES);
		for (size_t i = 0; i < STATE_BENCH_BYTES; i++)
			assert_int_equal(((unsigned char *)state_file_memory(sf))[i], 0xa5);
		assert_string_equal(state_file_note(sf), "n0,r7");
		assert_int_equal((uintptr_t)state_file_keep(sf) % 8, 0);
		assert_true(state_bench_is_zero(state_file_keep(sf), STATE_FILE_KEEP_BYTES));
		memset(state_file_keep(sf), 0x3c, STATE_FILE_KEEP_BYTES);
		state_file_close(sf);
		/* and it is of this version now */
		sf = open_file();
		assert_true(state_file_adopted(sf));
		assert_int_equal(((unsigned char *)state_file_memory(sf))[STATE_BENCH_BYTES - 1], 0xa5);
		assert_int_equal(((unsigned char *)state_file_keep(sf))[0], 0x3c);
		assert_int_equal(((unsigned char *)state_file_keep(sf))[STATE_FILE_KEEP_BYTES - 1],
				 0x3c);
		state_file_remove(sf);
	}
}

/* A process that died before it had written the magic number had not served anybody. */
static void an_unfinished_file_is_made_anew(void **state)
{
	const uint64_t none = 0;
	struct state_file *sf;
	int fd;

	leave_something();
	fd = open(bench.path, O_RDWR);
	assert_int_equal(pwrite(fd, &none, sizeof(none), 0), sizeof(none));
	close(fd);
	sf = open_file();
	assert_new(sf);
	state_file_remove(sf);
}

/* Nor had one that died before it knew how large its balloon is. */
static void a_file_without_a_balloon_is_made_anew(void **state)
{
	struct state_file_key nothing = state_bench_key();
	struct state_file *sf;

	nothing.memory_bytes = 0;
	state_file_close(state_bench_open(&nothing));
	sf = open_file();
	assert_new(sf);
	assert_int_equal(state_file_memory_bytes(sf), STATE_BENCH_BYTES);
	state_file_remove(sf);
}

static void any_other_length_is_refused(void **state)
{
	static const off_t lengths[] = {1, 8, 63, 200, 4096, 1 << 20};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		leave_something();
		assert_int_equal(truncate(bench.path, lengths[i]), 0);
		assert_refused("its size is wrong");
	}
}

static void a_second_daemon_is_told_who_has_it(void **state)
{
	struct state_file_key k = state_bench_key();
	struct state_file *first = open_file(), *second = NULL;

	assert_int_equal(state_file_open(&second, bench.dir, &k, &bench.capture.log, &bench.owner), -EBUSY);
	assert_null(second);
	assert_int_equal(bench.owner, getpid());
	/* another device is another file */
	k.devid = 2;
	second = state_bench_open(&k);
	state_file_remove(second);
	state_file_close(first);
	state_file_remove(open_file());
}

/* The lock and what was stored are there for a successor however the process ended. */
static void a_killed_process_leaves_all(void **state)
{
	struct state_file *sf;
	int status;
	pid_t child = fork();

	if (child == 0) {
		sf = open_file();
		state_file_set_server(sf, 5);
		memset(state_file_memory(sf), 0x5a, STATE_BENCH_BYTES);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	sf = open_file();
	assert_true(state_file_adopted(sf));
	assert_int_equal(state_file_server(sf), 5);
	assert_int_equal(((unsigned char *)state_file_memory(sf))[STATE_BENCH_BYTES - 1], 0x5a);
	state_file_remove(sf);
}

static void what_is_not_a_private_file_is_refused(void **state)
{
	struct state_file_key k = state_bench_key();
	struct state_file *sf = NULL;

	assert_int_equal(mkdir(bench.dir, 0700), 0);
	assert_int_equal(symlink("/tmp/xenvirtio-no-such-file", bench.path), 0);
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), -ELOOP);
	unlink(bench.path);
	leave_something();
	assert_int_equal(chmod(bench.path, 0666), 0);
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), -EPERM);
	unlink(bench.path);
	assert_int_equal(mkdir(bench.path, 0700), 0);
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), -EISDIR);
	rmdir(bench.path);
	assert_int_equal(state_file_open(&sf, "/tmp/xenvirtio/no/such", &k, &bench.capture.log, &bench.owner),
			 -ENOENT);
	assert_null(sf);
	state_file_close(NULL);
	state_file_remove(NULL);
}

static void a_size_that_cannot_be_is_refused(void **state)
{
	struct state_file_key k = state_bench_key();
	struct state_file *sf = NULL;

	k.memory_bytes = SIZE_MAX - 8;
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), -EINVAL);
	assert_null(sf);
}

/* A sign of life is seen by whoever waits for it, without the lock. */
static void life_is_seen_from_outside(void **state)
{
	const struct utimbuf long_ago = {.actime = 1, .modtime = 1};
	struct state_file *sf;
	uint64_t before, after;

	assert_int_equal(state_file_life(bench.dir, 7, 1, &before), -ENOENT);
	sf = open_file();
	assert_int_equal(utime(bench.path, &long_ago), 0);
	assert_int_equal(state_file_life(bench.dir, 7, 1, &before), 0);
	assert_int_equal(state_file_life(bench.dir, 7, 1, &after), 0);
	assert_true(after == before);
	state_file_show_life(sf);
	assert_int_equal(state_file_life(bench.dir, 7, 1, &after), 0);
	assert_true(after != before);
	state_file_close(sf);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, state_bench_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_private_and_zero),
		TEST(the_group_gets_into_the_directory),
		TEST(life_is_seen_from_outside),
		TEST(what_is_left_of_a_dead_owner_is_waited_for),
		TEST(an_owner_that_lives_is_named),
		TEST(a_successor_gets_every_byte),
		TEST(a_file_for_few_queues_is_gone_on_from),
		TEST(server_zero_is_a_server),
		TEST(another_domain_gets_none),
		TEST(another_place_of_the_device_is_refused),
		TEST(a_damaged_header_is_refused),
		TEST(a_file_without_a_type_is_the_balloons),
		TEST(a_file_of_the_version_before_is_gone_on_with),
		TEST(an_unfinished_file_is_made_anew),
		TEST(a_file_without_a_balloon_is_made_anew),
		TEST(any_other_length_is_refused),
		TEST(a_second_daemon_is_told_who_has_it),
		TEST(a_killed_process_leaves_all),
		TEST(what_is_not_a_private_file_is_refused),
		TEST(a_size_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
