// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xenstore through libxenstore.
 *
 * The library reads the connection in a thread of its own once there is a watch. When xenstored
 * goes away that thread ends, and calls fail with one of several errno, EINVAL among them, which
 * also is xenstored's answer to a bad path: lost_connection() tells the two apart. All of them
 * become -EPIPE. The descriptor is not woken by that: a caller that only waits should call
 * next_event from time to time, which costs no traffic.
 *
 * Values are the toolstack's or a guest's; they are bounded and NUL-terminated here, not judged.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenstore.h>
#include <xenvirtio/store.h>

#include "xenstore/store-perms.h"

struct xen_store {
	struct xenvirtio_store store;
	struct xs_handle *xs;
};

static struct xs_handle *to_xs(struct xenvirtio_store *store)
{
	return ((struct xen_store *)store)->xs;
}

static bool lost_connection(struct xs_handle *xs)
{
	void *value = xs_read(xs, XBT_NULL, "/", NULL);

	free(value);
	return !value && errno != EACCES && errno != ENOENT;
}

static int store_error(struct xs_handle *xs, int err)
{
	switch (err) {
	case EPIPE:
	case EBADF:
	case ECONNRESET:
	case ENOTCONN:
		return -EPIPE;
	case EINVAL:
		return lost_connection(xs) ? -EPIPE : -EINVAL;
	case 0:
		return -EIO;
	default:
		return -err;
	}
}

static void close_store(struct xenvirtio_store *store)
{
	xs_close(to_xs(store));
	free(store);
}

static int get_fd(struct xenvirtio_store *store)
{
	return xs_fileno(to_xs(store));
}

static int read_value(struct xenvirtio_store *store, const char *path, char *value, size_t size)
{
	struct xs_handle *xs = to_xs(store);
	unsigned int len;
	char *got = xs_read(xs, XBT_NULL, path, &len);
	int ret = 0;

	if (!got)
		return store_error(xs, errno);
	if (len >= size)
		ret = -EMSGSIZE;
	else if (memchr(got, '\0', len))
		ret = -EBADMSG;
	else
		memcpy(value, got, len + 1);
	free(got);
	return ret;
}

static int write_value(struct xenvirtio_store *store, const char *path, const char *value)
{
	struct xs_handle *xs = to_xs(store);
	size_t len = strlen(value);

	if (len >= XENVIRTIO_STORE_TEXT_MAX)
		return -EMSGSIZE;
	return xs_write(xs, XBT_NULL, path, value, (unsigned int)len) ? 0 :
									store_error(xs, errno);
}

static int remove_path(struct xenvirtio_store *store, const char *path)
{
	struct xs_handle *xs = to_xs(store);

	if (xs_rm(xs, XBT_NULL, path) || errno == ENOENT)
		return 0;
	return store_error(xs, errno);
}

static int list_children(struct xenvirtio_store *store, const char *path, char *names, size_t size)
{
	struct xs_handle *xs = to_xs(store);
	size_t used = 0;
	unsigned int nr;
	char **name = xs_directory(xs, XBT_NULL, path, &nr);
	int ret = 0;

	if (!name)
		return store_error(xs, errno);
	for (unsigned int i = 0; i < nr && !ret; i++) {
		size_t len = strlen(name[i]) + 1;

		/* one byte is for the empty name at the end */
		if (len >= size - used) {
			ret = -EMSGSIZE;
			break;
		}
		memcpy(names + used, name[i], len);
		used += len;
	}
	free(name);
	if (!ret && size)
		names[used] = '\0';
	return size ? ret : -EMSGSIZE;
}

static char perm_letter(unsigned int perms)
{
	static const char letter[] = { 'n', 'r', 'w', 'b' };

	return letter[perms & (XS_PERM_READ | XS_PERM_WRITE)];
}

static int get_perms(struct xenvirtio_store *store, const char *path, char *perms, size_t size)
{
	struct xs_handle *xs = to_xs(store);
	struct store_perm list[STORE_PERMS_MAX];
	unsigned int nr;
	struct xs_permissions *got = xs_get_permissions(xs, XBT_NULL, path, &nr);

	if (!got)
		return store_error(xs, errno);
	if (nr > STORE_PERMS_MAX) {
		free(got);
		return -EMSGSIZE;
	}
	for (unsigned int i = 0; i < nr; i++) {
		list[i].domid = got[i].id;
		list[i].how = perm_letter(got[i].perms);
	}
	free(got);
	return store_perms_format(list, nr, perms, size);
}

static unsigned int perm_bits(char letter)
{
	switch (letter) {
	case 'r':
		return XS_PERM_READ;
	case 'w':
		return XS_PERM_WRITE;
	case 'b':
		return XS_PERM_READ | XS_PERM_WRITE;
	default:
		return XS_PERM_NONE;
	}
}

static int set_perms(struct xenvirtio_store *store, const char *path, const char *perms)
{
	struct xs_handle *xs = to_xs(store);
	struct xs_permissions give[STORE_PERMS_MAX];
	struct store_perm list[STORE_PERMS_MAX];
	size_t nr;
	int ret = store_perms_parse(perms, list, &nr);

	if (ret)
		return ret;
	for (size_t i = 0; i < nr; i++) {
		give[i] = (struct xs_permissions){
			.id = list[i].domid,
			.perms = perm_bits(list[i].how),
		};
	}
	return xs_set_permissions(xs, XBT_NULL, path, give, (unsigned int)nr) ?
		       0 : store_error(xs, errno);
}

static int watch_path(struct xenvirtio_store *store, const char *path, const char *token)
{
	struct xs_handle *xs = to_xs(store);

	return xs_watch(xs, path, token) ? 0 : store_error(xs, errno);
}

static int unwatch_path(struct xenvirtio_store *store, const char *path, const char *token)
{
	struct xs_handle *xs = to_xs(store);

	return xs_unwatch(xs, path, token) ? 0 : store_error(xs, errno);
}

static int next_event(struct xenvirtio_store *store, char *path, size_t path_size, char *token,
		      size_t token_size)
{
	struct xs_handle *xs = to_xs(store);
	char **event = xs_check_watch(xs);
	int ret = 0;

	if (!event) {
		if (errno == EAGAIN || errno == EINTR)
			return XENVIRTIO_E_EMPTY;
		/* no path is in question here, so EINVAL is the lost connection */
		return errno == EINVAL ? -EPIPE : store_error(xs, errno);
	}
	if (strlen(event[XS_WATCH_TOKEN]) >= token_size || !path_size) {
		ret = -EMSGSIZE;
	} else {
		strcpy(token, event[XS_WATCH_TOKEN]);
		/* a guest may make nodes with paths of any length below ours: the start will do */
		path[0] = '\0';
		strncat(path, event[XS_WATCH_PATH], path_size - 1);
	}
	free(event);
	return ret;
}

static const struct xenvirtio_store_ops xen_ops = {
	.version = XENVIRTIO_STORE_VERSION,
	.close = close_store,
	.fd = get_fd,
	.read = read_value,
	.write = write_value,
	.remove = remove_path,
	.list = list_children,
	.get_perms = get_perms,
	.set_perms = set_perms,
	.watch = watch_path,
	.unwatch = unwatch_path,
	.next_event = next_event,
};

/*
 * Where there is a daemon's socket, it must answer: without this, libxenstore would fall back to
 * the kernel's device, which in dom0 leads to the same dead daemon and blocks for ever.
 */
static int probe_socket(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = xs_daemon_socket();
	int ret = 0;
	int fd;

	if (!path || strlen(path) >= sizeof(addr.sun_path))
		return 0;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* no socket at all: a domain without its own daemon */
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) && errno != ENOENT)
		ret = -errno;
	close(fd);
	return ret;
}

static int open_error(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return -EACCES;
	case ENOENT:
	case ECONNREFUSED:
	case ENXIO:
	case ENODEV:
	case 0:
		return -ENOENT;
	default:
		return -err;
	}
}

int xenvirtio_store_open_xen(struct xenvirtio_store **store)
{
	struct xen_store *s;
	int ret = probe_socket();

	if (ret)
		return open_error(-ret);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->store.ops = &xen_ops;
	s->xs = xs_open(0);
	if (!s->xs) {
		ret = open_error(errno);
		free(s);
		return ret;
	}
	*store = &s->store;
	return 0;
}
