// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ways of notification: which one is chosen, that the fast ones leave requests alone, what
 * happens when the host refuses them half-way, and who has InterruptStatus when.
 *
 * That all of them behave like the event channel is not here: test-paths runs the other programs
 * with each.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

#define UPSTREAM (XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD)
#define QUIET (UPSTREAM | XENVIRTIO_EVENTFD_QUIET)
#define ALL (QUIET | XENVIRTIO_EVENTFD_REGISTERS)
#define WAITING (ALL | XENVIRTIO_EVENTFD_WAIT)

static struct rig rig;

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

/* A machine of these features, and a backend that asks for this path. */
static int start(uint32_t features, enum xenvirtio_notify_path path)
{
	const struct fake_config config = { .eventfd_features = features };

	assert_int_equal(rig_init(&rig, &config), 0);
	rig.path = path;
	return rig_start(&rig);
}

static const char *path(void)
{
	return xenvirtio_server_path(rig.server);
}

static uint32_t read_status(void)
{
	uint32_t val;

	assert_int_equal(driver_read(&rig.driver, REG_INTERRUPT_STATUS, &val), 0);
	return val;
}

static void ack(uint32_t bits)
{
	assert_int_equal(driver_write(&rig.driver, REG_INTERRUPT_ACK, bits), 0);
}

static void the_best_that_works_is_chosen(void **state)
{
	static const struct {
		uint32_t features;
		enum xenvirtio_notify_path path;
		const char *name;
		int ret;
	} rows[] = {
		{ XENVIRTIO_EVENTFD_IRQFD, XENVIRTIO_NOTIFY_AUTO, "event-channel", 0 },
		{ UPSTREAM, XENVIRTIO_NOTIFY_AUTO, "event-channel", 0 },
		{ UPSTREAM, XENVIRTIO_NOTIFY_UPSTREAM, "upstream", 0 },
		{ QUIET, XENVIRTIO_NOTIFY_AUTO, "eventfd", 0 },
		{ ALL, XENVIRTIO_NOTIFY_AUTO, "eventfd-regs", 0 },
		{ ALL, XENVIRTIO_NOTIFY_EVENTFD_REGS, "eventfd-regs", 0 },
		{ ALL, XENVIRTIO_NOTIFY_EVENTFD, "eventfd", 0 },
		{ ALL, XENVIRTIO_NOTIFY_UPSTREAM, "upstream", 0 },
		{ ALL, XENVIRTIO_NOTIFY_EVENT_CHANNEL, "event-channel", 0 },
		{ XENVIRTIO_EVENTFD_IRQFD, XENVIRTIO_NOTIFY_UPSTREAM, NULL, -ENOTSUP },
		{ UPSTREAM, XENVIRTIO_NOTIFY_EVENTFD, NULL, -ENOTSUP },
		{ QUIET, XENVIRTIO_NOTIFY_EVENTFD_REGS, NULL, -ENOTSUP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(start(rows[i].features, rows[i].path), rows[i].ret);
		if (!rows[i].ret) {
			assert_string_equal(path(), rows[i].name);
			rig_driver(&rig, 0);
			assert_int_equal(rig_target.request(&rig.driver), 0);
			assert_string_equal(path(), rows[i].name);
		}
		rig_fini(&rig);
	}
	/* a host that cannot be asked (after its RAM) has event channels, unless told otherwise */
	for (int forced = 0; forced < 2; forced++) {
		const struct fake_config config = { .eventfd_features = ALL };

		assert_int_equal(rig_init(&rig, &config), 0);
		rig.path = forced ? XENVIRTIO_NOTIFY_EVENTFD : XENVIRTIO_NOTIFY_AUTO;
		fake_fail(rig.fake, 2, -EACCES, FAKE_FAIL_ONCE, false);
		assert_int_equal(rig_start(&rig), forced ? -EACCES : 0);
		if (!forced)
			assert_string_equal(path(), "event-channel");
		rig_fini(&rig);
	}
}

static void names_are_read_back(void **state)
{
	enum xenvirtio_notify_path read;

	for (int i = XENVIRTIO_NOTIFY_AUTO; i <= XENVIRTIO_NOTIFY_EVENT_CHANNEL; i++) {
		const char *name = xenvirtio_notify_path_name((enum xenvirtio_notify_path)i);

		assert_int_equal(xenvirtio_notify_path_parse(name, &read), 0);
		assert_int_equal(read, i);
	}
	assert_int_equal(xenvirtio_notify_path_parse("", &read), -EINVAL);
	assert_int_equal(xenvirtio_notify_path_parse("eventfd-", &read), -EINVAL);
	assert_string_equal(xenvirtio_notify_path_name((enum xenvirtio_notify_path)5), "unknown");
}

/* Requests that reach the server while the driver makes one that is answered and interrupted. */
static uint64_t requests_of_one_round(void)
{
	uint64_t calls, answered = fake_answered(rig.fake), taken;
	struct driver_buf buf[2] = { { .len = 4 }, { .len = 4, .writable = true } };
	uint16_t head, used;
	uint32_t len;

	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf[0].gpa));
	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf[1].gpa));
	assert_int_equal(driver_add(&rig.driver.queue[0], buf, 2, false, &head), 0);
	calls = fake_irqs(rig.fake, RIG_IRQ, true);
	assert_int_equal(driver_kick(&rig.driver.queue[0]), 0);
	assert_int_equal(fake_irqs(rig.fake, RIG_IRQ, true), calls + 1);
	assert_int_equal(read_status(), 1);
	ack(1);
	assert_int_equal(driver_collect(&rig.driver.queue[0], &used, &len), 0);
	assert_int_equal(used, head);
	taken = fake_answered(rig.fake) - answered;
	return 3 - taken;
}

/* Kick, read of InterruptStatus, InterruptACK: three accesses a round; who answers them? */
static void accesses_stay_out_of_user_space(void **state)
{
	static const struct {
		uint32_t features;
		enum xenvirtio_notify_path path;
		uint64_t requests;
	} rows[] = {
		{ UPSTREAM, XENVIRTIO_NOTIFY_AUTO, 3 },
		{ UPSTREAM, XENVIRTIO_NOTIFY_UPSTREAM, 2 },
		{ QUIET, XENVIRTIO_NOTIFY_AUTO, 2 },
		{ ALL, XENVIRTIO_NOTIFY_AUTO, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(start(rows[i].features, rows[i].path), 0);
		rig_driver(&rig, 0);
		for (int round = 0; round < 3; round++)
			assert_int_equal(requests_of_one_round(), rows[i].requests);
		rig_fini(&rig);
	}
}

static unsigned int changes;
static int change_why;

static void path_changed(void *opaque, int why)
{
	assert_ptr_equal(opaque, &rig);
	changes++;
	change_why = why;
}

/* What was offered is refused when the device runs: it goes on, slower, and it is told once. */
static void a_refusal_costs_speed_only(void **state)
{
	static const struct {
		uint32_t features, refused;
		const char *path;
		enum xenvirtio_notify_path wanted;
	} rows[] = {
		{ ALL, XENVIRTIO_EVENTFD_REGISTERS, "eventfd", XENVIRTIO_NOTIFY_AUTO },
		{ ALL, XENVIRTIO_EVENTFD_IOEVENTFD, "event-channel", XENVIRTIO_NOTIFY_AUTO },
		{ ALL, XENVIRTIO_EVENTFD_IRQFD, "eventfd-regs", XENVIRTIO_NOTIFY_AUTO },
		{ QUIET, XENVIRTIO_EVENTFD_IRQFD, "event-channel", XENVIRTIO_NOTIFY_AUTO },
		{ UPSTREAM, XENVIRTIO_EVENTFD_IOEVENTFD, "event-channel",
		  XENVIRTIO_NOTIFY_UPSTREAM },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fake_config config = { .eventfd_features = rows[i].features };
		bool steady = strcmp(rows[i].path, "eventfd-regs") == 0;

		assert_int_equal(rig_init(&rig, &config), 0);
		rig.path = rows[i].wanted;
		rig.path_changed = path_changed;
		assert_int_equal(rig_start(&rig), 0);
		changes = 0;
		fake_refuse_eventfds(rig.fake, rows[i].refused);
		rig_driver(&rig, 0);
		assert_string_equal(path(), rows[i].path);
		assert_int_equal(changes, steady ? 0 : 1);
		if (!steady)
			assert_int_equal(change_why, -ENOSYS);
		assert_int_equal(rig_target.request(&rig.driver), 0);
		/* it stays so for the next driver */
		fake_refuse_eventfds(rig.fake, 0);
		rig_driver(&rig, 0);
		assert_string_equal(path(), rows[i].path);
		assert_int_equal(changes, steady ? 0 : 1);
		assert_int_equal(rig_target.request(&rig.driver), 0);
		rig_fini(&rig);
	}
}

/* Refused for the second queue, when the first may have counted a kick that nobody has looked at. */
static void a_refusal_half_way_loses_no_kick(void **state)
{
	unsigned int before;

	assert_int_equal(start(QUIET, XENVIRTIO_NOTIFY_AUTO), 0);
	rig_driver(&rig, 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_SEL, 1), 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_READY, 0), 0);
	assert_int_equal(fake_armed(rig.fake), 2);
	before = rig.kicks[0];
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 0), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
	assert_int_equal(rig.kicks[0], before);
	fake_refuse_eventfds(rig.fake, XENVIRTIO_EVENTFD_IOEVENTFD);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_READY, 1), 0);
	assert_string_equal(path(), "event-channel");
	assert_int_equal(fake_armed(rig.fake), 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(rig.kicks[0], before + 1);
	assert_int_equal(rig_target.request(&rig.driver), 0);
}

/* Assigned exactly while the driver may use a queue; nothing is left when the server closes. */
static void what_is_assigned_follows_the_queues(void **state)
{
	assert_int_equal(start(ALL, XENVIRTIO_NOTIFY_AUTO), 0);
	assert_int_equal(fake_armed(rig.fake), 0);
	rig_driver(&rig, 0);
	assert_int_equal(fake_armed(rig.fake), RIG_QUEUES + 1);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(fake_armed(rig.fake), 0);
	rig_driver(&rig, 0);
	assert_int_equal(xenvirtio_device_guest_fault(rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "test"),
			 0);
	assert_int_equal(fake_armed(rig.fake), 0);
	assert_int_equal(read_status(), 2);
	rig_driver(&rig, 0);
	assert_int_equal(xenvirtio_server_close(rig.server), 0);
	assert_int_equal(fake_armed(rig.fake), 0);
	rig_crash(&rig);
	rig.id = XENVIRTIO_IOREQ_NEW;
}

/* Bits that were set when the kernel takes over are there for the driver, and come back. */
static void the_register_is_handed_over_whole(void **state)
{
	assert_int_equal(start(ALL, XENVIRTIO_NOTIFY_AUTO), 0);
	rig_driver(&rig, 0);
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	assert_int_equal(read_status(), 2);
	ack(2);
	assert_int_equal(read_status(), 0);
	/* for a successor both may be there */
	assert_int_equal(rig.state.interrupt_status, 3);
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	/* a handover, not a death: the word comes back, exact */
	xenvirtio_server_free(rig.server);
	rig.server = NULL;
	assert_int_equal(rig.state.interrupt_status, 2);
	rig_crash(&rig);
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(read_status(), 3);
	ack(2);
	assert_int_equal(read_status(), 1);
	ack(1);
	/* a reset clears all of it */
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(read_status(), 0);
	assert_int_equal(rig.state.interrupt_status, 0);
}

/* Killed with the register in the kernel: the next one does not know what was acknowledged. */
static void a_death_makes_all_bits_possible(void **state)
{
	uint64_t before;

	assert_int_equal(start(ALL, XENVIRTIO_NOTIFY_AUTO), 0);
	rig_driver(&rig, 0);
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	rig_kill(&rig);
	assert_int_equal(fake_armed(rig.fake), 0);
	before = fake_irqs(rig.fake, RIG_IRQ, true);
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(fake_armed(rig.fake), RIG_QUEUES + 1);
	assert_int_equal(read_status(), 3);
	assert_int_equal(fake_irqs(rig.fake, RIG_IRQ, true), before + 1);
	ack(3);
	assert_int_equal(read_status(), 0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
}

/* Accesses that were requests before the kernel took over are answered like its own. */
static void accesses_on_their_way_are_answered(void **state)
{
	uint64_t status;

	assert_int_equal(start(ALL, XENVIRTIO_NOTIFY_AUTO), 0);
	rig_driver(&rig, 0);
	rig_kill(&rig);
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_INTERRUPT_STATUS, 4, true, 0),
			 0);
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, &status), 0);
	assert_int_equal(status, 3);
	rig_kill(&rig);
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_INTERRUPT_ACK, 4, false, 3),
			 0);
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
	assert_int_equal(rig.state.interrupt_status, 3);
}

/* A host that announces claimed kicks as well: there is nothing in the slot, and nothing is done. */
static void an_announced_kick_is_done_once(void **state)
{
	unsigned int before;

	assert_int_equal(start(UPSTREAM, XENVIRTIO_NOTIFY_UPSTREAM), 0);
	rig_driver(&rig, 0);
	before = rig.kicks[0];
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 0), 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(rig.kicks[0], before + 1);
	assert_int_equal(rig_count_errors(&rig), 0);
}

/* The guest's accesses of a test in which nobody serves while they are made. */
static uint64_t access_register(uint64_t reg, bool read, uint64_t val)
{
	uint64_t answer = 0;

	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + reg, 4, read, val), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, &answer), 0);
	return answer;
}

/* Who makes one request after the other keeps nobody's kick waiting for more than a few calls. */
static void requests_without_end_keep_no_kick(void **state)
{
	unsigned int before, calls = 0;

	assert_int_equal(start(ALL, XENVIRTIO_NOTIFY_AUTO), 0);
	rig_driver(&rig, 0);
	assert_int_equal(rig_serve(&rig), 0);
	before = rig.kicks[0];
	for (unsigned int i = 0; i < 3; i++) {
		access_register(REG_QUEUE_NOTIFY, false, 0);
		for (calls = 0; calls < 20 && rig.kicks[0] == before + i; calls++) {
			assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_STATUS, 4, true, 0), 0);
			assert_int_equal(rig_serve(&rig), 0);
			assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
		}
		assert_in_range(calls, 1, 9);
	}
}

static struct {
	struct driver_buf buf[2];
	unsigned int further; /* kicks that the driver makes while it is waited for */
	uint64_t interrupts;  /* so many there have to be then */
	unsigned int wait_ms; /* so long it is waited for each */
} guest;

static void add_request(void)
{
	uint16_t head;

	assert_int_equal(driver_add(&rig.driver.queue[0], guest.buf, 2, false, &head), 0);
}

static void collect_request(void)
{
	uint16_t used;
	uint32_t len;

	assert_int_equal(driver_collect(&rig.driver.queue[0], &used, &len), 0);
}

/* The interrupt is there before the wait, and no other. */
static void kick_again(void *opaque)
{
	assert_int_equal(fake_irqs(rig.fake, RIG_IRQ, true), guest.interrupts);
	rig_now_ms += guest.wait_ms;
	if (!guest.further)
		return;
	guest.further--;
	guest.interrupts++;
	assert_int_equal(access_register(REG_INTERRUPT_STATUS, true, 0), 1);
	access_register(REG_INTERRUPT_ACK, false, 1);
	access_register(REG_QUEUE_NOTIFY, false, 0);
}

static void kick_and_serve(unsigned int further)
{
	guest.further = further;
	guest.interrupts = fake_irqs(rig.fake, RIG_IRQ, true) + 1;
	for (unsigned int i = 0; i <= further; i++)
		add_request();
	access_register(REG_QUEUE_NOTIFY, false, 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(fake_irqs(rig.fake, RIG_IRQ, true), guest.interrupts);
	access_register(REG_INTERRUPT_ACK, false, 1);
	for (unsigned int i = 0; i <= further - guest.further; i++)
		collect_request();
}

static void start_waiting(void)
{
	assert_int_equal(start(WAITING, XENVIRTIO_NOTIFY_AUTO), 0);
	rig_driver(&rig, 0);
	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &guest.buf[0].gpa));
	guest.buf[0].len = 4;
	guest.buf[1] = guest.buf[0];
	guest.buf[1].writable = true;
	rig.max_chains = 1;
	guest.wait_ms = 0;
	fake_on_wait(rig.fake, kick_again, NULL);
}

static bool is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* Kicks that come while it waits are served at once, each with its interrupt, and are done then. */
static void kicks_are_waited_for(void **state)
{
	unsigned int kicks;
	uint64_t waits;

	start_waiting();
	kicks = rig.kicks[0];
	waits = fake_waits(rig.fake);
	kick_and_serve(3);
	assert_int_equal(rig.kicks[0], kicks + 4);
	assert_int_equal(fake_waits(rig.fake), waits + 4);
	assert_false(is_readable(xenvirtio_server_fd(rig.server)));
}

/* However fast its driver comes back, others have their turn after 10 ms; and then it has its again. */
static void waiting_is_not_for_ever(void **state)
{
	unsigned int kicks;
	uint64_t waits;

	start_waiting();
	kicks = rig.kicks[0];
	waits = fake_waits(rig.fake);
	guest.wait_ms = 4;
	kick_and_serve(20);
	/* at 0, 4 and 8 */
	assert_int_equal(fake_waits(rig.fake), waits + 3);
	assert_int_equal(rig.kicks[0], kicks + 4);
	assert_int_equal(guest.further, 17);
	guest.further = 0;
	access_register(REG_QUEUE_NOTIFY, false, 0);
	guest.interrupts++;
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(rig.kicks[0], kicks + 5);
}

/* A driver that does not come back is waited for less and less, and again when it does. */
static void waiting_in_vain_ends(void **state)
{
	uint64_t waits;

	start_waiting();
	kick_and_serve(1);
	waits = fake_waits(rig.fake);
	for (int i = 0; i < 3 + 31; i++)
		kick_and_serve(0);
	assert_int_equal(fake_waits(rig.fake), waits + 3);
	kick_and_serve(0);
	assert_int_equal(fake_waits(rig.fake), waits + 4);
	for (int i = 0; i < 31; i++)
		kick_and_serve(0);
	assert_int_equal(fake_waits(rig.fake), waits + 4);
	kick_and_serve(1);
	assert_int_equal(fake_waits(rig.fake), waits + 6);
	kick_and_serve(1);
	assert_int_equal(fake_waits(rig.fake), waits + 8);
}

/* With a request under way what ends it may come by any descriptor, which nobody would look at. */
static void nobody_waits_with_work_under_way(void **state)
{
	uint64_t waits;
	uint16_t head;

	start_waiting();
	waits = fake_waits(rig.fake);
	assert_int_equal(driver_add(&rig.driver.queue[1], guest.buf, 1, false, &head), 0);
	access_register(REG_QUEUE_NOTIFY, false, 1);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(rig.nr_kept, 1);
	assert_int_equal(fake_waits(rig.fake), waits);
}

/* A host that fails to wait is not asked again, and the interrupt is delivered all the same. */
static void a_wait_that_fails_costs_speed_only(void **state)
{
	uint64_t waits;

	start_waiting();
	waits = fake_waits(rig.fake);
	fake_offer_eventfds(rig.fake, ALL);
	kick_and_serve(0);
	fake_offer_eventfds(rig.fake, WAITING);
	kick_and_serve(0);
	assert_int_equal(fake_waits(rig.fake), waits);
	assert_string_equal(path(), "eventfd-regs");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_that_works_is_chosen),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(accesses_stay_out_of_user_space),
		cmocka_unit_test(a_refusal_costs_speed_only),
		TEST(a_refusal_half_way_loses_no_kick),
		TEST(what_is_assigned_follows_the_queues),
		TEST(the_register_is_handed_over_whole),
		TEST(a_death_makes_all_bits_possible),
		TEST(accesses_on_their_way_are_answered),
		TEST(requests_without_end_keep_no_kick),
		TEST(an_announced_kick_is_done_once),
		TEST(kicks_are_waited_for),
		TEST(waiting_is_not_for_ever),
		TEST(waiting_in_vain_ends),
		TEST(nobody_waits_with_work_under_way),
		TEST(a_wait_that_fails_costs_speed_only),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
