// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole daemon: it serves what the toolstack made, says what it must, lets go when it must, and
 * what it leaves behind is what the next one needs.
 */
#include "backend/base/clock.h"
#include "fake/machine-fake.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <xenvirtio/placement.h>

#define INFLATE 0
#define DEFLATE 1

static bool state_file_there(struct process_bench *b)
{
	return access(b->state_file, F_OK) == 0;
}

static void key_is(struct process_bench *b, const char *key, const char *value)
{
	const char *there = process_bench_key(b, key);

	assert_non_null(there);
	assert_string_equal(there, value);
}

static void start_inflated(struct process_bench *b, size_t pages)
{
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, pages), 0);
	assert_int_equal(fake_holes(b->fake), pages);
}

static void assert_clean_end(struct process_bench *b)
{
	enum exit_code code;

	assert_true(process_bench_wait_end(b, &code));
	assert_int_equal(code, EXIT_CODE_DONE);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_servers(b->fake), 0);
	assert_false(state_file_there(b));
}

static void it_serves_and_says_so(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	key_is(b, "state", "4");
	key_is(b, "path", "event-channel");
	key_is(b, "target", "20480");
	key_is(b, "actual", "0");
	key_is(b, "ballooned", "0");
	assert_null(process_bench_key(b, "stalled"));
	assert_true(state_file_there(b));
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 0);
	/* one line, of what it serves */
	assert_int_equal(b->capture.lines, 1);
	assert_true(log_capture_has(&b->capture, "at 0x2000000, interrupt 33"));
}

/* What the host offers is used and published; what it takes back is told, and the guest goes on. */
static void the_path_of_notifications_is_published(void **state)
{
	struct process_bench *b = *state;

	b->opts.notify = XENVIRTIO_NOTIFY_EVENTFD;
	fake_offer_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD);
	assert_false(process_bench_start(b));
	assert_int_equal(process_bench_stop(b), EXIT_CODE_UNSUITABLE);
	assert_true(log_capture_has(&b->capture, "--notify eventfd"));

	fake_offer_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD |
					     XENVIRTIO_EVENTFD_QUIET);
	assert_true(process_bench_start(b));
	key_is(b, "path", "eventfd");
	assert_true(log_capture_has(&b->capture, "by eventfd"));
	fake_refuse_eventfds(b->fake, XENVIRTIO_EVENTFD_IOEVENTFD);
	assert_int_equal(process_bench_driver(b), 0);
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
	key_is(b, "target", "16384");
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
	key_is(b, "state", "4");
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
	key_is(b, "state", "1");
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
	key_is(b, "state", "1");
	assert_false(state_file_there(b));
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

	b->opts.devid = 1;
	b->opts.devid_given = true;
	refuses(b, EXIT_CODE_NO_DEVICE, "no virtio device 1");
	b->opts.devid = 0;
	process_bench_put(b, "type", "virtio,device2");
	refuses(b, EXIT_CODE_NO_DEVICE, "virtio,device2");
	b->opts.devid_given = false;
	refuses(b, EXIT_CODE_NO_DEVICE, "virtio,device5");
	process_bench_put(b, "type", "virtio,device5");

	b->opts.state_dir = "/tmp/xenvirtio/no/such";
	refuses(b, EXIT_CODE_HOST, "--state-dir");
	b->opts.state_dir = b->state_dir;
	b->opts.record = "/tmp/xenvirtio/no/such";
	refuses(b, EXIT_CODE_HOST, "--record");
	b->opts.record = NULL;
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
	key_is(b, "state", "4");
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
	key_is(b, "state", "4");
	key_is(b, "path", "event-channel");
}

static void the_toolstacks_close_is_answered(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 300);
	process_bench_put(b, "online", "0");
	process_bench_put(b, "state", "5");
	assert_clean_end(b);
	key_is(b, "state", "6");
	assert_null(process_bench_key(b, "path"));
}

static void offline_alone_is_a_close(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 10);
	process_bench_put(b, "online", "0");
	assert_clean_end(b);
	key_is(b, "state", "6");
}

static void a_close_that_was_asked_before_is_answered(void **state)
{
	struct process_bench *b = *state;

	process_bench_put(b, "state", "5");
	assert_false(process_bench_start(b));
	assert_clean_end(b);
	key_is(b, "state", "6");
}

/* A figure must not bring a removed node back. */
static void a_removed_node_stays_removed(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 10);
	fake_store_del(b->store, BENCH_NODE);
	assert_clean_end(b);
	process_bench_stop(b);
	assert_null(fake_store_get(b->store, BENCH_NODE));
	assert_null(process_bench_key(b, "state"));
}

static void a_dying_domain_is_let_go(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 10);
	fake_set_dying(b->fake);
	fake_store_event(b->store, "@releaseDomain");
	assert_clean_end(b);
	assert_true(log_capture_has(&b->capture, "is gone"));
}

static void a_gone_domain_is_noticed_without_xenstore(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 10);
	fake_store_stop(b->store);
	fake_set_gone(b->fake);
	assert_clean_end(b);
	fake_store_start(b->store);
}

/* Another domain's end, or this one's power-off, which xl destroys in its own time. */
static void others_ends_change_nothing(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	fake_store_event(b->store, "@releaseDomain");
	process_bench_run(b);
	fake_set_shutdown(b->fake);
	fake_store_event(b->store, "@releaseDomain");
	process_bench_run(b);
	assert_true(device_process_serving(b->process));
}

static void a_signal_takes_an_unused_device_away(void **state)
{
	struct process_bench *b = *state;

	for (size_t i = 0; i < 3; i++) {
		assert_true(process_bench_start(b));
		raise((const int[]){SIGTERM, SIGINT, SIGHUP}[i]);
		assert_clean_end(b);
		key_is(b, "state", "6");
		assert_null(process_bench_key(b, "path"));
		process_bench_stop(b);
	}
}

static void a_signal_leaves_a_used_device_to_the_next(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	start_inflated(b, 700);
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, &code));
	assert_int_equal(code, EXIT_CODE_DONE);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_servers(b->fake), 1);
	assert_true(state_file_there(b));
	assert_true(log_capture_has(&b->capture, "left to the next"));
	key_is(b, "state", "6");
	process_bench_stop(b);

	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "adopted ioreq server"));
	assert_int_equal(fake_servers(b->fake), 1);
	key_is(b, "state", "4");
	key_is(b, "ballooned", "2800");
	key_is(b, "target", "16384");
	assert_int_equal(process_bench_num_pages(b), 1024);
	/* the driver was not told, and goes on */
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 700, 324), 0);
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 1024), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES);
	process_bench_put(b, "state", "5");
	assert_clean_end(b);
}

/* The guest resets the device: its balloon is given back first, and then nothing keeps it. */
static void after_a_reset_a_signal_takes_it_away(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 100);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(fake_holes(b->fake), 0);
	raise(SIGTERM);
	assert_clean_end(b);
}

/* What the guest was told before it is told again, by default as by word. */
static void a_target_nobody_names_any_more_is_gone(void **state)
{
	struct process_bench *b = *state;

	process_bench_put(b, "target", "16384");
	start_inflated(b, 10);
	assert_int_equal(process_bench_num_pages(b), 1024);
	process_bench_stop(b);
	fake_store_del(b->store, BENCH_NODE "/target");
	assert_true(process_bench_start(b));
	key_is(b, "target", "20480");
	assert_int_equal(process_bench_num_pages(b), 0);
}

/* The server a state file names is gone: the guest gets a new one at the same address. */
static void a_lost_server_is_made_anew(void **state)
{
	struct process_bench *b = *state;
	const struct xenvirtio_gpa_range range = {{BENCH_BASE}, {BENCH_BASE + 0x1ff}};
	struct xenvirtio_hv *hv;
	uint16_t id = 0;

	start_inflated(b, 100);
	process_bench_stop(b);
	assert_int_equal(fake_open(b->fake, &hv), 0);
	assert_int_equal(hv->ops->ioreq_open(hv, &range, 1, &id), 0);
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	xenvirtio_hv_close(hv);
	assert_int_equal(fake_servers(b->fake), 0);
	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "is gone: making a new one"));
	key_is(b, "ballooned", "400");
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 100), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES);
}

/* No driver, but frames that could not be given back yet: only the state file knows which. */
static void a_signal_leaves_frames_that_are_owed(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 100);
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES - 40);
	driver_write(&b->driver, REG_STATUS, 0);
	assert_int_equal(fake_holes(b->fake), 40);
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, NULL));
	assert_true(state_file_there(b));
	process_bench_stop(b);
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES);
	assert_true(process_bench_start(b));
	assert_true(process_bench_wait_key(b, "ballooned", "0"));
	assert_int_equal(fake_holes(b->fake), 0);
}

static void another_domain_of_that_number_starts_empty(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 100);
	process_bench_stop(b);
	assert_true(state_file_there(b));
	fake_free(b->fake);
	b->fake = fake_new(NULL);
	b->bus.fake = b->fake;
	fake_set_serve(b->fake, (int (*)(void *))b->bus.serve, b);
	fake_store_put(b->store, BENCH_DOMAIN "/vm", "/vm/8-8-8");
	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "discarded"));
	key_is(b, "ballooned", "0");
	assert_int_equal(process_bench_driver(b), 0);
}

static void a_stalled_deflate_goes_on_by_itself(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 100);
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

static void mem_set_is_followed(void **state)
{
	struct process_bench *b = *state;
	const char *target = BENCH_DOMAIN "/memory/target";
	struct xenvirtio_store *store;

	assert_int_equal(fake_store_open(b->store, &store), 0);
	assert_int_equal(store->ops->set_perms(store, target, "n0,r7"), 0);
	xenvirtio_store_close(store);
	b->opts.mem_set_follow = true;
	assert_true(process_bench_start(b));
	assert_string_equal(fake_store_perms(b->store, target), "n0");
	assert_int_equal(process_bench_driver(b), 0);
	/* as xl does: the limit first */
	fake_set_max_pages(b->fake, 4096 + 256);
	fake_store_put(b->store, target, "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
	key_is(b, "target", "16384");
	assert_int_equal(fake_max_pages(b->fake), BENCH_RAM_PAGES + 256);
	/* and the node's key still counts when it is the later word */
	process_bench_put(b, "target", "18432");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 512);
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, NULL));
	assert_string_equal(fake_store_perms(b->store, target), "n0,r7");
}

static void mem_set_is_ignored_by_default(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 0);
}

static void a_bad_target_is_overwritten(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	process_bench_put(b, "target", "lots");
	process_bench_run(b);
	key_is(b, "target", "16384");
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 1024);
}

static void a_restart_of_xenstored_is_survived(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 100);
	fake_store_stop(b->store);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 100, 100), 0);
	fake_store_start(b->store);
	assert_true(process_bench_wait_key(b, "ballooned", "800"));
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
	process_bench_put(b, "state", "5");
	assert_clean_end(b);
	key_is(b, "state", "6");
}

/* xenstored comes back empty, and its contents are written again key by key. */
static void a_xenstored_that_forgot_is_survived(void **state)
{
	static const char *const keys[][2] = {
		{"frontend-id", "7"},
		{"online", "1"},
		{"state", "4"},
		{"irq", "33"},
		{"base", "0x2000000"},
		{"transport", "mmio"},
		{"type", "virtio,device5"},
	};
	struct process_bench *b = *state;

	start_inflated(b, 100);
	assert_true(process_bench_wait_key(b, "ballooned", "400"));
	fake_store_stop(b->store);
	fake_store_del(b->store, BENCH_NODE);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 100, 100), 0);
	fake_store_start(b->store);
	while (!fake_store_handles(b->store))
		assert_true(machine_fake_pass_to_timer(clock_now_ms() + 60000));
	assert_true(device_process_serving(b->process));
	assert_null(process_bench_key(b, "ballooned"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		process_bench_put(b, keys[i][0], keys[i][1]);
		process_bench_run(b);
	}
	assert_true(process_bench_wait_key(b, "ballooned", "800"));
	key_is(b, "path", "event-channel");
	assert_true(device_process_serving(b->process));
	/* from here on a missing node means closed again */
	fake_store_del(b->store, BENCH_NODE);
	assert_clean_end(b);
}

static void base_and_irq_need_no_node(void **state)
{
	struct process_bench *b = *state;

	fake_store_del(b->store, BENCH_NODE);
	b->opts.base_given = true;
	b->opts.base = xenvirtio_gpa(BENCH_BASE);
	b->opts.irq = BENCH_IRQ;
	b->opts.target_given = true;
	b->opts.target_kib = 16384;
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 1024);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 10), 0);
	assert_null(fake_store_get(b->store, BENCH_NODE));
	fake_set_dying(b->fake);
	fake_store_event(b->store, "@releaseDomain");
	assert_clean_end(b);
	process_bench_stop(b);
	assert_null(fake_store_get(b->store, BENCH_NODE));
}

static void base_and_irq_need_no_xenstore(void **state)
{
	struct process_bench *b = *state;

	fake_store_stop(b->store);
	b->opts.base_given = true;
	b->opts.base = xenvirtio_gpa(BENCH_BASE);
	b->opts.irq = BENCH_IRQ;
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	fake_set_gone(b->fake);
	assert_clean_end(b);
	process_bench_stop(b);
	fake_store_start(b->store);
}

/* What a guest can cause is cut in rate, counted exactly, and published. */
static void a_guests_errors_are_counted(void **state)
{
	struct process_bench *b = *state;

	start_inflated(b, 1);
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
		TEST(a_foreign_server_is_told),
		TEST(a_second_daemon_is_refused),
		TEST(the_toolstacks_close_is_answered),
		TEST(offline_alone_is_a_close),
		TEST(a_close_that_was_asked_before_is_answered),
		TEST(a_removed_node_stays_removed),
		TEST(a_dying_domain_is_let_go),
		TEST(a_gone_domain_is_noticed_without_xenstore),
		TEST(others_ends_change_nothing),
		TEST(a_signal_takes_an_unused_device_away),
		TEST(a_signal_leaves_a_used_device_to_the_next),
		TEST(after_a_reset_a_signal_takes_it_away),
		TEST(a_target_nobody_names_any_more_is_gone),
		TEST(a_lost_server_is_made_anew),
		TEST(a_signal_leaves_frames_that_are_owed),
		TEST(another_domain_of_that_number_starts_empty),
		TEST(a_stalled_deflate_goes_on_by_itself),
		TEST(mem_set_is_followed),
		TEST(mem_set_is_ignored_by_default),
		TEST(a_bad_target_is_overwritten),
		TEST(a_restart_of_xenstored_is_survived),
		TEST(a_xenstored_that_forgot_is_survived),
		TEST(base_and_irq_need_no_node),
		TEST(base_and_irq_need_no_xenstore),
		TEST(a_guests_errors_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
