// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole daemon: it serves what the toolstack made, says what it must, and refuses with a reason
 * what it cannot serve.
 */
#include "backend/base/state-file.h"
#include "fake/machine-fake.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

#include <xenvirtio/placement.h>

static void it_serves_and_says_so(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	process_bench_key_is(b, "state", "4");
	process_bench_key_is(b, "path", "event-channel");
	process_bench_key_is(b, "target", "20480");
	process_bench_key_is(b, "actual", "0");
	process_bench_key_is(b, "ballooned", "0");
	assert_null(process_bench_key(b, "stalled"));
	assert_true(process_bench_has_state(b));
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 0);
	/* one line, of what it serves */
	assert_int_equal(b->capture.lines, 1);
	assert_true(log_capture_has(&b->capture, "at 0x2000000, interrupt 33"));
}

/* Whoever waits for a sign of life gets one as often as the domain is looked at, and none in between. */
static void it_shows_life(void **state)
{
	const struct utimbuf long_ago = {.actime = 1, .modtime = 1};
	struct process_bench *b = *state;
	uint64_t before, after;

	assert_true(process_bench_start(b));
	assert_int_equal(utime(b->state_file, &long_ago), 0);
	assert_int_equal(state_file_life(b->state_dir, BENCH_DOMID, 0, &before), 0);
	process_bench_run(b);
	assert_int_equal(state_file_life(b->state_dir, BENCH_DOMID, 0, &after), 0);
	assert_true(after == before);
	machine_fake_pass(2000);
	process_bench_run(b);
	assert_int_equal(state_file_life(b->state_dir, BENCH_DOMID, 0, &after), 0);
	assert_true(after != before);
}

/* Whoever is told may let the guest run, and speak to the daemon. */
static void who_waits_is_told_when_all_is_there(void **state)
{
	struct process_bench *b = *state;

	fake_store_del(b->store, BENCH_NODE "/irq");
	assert_false(process_bench_start(b));
	assert_int_equal(b->readies, 0);
	process_bench_put(b, "irq", "33");
	process_bench_run(b);
	assert_int_equal(b->readies, 1);
	assert_false(b->ready_early);
	/* once, whatever comes after */
	process_bench_put(b, "target", "18432");
	process_bench_run(b);
	assert_int_equal(b->readies, 1);
}

/* A balloon that moves for long is told of less and less often; that it has arrived, as soon as ever. */
static void move_for_long(struct process_bench *b)
{
	unsigned int told = 0;
	char before[32] = "";

	process_bench_put(b, "target", "20320");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 40);
	for (uint32_t i = 0; i < 39; i++) {
		assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + i, 1), 0);
		assert_int_equal(b->bus.bus.ops->write(&b->bus.bus, REG_CONFIG + 4, 4, i + 1), 0);
		machine_fake_pass(50);
		told += strcmp(process_bench_key(b, "actual"), before) != 0;
		snprintf(before, sizeof(before), "%s", process_bench_key(b, "actual"));
	}
	assert_in_range(told, 3, 6);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 39, 1), 0);
	machine_fake_pass(200);
	process_bench_run(b);
	process_bench_key_is(b, "ballooned", "160");
}

static void what_goes_on_moving_is_told_seldom(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	move_for_long(b);
}

/* Also where a report is what looks at how much the driver has. */
static void so_it_is_where_the_host_answers(void **state)
{
	struct process_bench *b = *state;
	uint64_t before;

	fake_offer_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET |
					     XENVIRTIO_EVENTFD_REGISTERS | XENVIRTIO_EVENTFD_FIELDS);
	assert_true(process_bench_start(b));
	assert_int_equal(driver_init(&b->driver, 5, F_VERSION_1 | 1u << 0 | 1u << 1, 3), 0);
	before = fake_answered(b->fake);
	move_for_long(b);
	assert_true(fake_answered(b->fake) >= before + 40);
}

/* A host that has too little to lock for them answers for registers alone, and the log says so. */
static void fields_that_are_refused_are_told_of(void **state)
{
	struct process_bench *b = *state;

	fake_offer_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET |
					     XENVIRTIO_EVENTFD_REGISTERS | XENVIRTIO_EVENTFD_FIELDS);
	assert_true(process_bench_start(b));
	fake_refuse_eventfds(b->fake, XENVIRTIO_EVENTFD_FIELDS);
	assert_int_equal(driver_init(&b->driver, 5, F_VERSION_1 | 1u << 0 | 1u << 1, 3), 0);
	process_bench_key_is(b, "path", "eventfd-regs");
	assert_true(log_capture_has(&b->capture, "by eventfd-regs, fields of the configuration space by this process"));
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 512), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES - 512);
}

/* What the host offers is used and published; what it takes back is told, and the guest goes on. */
static void the_path_of_notifications_is_published(void **state)
{
	struct process_bench *b = *state;

	b->opts.common.notify = XENVIRTIO_NOTIFY_EVENTFD;
	fake_offer_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD);
	assert_false(process_bench_start(b));
	assert_int_equal(process_bench_stop(b), EXIT_CODE_UNSUITABLE);
	assert_true(log_capture_has(&b->capture, "--notify eventfd"));

	fake_offer_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD |
					     XENVIRTIO_EVENTFD_QUIET);
	assert_true(process_bench_start(b));
	process_bench_key_is(b, "path", "eventfd");
	assert_true(log_capture_has(&b->capture, "by eventfd"));
	fake_refuse_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD);
	/* queues of page numbers are prompt: the one for statistics is to have one */
	assert_int_equal(driver_init(&b->driver, 5, F_VERSION_1 | 1u << 0 | 1u << 1, 3), 0);
	assert_true(process_bench_wait_key(b, "path", "event-channel"));
	assert_true(log_capture_has(&b->capture, "notifications go on by event-channel"));
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 512), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES - 512);
}

static void a_target_becomes_a_balloon(void **state)
{
	struct process_bench *b = *state;
	uint64_t interrupts;

	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	interrupts = fake_irqs(b->fake, BENCH_IRQ, true);
	process_bench_put(b, "target", "18432");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 512);
	assert_true(fake_irqs(b->fake, BENCH_IRQ, true) > interrupts);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 512), 0);
	assert_int_equal(driver_write(&b->driver, REG_CONFIG + 4, 512), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES - 512);
	assert_true(process_bench_wait_key(b, "ballooned", "2048"));
	assert_true(process_bench_wait_key(b, "actual", "2048"));
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 512), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES);
	assert_true(process_bench_wait_key(b, "ballooned", "0"));
}

static void the_command_lines_target_comes_first(void **state)
{
	struct process_bench *b = *state;

	process_bench_put(b, "target", "10240");
	b->opts.target_given = true;
	b->opts.target_kib = 16384;
	assert_true(process_bench_start(b));
	process_bench_key_is(b, "target", "16384");
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 1024);
	process_bench_stop(b);
	/* without one, the node's */
	b->opts.target_given = false;
	process_bench_put(b, "target", "10240");
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_num_pages(b), 2560);
}

static void a_half_written_node_is_waited_for(void **state)
{
	struct process_bench *b = *state;
	char path[128];

	snprintf(path, sizeof(path), BENCH_NODE "/irq");
	fake_store_del(b->store, path);
	assert_false(process_bench_start(b));
	assert_false(process_bench_ended(b, NULL));
	assert_int_equal(fake_servers(b->fake), 0);
	process_bench_put(b, "irq", "33");
	process_bench_run(b);
	assert_true(device_process_serving(b->process));
	process_bench_key_is(b, "state", "4");
}

static void but_not_for_ever(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	fake_store_del(b->store, BENCH_NODE "/irq");
	b->env.discovery_ms = 50;
	assert_false(process_bench_start(b));
	machine_fake_pass(49);
	assert_false(process_bench_ended(b, NULL));
	machine_fake_pass(1);
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_UNSUITABLE);
	assert_int_equal(b->capture.lines, 1);
	assert_true(log_capture_has(&b->capture, BENCH_NODE "/irq"));
	process_bench_key_is(b, "state", "1");
}

/* Each refusal is one line that names what is wrong, and touches neither node nor hypervisor. */
static void refuses(struct process_bench *b, enum exit_code code, const char *text)
{
	enum exit_code got;
	unsigned int lines = b->capture.lines;

	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &got));
	assert_int_equal(got, code);
	assert_int_equal(b->capture.lines, lines + 1);
	assert_non_null(strstr(b->capture.last, text));
	assert_int_equal(process_bench_stop(b), code);
	assert_int_equal(fake_servers(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
	process_bench_key_is(b, "state", "1");
	assert_false(process_bench_has_state(b));
}

static void what_cannot_be_served_is_refused(void **state)
{
	struct process_bench *b = *state;

	process_bench_put(b, "grant_usage", "1");
	refuses(b, EXIT_CODE_UNSUITABLE, "grant_usage=0");
	process_bench_put(b, "grant_usage", "0");
	process_bench_put(b, "base", "nonsense");
	refuses(b, EXIT_CODE_UNSUITABLE, "nonsense");
	process_bench_put(b, "base", "0");
	refuses(b, EXIT_CODE_UNSUITABLE, "exactly when irq is 0");
	process_bench_put(b, "irq", "0");
#if !defined(__x86_64__) && !defined(__i386__)
	refuses(b, EXIT_CODE_UNSUITABLE, "--base");
#endif
	process_bench_put(b, "base", "0x2000000");
	refuses(b, EXIT_CODE_UNSUITABLE, "exactly when irq is 0");
	process_bench_put(b, "irq", "33");

	b->opts.target_given = true;
	b->opts.target_kib = BENCH_RAM_KIB + 4;
	refuses(b, EXIT_CODE_UNSUITABLE, "--target");
	b->opts.target_given = false;

	b->opts.common.devid = 1;
	b->opts.common.devid_given = true;
	refuses(b, EXIT_CODE_NO_DEVICE, "no virtio device 1");
	b->opts.common.devid = 0;
	process_bench_put(b, "type", "virtio,device2");
	refuses(b, EXIT_CODE_NO_DEVICE, "virtio,device2");
	b->opts.common.devid_given = false;
	refuses(b, EXIT_CODE_NO_DEVICE, "virtio,device5");
	process_bench_put(b, "type", "virtio,device5");

	b->opts.common.state_dir = "/tmp/xenvirtio/no/such";
	refuses(b, EXIT_CODE_HOST, "--state-dir");
	b->opts.common.state_dir = b->state_dir;
	b->opts.common.record = "/tmp/xenvirtio/no/such";
	refuses(b, EXIT_CODE_HOST, "--record");
	b->opts.common.record = NULL;
}

#if defined(__x86_64__) || defined(__i386__)
/* What xl writes on x86: the device is where the guest's ACPI table has it by default. */
static void a_device_without_a_place_gets_the_default(void **state)
{
	struct process_bench *b = *state;
	uint64_t magic = 0;

	process_bench_put(b, "base", "0");
	process_bench_put(b, "irq", "0");
	assert_true(process_bench_start(b));
	process_bench_run(b);
	assert_true(device_process_serving(b->process));
	process_bench_key_is(b, "state", "4");
	assert_int_equal(fake_mmio_start(b->fake, 0, XENVIRTIO_X86_BASE, 4, true, 0), 0);
	process_bench_run(b);
	assert_int_equal(fake_mmio_finish(b->fake, 0, &magic), 0);
	assert_int_equal(magic, 0x74726976);
}
#endif

static void no_xen_is_told_apart(void **state)
{
	struct process_bench *b = *state;

	b->open_hv_result = -EACCES;
	refuses(b, EXIT_CODE_NO_XEN, "permission");
	b->open_hv_result = -ENOENT;
	refuses(b, EXIT_CODE_NO_XEN, "/dev/xen");
	b->open_hv_result = -ENOSYS;
	refuses(b, EXIT_CODE_NO_XEN, "without Xen");
	b->open_hv_result = 0;
	fake_store_stop(b->store);
	refuses(b, EXIT_CODE_NO_XEN, "xenstore");
	fake_store_start(b->store);
}

static int confine_result;
static uint64_t confine_calls;

static int note_confine(void *opaque)
{
	struct process_bench *b = opaque;

	confine_calls = fake_store_calls(b->store);
	return confine_result;
}

/* All is open by then, and not one word of xenstore was read: the guest writes there, too. */
static void it_is_confined_before_it_reads(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	b->env.confine = note_confine;
	confine_result = -EACCES;
	confine_calls = 1;
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_NO_XEN);
	assert_int_equal(confine_calls, 0);
	assert_int_equal(fake_store_calls(b->store), 0);
	process_bench_stop(b);
	assert_int_equal(fake_open_handles(b->fake), 0);
	confine_result = 0;
	assert_true(process_bench_start(b));
	assert_int_equal(confine_calls, 0);
	process_bench_stop(b);
}

static void no_domain_is_told(void **state)
{
	struct process_bench *b = *state;

	fake_set_dying(b->fake);
	refuses(b, EXIT_CODE_NO_DEVICE, "any more");
	fake_set_gone(b->fake);
	refuses(b, EXIT_CODE_NO_DEVICE, "does not exist");
}

static void a_foreign_server_is_told(void **state)
{
	struct process_bench *b = *state;
	const struct xenvirtio_gpa_range range = {{BENCH_BASE}, {BENCH_BASE + 0x1ff}};

	assert_true(fake_add_foreign(b->fake, &range) >= 0);
	refuses(b, EXIT_CODE_BUSY, "another ioreq server");
}

static void a_second_daemon_is_refused(void **state)
{
	struct process_bench *b = *state;
	struct device_process *first;
	enum exit_code code;
	char pid[32];

	assert_true(process_bench_start(b));
	first = b->process;
	b->process = NULL;
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_BUSY);
	snprintf(pid, sizeof(pid), "by process %d", (int)getpid());
	assert_non_null(strstr(b->capture.last, pid));
	process_bench_stop(b);
	b->process = first;
	/* the first one has noticed nothing */
	assert_int_equal(process_bench_driver(b), 0);
	process_bench_key_is(b, "state", "4");
	process_bench_key_is(b, "path", "event-channel");
}

static void a_stalled_deflate_goes_on_by_itself(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 100);
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES - 40);
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 100), -ETIMEDOUT);
	assert_true(process_bench_wait_key(b, "stalled", "max-mem: need 160 KiB"));
	assert_true(log_capture_has(&b->capture, "xl mem-max"));
	assert_true(process_bench_wait_key(b, "ballooned", "160"));
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES);
	assert_true(process_bench_wait_key(b, "stalled", NULL));
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES);
	assert_true(process_bench_wait_key(b, "ballooned", "0"));
}

/* Its next kernel would run on holes: said where somebody looks, and undone as soon as the host has memory. */
static void a_guest_that_resets_without_memory_is_paused(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 100);
	assert_true(process_bench_wait_key(b, "ballooned", "400"));
	/* all of it, as nearly always: a key more would cost a write each time */
	assert_null(process_bench_key(b, "owed"));
	fake_set_heap(b->fake, 40);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(process_bench_wait_key(b, "paused", "1"));
	assert_true(process_bench_wait_key(b, "stalled", "host: need 240 KiB"));
	assert_true(log_capture_has(&b->capture, "240 KiB of it were in the balloon: paused"));
	fake_set_heap(b->fake, 60);
	assert_true(process_bench_wait_key(b, "paused", NULL));
	assert_true(process_bench_wait_key(b, "ballooned", "0"));
	assert_true(log_capture_has(&b->capture, "it runs on"));
}

/* Seen when the domain is looked at next, driver or none. */
static void what_the_guest_takes_back_itself_is_published(void **state)
{
	struct process_bench *b = *state;
	struct xenvirtio_gfn gfn[30];
	struct xenvirtio_hv *guest;
	size_t done;

	process_bench_inflated(b, 100);
	for (unsigned int i = 0; i < 30; i++)
		gfn[i] = xenvirtio_gfn(BENCH_FREE_GFN + i);
	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(guest->ops->populate_pages(guest, gfn, 30, 0, &done), 0);
	guest->ops->close(guest);
	assert_true(process_bench_wait_key(b, "ballooned", "280"));
	assert_null(process_bench_key(b, "owed"));
}

/* What a guest can cause is cut in rate, counted exactly, and published. */
static void a_guests_errors_are_counted(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 1);
	for (int i = 0; i < 200; i++)
		assert_int_equal(process_bench_send(b, INFLATE, 0x100000, 1), 0);
	assert_true(b->capture.lines < 20);
	assert_true(process_bench_wait_key(b, "guest-errors/bad-page", "200"));
	assert_true(process_bench_wait_key(b, "ballooned", "4"));
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_serves_and_says_so),
		TEST(it_shows_life),
		TEST(who_waits_is_told_when_all_is_there),
		TEST(what_goes_on_moving_is_told_seldom),
		TEST(so_it_is_where_the_host_answers),
		TEST(fields_that_are_refused_are_told_of),
		TEST(the_path_of_notifications_is_published),
		TEST(a_target_becomes_a_balloon),
		TEST(the_command_lines_target_comes_first),
		TEST(a_half_written_node_is_waited_for),
		TEST(but_not_for_ever),
		TEST(what_cannot_be_served_is_refused),
#if defined(__x86_64__) || defined(__i386__)
		TEST(a_device_without_a_place_gets_the_default),
#endif
		TEST(no_xen_is_told_apart),
		TEST(no_domain_is_told),
		TEST(it_is_confined_before_it_reads),
		TEST(a_foreign_server_is_told),
		TEST(a_second_daemon_is_refused),
		TEST(a_stalled_deflate_goes_on_by_itself),
		TEST(a_guest_that_resets_without_memory_is_paused),
		TEST(what_the_guest_takes_back_itself_is_published),
		TEST(a_guests_errors_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
