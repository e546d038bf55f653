// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake xenstored: watches, permissions and loss of the connection are as daemons rely on them;
 * and the text form of permissions, which real xenstore shares.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fake/store-fake.h"
#include "xenstore/store-perms.h"

struct fixture {
	struct fake_store *s;
	struct xenvirtio_store *store;
	const struct xenvirtio_store_ops *ops;
	char path[256];
	char token[64];
};

static void open_fixture(struct fixture *x)
{
	x->s = fake_store_new();
	assert_non_null(x->s);
	assert_int_equal(fake_store_open(x->s, &x->store), 0);
	x->ops = x->store->ops;
}

static void close_fixture(struct fixture *x)
{
	xenvirtio_store_close(x->store);
	assert_int_equal(fake_store_handles(x->s), 0);
	assert_int_equal(fake_store_watches(x->s), 0);
	fake_store_free(x->s);
}

static int next_event(struct fixture *x)
{
	return x->ops->next_event(x->store, x->path, sizeof(x->path), x->token, sizeof(x->token));
}

static bool fd_ready(struct fixture *x)
{
	struct pollfd pfd = { .fd = x->ops->fd(x->store), .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* Values are read as written; parents come into being; removing takes everything below along. */
static void tree(void **state)
{
	char text[64];
	struct fixture x;

	open_fixture(&x);
	assert_int_equal(x.ops->read(x.store, "/a/b", text, sizeof(text)), -ENOENT);
	assert_int_equal(x.ops->write(x.store, "/a/b", "one"), 0);
	assert_int_equal(x.ops->write(x.store, "/a/bc", ""), 0);
	assert_int_equal(x.ops->write(x.store, "/a/b/deep", "two"), 0);
	assert_int_equal(x.ops->read(x.store, "/a", text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(x.ops->read(x.store, "/a/b", text, 3), -EMSGSIZE);
	assert_int_equal(x.ops->read(x.store, "/a/b", text, 4), 0);
	assert_string_equal(text, "one");
	assert_int_equal(x.ops->remove(x.store, "/a/b"), 0);
	assert_int_equal(x.ops->remove(x.store, "/a/b"), 0);
	assert_null(fake_store_get(x.s, "/a/b/deep"));
	assert_non_null(fake_store_get(x.s, "/a/bc"));
	assert_int_equal(x.ops->read(x.store, "/a//b", text, sizeof(text)), -EINVAL);
	assert_int_equal(x.ops->write(x.store, "/a/", "x"), -EINVAL);
	close_fixture(&x);
}

/* Children only, each once, with an empty name at the end; a list that does not fit is no list. */
static void listing(void **state)
{
	char names[32];
	struct fixture x;

	open_fixture(&x);
	assert_int_equal(x.ops->list(x.store, "/a", names, sizeof(names)), -ENOENT);
	fake_store_put(x.s, "/a/first/below", "");
	fake_store_put(x.s, "/ab", "");
	assert_int_equal(x.ops->list(x.store, "/a", names, sizeof(names)), 0);
	assert_memory_equal(names, "first\0", 7);
	assert_int_equal(x.ops->list(x.store, "/a", names, 7), 0);
	assert_int_equal(x.ops->list(x.store, "/a", names, 6), -EMSGSIZE);
	assert_int_equal(x.ops->list(x.store, "/ab", names, 1), 0);
	assert_int_equal(names[0], 0);
	close_fixture(&x);
}

/* A watch fires when it is set and at every change at or below its path, in order, for its token. */
static void watches(void **state)
{
	struct fixture x;

	open_fixture(&x);
	assert_false(fd_ready(&x));
	assert_int_equal(x.ops->watch(x.store, "/a", "t"), 0);
	assert_int_equal(x.ops->watch(x.store, "/a", "t"), -EEXIST);
	assert_true(fd_ready(&x));
	assert_int_equal(next_event(&x), 0);
	assert_string_equal(x.path, "/a");
	assert_string_equal(x.token, "t");
	assert_int_equal(next_event(&x), XENVIRTIO_E_EMPTY);
	assert_false(fd_ready(&x));

	fake_store_put(x.s, "/a/b", "1");
	fake_store_put(x.s, "/ab", "1");
	assert_int_equal(x.ops->set_perms(x.store, "/a", "n0,r3"), 0);
	fake_store_del(x.s, "/a");
	assert_int_equal(next_event(&x), 0);
	assert_string_equal(x.path, "/a/b");
	assert_int_equal(next_event(&x), 0);
	assert_string_equal(x.path, "/a");
	assert_int_equal(next_event(&x), 0);
	assert_int_equal(next_event(&x), 0);
	assert_int_equal(next_event(&x), XENVIRTIO_E_EMPTY);
	assert_int_equal(x.ops->unwatch(x.store, "/a", "t"), 0);
	assert_int_equal(x.ops->unwatch(x.store, "/a", "t"), -ENOENT);
	fake_store_put(x.s, "/a/b", "2");
	assert_int_equal(next_event(&x), XENVIRTIO_E_EMPTY);
	close_fixture(&x);
}

/* A domain's death is an event of its own, and relative paths stay relative. */
static void special_and_relative(void **state)
{
	struct fixture x;

	open_fixture(&x);
	assert_int_equal(x.ops->watch(x.store, "@releaseDomain", "death"), 0);
	assert_int_equal(next_event(&x), 0);
	fake_store_event(x.s, "@introduceDomain");
	assert_int_equal(next_event(&x), XENVIRTIO_E_EMPTY);
	fake_store_event(x.s, "@releaseDomain");
	assert_int_equal(next_event(&x), 0);
	assert_string_equal(x.path, "@releaseDomain");
	assert_string_equal(x.token, "death");

	assert_int_equal(x.ops->watch(x.store, "backend", "mine"), 0);
	assert_int_equal(next_event(&x), 0);
	assert_string_equal(x.path, "backend");
	fake_store_put(x.s, "/local/domain/0/backend/virtio", "");
	assert_int_equal(next_event(&x), 0);
	assert_string_equal(x.path, "backend/virtio");
	close_fixture(&x);
}

/* When the daemon dies, everything is -EPIPE and the fd wakes; a new connection knows no watches. */
static void lost_connection(void **state)
{
	struct xenvirtio_store *second;
	struct fixture x;
	char text[8];

	open_fixture(&x);
	fake_store_put(x.s, "/a", "kept");
	assert_int_equal(x.ops->watch(x.store, "/a", "t"), 0);
	fake_store_stop(x.s);
	assert_true(fd_ready(&x));
	assert_int_equal(next_event(&x), -EPIPE);
	assert_int_equal(x.ops->read(x.store, "/a", text, sizeof(text)), -EPIPE);
	assert_int_equal(x.ops->write(x.store, "/a", "no"), -EPIPE);
	assert_int_equal(x.ops->remove(x.store, "/a"), -EPIPE);
	assert_int_equal(x.ops->list(x.store, "/a", text, sizeof(text)), -EPIPE);
	assert_int_equal(x.ops->get_perms(x.store, "/a", text, sizeof(text)), -EPIPE);
	assert_int_equal(x.ops->set_perms(x.store, "/a", "n0"), -EPIPE);
	assert_int_equal(x.ops->watch(x.store, "/a", "u"), -EPIPE);
	assert_int_equal(x.ops->unwatch(x.store, "/a", "t"), -EPIPE);
	assert_int_equal(fake_store_open(x.s, &second), -ENOENT);
	fake_store_start(x.s);
	assert_int_equal(x.ops->read(x.store, "/a", text, sizeof(text)), -EPIPE);
	xenvirtio_store_close(x.store);
	assert_int_equal(fake_store_open(x.s, &x.store), 0);
	assert_int_equal(fake_store_watches(x.s), 0);
	assert_int_equal(x.ops->read(x.store, "/a", text, sizeof(text)), 0);
	assert_string_equal(text, "kept");
	close_fixture(&x);
}

/* The n-th call fails and does nothing. */
static void nth_call_fails(void **state)
{
	struct fixture x;
	char text[8];

	open_fixture(&x);
	fake_store_fail(x.s, 2, -EIO);
	assert_int_equal(x.ops->write(x.store, "/a", "1"), 0);
	assert_int_equal(x.ops->write(x.store, "/a", "2"), -EIO);
	assert_int_equal(x.ops->read(x.store, "/a", text, sizeof(text)), 0);
	assert_string_equal(text, "1");
	assert_int_equal(fake_store_calls(x.s), 3);
	close_fixture(&x);
}

/* Permissions come back as they were given, and what is not of the form changes nothing. */
static void permissions(void **state)
{
	static const char *const bad[] = {
		"", "n", "0", "x0", "n0,", ",n0", "n0,,r1", "n0 ", " n0", "n-1", "n65536", "n0;r1",
		"nn0", "n0r1", "n99999999999999999999",
	};
	struct fixture x;
	char text[64];

	open_fixture(&x);
	fake_store_put(x.s, "/a", "");
	assert_int_equal(x.ops->set_perms(x.store, "/a", "n0,r3,w4,b65535"), 0);
	assert_int_equal(x.ops->get_perms(x.store, "/a", text, sizeof(text)), 0);
	assert_string_equal(text, "n0,r3,w4,b65535");
	assert_int_equal(x.ops->get_perms(x.store, "/a", text, 5), -EMSGSIZE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(x.ops->set_perms(x.store, "/a", bad[i]), -EINVAL);
	assert_string_equal(fake_store_perms(x.s, "/a"), "n0,r3,w4,b65535");
	assert_int_equal(x.ops->set_perms(x.store, "/none", "n0"), -ENOENT);
	close_fixture(&x);
}

/* More entries than there is room for are refused, not written past the end. */
static void too_many_permissions(void **state)
{
	struct store_perm perm[STORE_PERMS_MAX];
	char text[3 * (STORE_PERMS_MAX + 1) + 1] = "";
	char back[sizeof(text)];
	size_t nr = 0;

	for (size_t i = 0; i < STORE_PERMS_MAX; i++)
		strcat(text, i ? ",n1" : "n1");
	assert_int_equal(store_perms_parse(text, perm, &nr), 0);
	assert_int_equal(nr, STORE_PERMS_MAX);
	assert_int_equal(store_perms_format(perm, nr, back, sizeof(back)), 0);
	assert_string_equal(back, text);
	assert_int_equal(store_perms_format(perm, nr, back, strlen(text)), -EMSGSIZE);
	assert_int_equal(store_perms_format(perm, nr, back, 0), -EMSGSIZE);
	strcat(text, ",n1");
	assert_int_equal(store_perms_parse(text, perm, &nr), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree),
		cmocka_unit_test(listing),
		cmocka_unit_test(watches),
		cmocka_unit_test(special_and_relative),
		cmocka_unit_test(lost_connection),
		cmocka_unit_test(nth_call_fails),
		cmocka_unit_test(permissions),
		cmocka_unit_test(too_many_permissions),
	};

	return cmocka_run_group_tests_name("store-fake", tests, NULL, NULL);
}
