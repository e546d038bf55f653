// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One order of words, in a whole daemon: the last one is in force, wherever it was said and whoever
 * died since; what only stands somewhere is heard once; the same word counts again when another came
 * in between.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define MEM_SET BENCH_DOMAIN "/memory/target"

static void say(struct process_bench *b, const char *command, unsigned int kib)
{
	int fd = client_connect(b->socket_path);
	char line[64];

	assert_true(fd >= 0);
	snprintf(line, sizeof(line), "{\"cmd\":\"%s\",\"kib\":%u}\n", command, kib);
	client_send(fd, line);
	expect_u64(b->base, fd, "result.target_kib", kib);
	close(fd);
}

/* As xl does: the limit first. */
static void mem_set(struct process_bench *b, unsigned int kib)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", kib);
	fake_set_max_pages(b->fake, kib / 4 + 256);
	fake_store_put(b->store, MEM_SET, text);
	if (b->process)
		process_bench_run(b);
}

static void in_force(struct process_bench *b, unsigned int kib)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", kib);
	process_bench_key_is(b, "target", text);
	assert_int_equal(process_bench_num_pages(b), (BENCH_RAM_KIB - kib) / 4);
}

/* The device is in use, so all of it is left: as after kill -9. */
static void restart(struct process_bench *b)
{
	process_bench_stop(b);
	assert_true(process_bench_start(b));
}

static void begin(struct process_bench *b)
{
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
}

static void the_last_word_outlives_the_process(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	begin(b);
	mem_set(b, 16384);
	in_force(b, 16384);
	say(b, "set", 18432);
	in_force(b, 18432);
	restart(b);
	in_force(b, 18432);
	process_bench_put(b, "target", "12288");
	process_bench_run(b);
	restart(b);
	in_force(b, 12288);
	mem_set(b, 14336);
	restart(b);
	in_force(b, 14336);
}

static void what_is_said_meanwhile_is_heard(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	begin(b);
	mem_set(b, 16384);
	say(b, "set", 18432);
	process_bench_stop(b);
	/* the same as before that */
	mem_set(b, 16384);
	assert_true(process_bench_start(b));
	in_force(b, 16384);
	process_bench_stop(b);
	process_bench_put(b, "target", "18432");
	assert_true(process_bench_start(b));
	in_force(b, 18432);
}

static void the_same_word_counts_after_another(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	begin(b);
	mem_set(b, 16384);
	say(b, "set", 18432);
	/* a watch may fire for nothing */
	fake_store_event(b->store, MEM_SET);
	process_bench_run(b);
	in_force(b, 18432);
	mem_set(b, 16384);
	in_force(b, 16384);
	process_bench_put(b, "target", "18432");
	process_bench_run(b);
	mem_set(b, 16384);
	in_force(b, 16384);
	/* all of its memory, where xl sets max_mem to what it was at first */
	mem_set(b, BENCH_RAM_KIB);
	say(b, "set", 16384);
	mem_set(b, BENCH_RAM_KIB);
	in_force(b, BENCH_RAM_KIB);
}

static void the_policys_word_is_one_of_them(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	begin(b);
	say(b, "auto", 18432);
	restart(b);
	in_force(b, 18432);
	assert_null(process_bench_key(b, "pinned"));
	mem_set(b, 16384);
	assert_non_null(process_bench_key(b, "pinned"));
	restart(b);
	in_force(b, 16384);
	assert_non_null(process_bench_key(b, "pinned"));
}

static void a_command_line_is_heard_once(void **state)
{
	struct process_bench *b = *state;

	b->opts.target_given = true;
	b->opts.target_kib = 16384;
	begin(b);
	in_force(b, 16384);
	say(b, "set", 18432);
	restart(b);
	in_force(b, 18432);
	assert_true(log_capture_has(&b->capture, "--target 16 MiB was given before: 18 MiB"));
	/* another one is a word */
	b->opts.target_kib = 12288;
	restart(b);
	in_force(b, 12288);
	/* and so is the same after one without */
	b->opts.target_given = false;
	restart(b);
	in_force(b, 12288);
	say(b, "set", 18432);
	b->opts.target_given = true;
	restart(b);
	in_force(b, 12288);
}

/* What the toolstack made the domain with is no word of anybody's. */
static void a_new_guest_has_what_it_was_made_with(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	fake_store_put(b->store, MEM_SET, "16384");
	begin(b);
	in_force(b, 16384);
	assert_null(process_bench_key(b, "pinned"));
	fake_store_event(b->store, MEM_SET);
	process_bench_run(b);
	assert_null(process_bench_key(b, "pinned"));
}

/* memory/target is less than static-max by the video RAM, which nobody can take. */
static void video_ram_is_not_taken(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	fake_store_put(b->store, BENCH_DOMAIN "/memory/videoram", "2048");
	fake_store_put(b->store, MEM_SET, "18432");
	begin(b);
	in_force(b, BENCH_RAM_KIB);
	mem_set(b, 14336);
	in_force(b, 16384);
}

/* What xl mem-set said while nobody followed it, it said to the guest's own driver, and before what was said since. */
static void what_stood_there_before_it_was_followed_is_no_word(void **state)
{
	struct process_bench *b = *state;

	begin(b);
	mem_set(b, 16384);
	say(b, "set", 18432);
	b->opts.mem_set_follow = true;
	restart(b);
	in_force(b, 18432);
	fake_store_event(b->store, MEM_SET);
	process_bench_run(b);
	in_force(b, 18432);
	mem_set(b, 14336);
	in_force(b, 14336);
	/* nor the second time */
	b->opts.mem_set_follow = false;
	restart(b);
	mem_set(b, 16384);
	in_force(b, 14336);
	b->opts.mem_set_follow = true;
	restart(b);
	in_force(b, 14336);
	mem_set(b, 12288);
	in_force(b, 12288);
}

static void end_domain(struct process_bench *b, unsigned int code)
{
	fake_set_shutdown(b->fake, code);
	process_bench_put(b, "state", "5");
	process_bench_ends_clean(b);
	process_bench_stop(b);
}

/* The toolstack's nodes are those of another domain. */
static void put_away(struct process_bench *b)
{
	fake_store_del(b->store, BENCH_NODE "/target");
	fake_store_del(b->store, BENCH_NODE "/pinned");
	process_bench_put(b, "state", "1");
}

/* The domain ends as @code says, and the guest is there again as another one. */
static void come_again(struct process_bench *b, unsigned int code)
{
	end_domain(b, code);
	put_away(b);
	begin(b);
}

static void a_guest_that_comes_again_has_its_size(void **state)
{
	static const unsigned int codes[] = {
		XENVIRTIO_SHUTDOWN_SUSPEND,
		XENVIRTIO_SHUTDOWN_REBOOT,
		XENVIRTIO_SHUTDOWN_CRASH,
	};
	struct process_bench *b = *state;

	begin(b);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		unsigned int kib = 12288 + (unsigned int)i * 1024;

		say(b, "set", kib);
		come_again(b, codes[i]);
		in_force(b, kib);
		assert_non_null(process_bench_key(b, "pinned"));
		/* it was told once: what comes after another end is another matter */
		come_again(b, XENVIRTIO_SHUTDOWN_POWEROFF);
		in_force(b, BENCH_RAM_KIB);
	}
	/* nobody's word is not kept, and a later word is in force */
	say(b, "auto", 18432);
	come_again(b, XENVIRTIO_SHUTDOWN_REBOOT);
	in_force(b, BENCH_RAM_KIB);
	say(b, "set", 16384);
	b->opts.target_given = true;
	b->opts.target_kib = 18432;
	come_again(b, XENVIRTIO_SHUTDOWN_SUSPEND);
	in_force(b, 18432);
}

/* The guest lives on elsewhere, and whoever names a size there says nothing here: what it had before it left is over. */
static void a_size_does_not_outlive_a_migration(void **state)
{
	struct process_bench *b = *state;

	fake_store_put(b->store, BENCH_DOMAIN "/name", "g");
	begin(b);
	say(b, "set", 12288);
	/* as xl renames it before it destroys it */
	fake_store_put(b->store, BENCH_DOMAIN "/name", "g--migratedaway");
	end_domain(b, XENVIRTIO_SHUTDOWN_SUSPEND);
	fake_store_put(b->store, BENCH_DOMAIN "/name", "g");
	put_away(b);
	begin(b);
	in_force(b, BENCH_RAM_KIB);
	/* saved here, restored elsewhere, and then it comes from there */
	say(b, "set", 12288);
	end_domain(b, XENVIRTIO_SHUTDOWN_SUSPEND);
	fake_store_put(b->store, BENCH_DOMAIN "/name", "g--incoming");
	put_away(b);
	begin(b);
	in_force(b, BENCH_RAM_KIB);
	assert_null(process_bench_key(b, "pinned"));
	/* one that is only named so is none */
	fake_store_put(b->store, BENCH_DOMAIN "/name", "--incoming-g");
	say(b, "set", 12288);
	come_again(b, XENVIRTIO_SHUTDOWN_SUSPEND);
	in_force(b, 12288);
}

static void what_is_no_saved_size_is_left_alone(void **state)
{
	static const char *const bad[] = {"", "\n", "16384", "16M\n", "-1\n", "16384\n\n",
					  "99999999999999999999999999999999999\n"};
	struct process_bench *b = *state;
	char path[160];
	FILE *file;

	begin(b);
	end_domain(b, XENVIRTIO_SHUTDOWN_POWEROFF);
	snprintf(path, sizeof(path), "%s/7-7-7-0.size", b->state_dir);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(bad[i], file);
		fclose(file);
		put_away(b);
		begin(b);
		in_force(b, BENCH_RAM_KIB);
		assert_true(log_capture_has(&b->capture, "the size that the guest had before cannot be told"));
		end_domain(b, XENVIRTIO_SHUTDOWN_POWEROFF);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(symlink("/etc/passwd", path), 0);
	put_away(b);
	begin(b);
	in_force(b, BENCH_RAM_KIB);
	end_domain(b, XENVIRTIO_SHUTDOWN_POWEROFF);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
}

/* What slips is told, whichever way it comes, and changes nothing. */
static void a_slip_is_refused(void **state)
{
	struct process_bench *b = *state;
	int fd;

	b->opts.mem_set_follow = true;
	b->opts.target_given = true;
	b->opts.target_kib = 10236;
	begin(b);
	in_force(b, BENCH_RAM_KIB);
	assert_true(log_capture_has(&b->capture, "--target asks for 10236 KiB: refused: less than"));
	process_bench_key_is(b, "refused", "10236 KiB: floor 10240 KiB");
	fd = client_connect(b->socket_path);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":8}\n");
	expect_error(b->base, fd, CONTROL_BELOW_FLOOR);
	process_bench_put(b, "target", "8");
	process_bench_run(b);
	in_force(b, BENCH_RAM_KIB);
	process_bench_key_is(b, "refused", "8 KiB: floor 10240 KiB");
	mem_set(b, 4096);
	in_force(b, BENCH_RAM_KIB);
	say(b, "set", 10240);
	in_force(b, 10240);
	assert_null(process_bench_key(b, "refused"));
	say(b, "force", 8192);
	in_force(b, 8192);
	/* more than it has is no slip */
	say(b, "set", 9216);
	in_force(b, 9216);
	/* somebody has said what is the least */
	fake_store_put(b->store, BENCH_DOMAIN "/memory/dynamic-min", "4096");
	process_bench_run(b);
	say(b, "set", 4096);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":4092}\n");
	expect_error(b->base, fd, CONTROL_BELOW_FLOOR);
	close(fd);
	b->opts.force = true;
	b->opts.target_kib = 2048;
	restart(b);
	in_force(b, 2048);
}

static char guests[128];

static void write_guests(struct process_bench *b, const char *text)
{
	FILE *file;

	snprintf(guests, sizeof(guests), "%s/guests", b->dir);
	file = fopen(guests, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	b->opts.common.reads = guests;
}

/* What an administrator has written is so of each domain that the guest ever is. */
static void the_least_and_the_most_of_a_file_outlive_a_reboot(void **state)
{
	struct process_bench *b = *state;

	write_guests(b, "g 6M 16M 300\n* 8M 12M\nslip\n");
	fake_store_put(b->store, BENCH_DOMAIN "/name", "g");
	b->opts.mem_set_follow = true;
	begin(b);
	assert_true(log_capture_has(&b->capture, "guests:3: give a guest's name"));
	for (int boot = 0; boot < 2; boot++) {
		int fd = client_connect(b->socket_path);

		in_force(b, 16384);
		assert_null(process_bench_key(b, "pinned"));
		client_send(fd, "{\"cmd\":\"set\",\"kib\":18432}\n");
		expect_error(b->base, fd, CONTROL_OUT_OF_RANGE);
		client_send(fd, "{\"cmd\":\"auto\",\"kib\":18432}\n");
		expect_error(b->base, fd, CONTROL_OUT_OF_RANGE);
		client_send(fd, "{\"cmd\":\"set\",\"kib\":5120}\n");
		expect_error(b->base, fd, CONTROL_BELOW_FLOOR);
		client_send(fd, "{\"cmd\":\"status\"}\n");
		expect_u64(b->base, fd, "result.limit_kib", 16384);
		client_send(fd, "{\"cmd\":\"status\"}\n");
		expect_u64(b->base, fd, "result.dynamic_min_kib", 6144);
		client_send(fd, "{\"cmd\":\"status\"}\n");
		expect_u64(b->base, fd, "result.share", 300);
		close(fd);
		say(b, "auto", 6144);
		mem_set(b, BENCH_RAM_KIB - 1024);
		in_force(b, 16384);
		assert_true(log_capture_has(&b->capture, "more than the guest's 16 MiB (its limit)"));
		fake_store_put(b->store, MEM_SET, "20480");
		come_again(b, XENVIRTIO_SHUTDOWN_POWEROFF);
	}
	/* what was said of this domain is the later word, until it is taken back */
	fake_store_put(b->store, BENCH_DOMAIN "/memory/dynamic-min", "4096");
	process_bench_run(b);
	say(b, "set", 4096);
	fake_store_del(b->store, BENCH_DOMAIN "/memory/dynamic-min");
	process_bench_run(b);
	/* it is the same guest while it comes; and one of another name has what others have */
	fake_store_put(b->store, BENCH_DOMAIN "/name", "g--incoming");
	come_again(b, XENVIRTIO_SHUTDOWN_POWEROFF);
	in_force(b, 16384);
	fake_store_put(b->store, BENCH_DOMAIN "/name", "h");
	come_again(b, XENVIRTIO_SHUTDOWN_POWEROFF);
	in_force(b, 12288);
	/* a limit that is new is kept to by one that had more */
	write_guests(b, "");
	come_again(b, XENVIRTIO_SHUTDOWN_POWEROFF);
	say(b, "set", 18432);
	write_guests(b, "h - 10M");
	restart(b);
	in_force(b, 10240);
	unlink(guests);
	restart(b);
	in_force(b, 10240);
	assert_true(log_capture_has(&b->capture, "--guests /"));
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_last_word_outlives_the_process),
		TEST(what_is_said_meanwhile_is_heard),
		TEST(the_same_word_counts_after_another),
		TEST(the_policys_word_is_one_of_them),
		TEST(a_command_line_is_heard_once),
		TEST(a_new_guest_has_what_it_was_made_with),
		TEST(video_ram_is_not_taken),
		TEST(what_stood_there_before_it_was_followed_is_no_word),
		TEST(a_guest_that_comes_again_has_its_size),
		TEST(a_size_does_not_outlive_a_migration),
		TEST(what_is_no_saved_size_is_left_alone),
		TEST(a_slip_is_refused),
		TEST(the_least_and_the_most_of_a_file_outlive_a_reboot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
