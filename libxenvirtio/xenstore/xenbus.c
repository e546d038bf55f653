// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A generic virtio device in xenstore, as libxl writes it below backend/virtio/<domid>/<devid>.
 *
 * The toolstack writes all keys in one transaction, so keys that are missing mean that the watch
 * will fire once more. Values are read strictly: a number with anything around it is refused, and
 * so is a type that only looks like ours. Each refusal comes with one line for the user.
 *
 * Nothing is read below the frontend: that is the guest's to write. Knows nothing of Xen's
 * libraries; it works on any xenvirtio_store.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio/store.h>

/* bytes of a device's window: it must not wrap around */
#define WINDOW_BYTES 0x200u
/* the last SPI of a GIC */
#define IRQ_MAX 1019u
/* XenbusStateReconfigured */
#define STATE_MAX 8u
#define TYPE_PREFIX "virtio,device"
/* names of all devices of a guest: 4 bytes each for a few hundred */
#define NAMES_BYTES 4096

#define ADVICE "write virtio = [ \"backend=0,type=virtio,device5,transport=mmio\" ] in xl.cfg"

/* One reading of one node: what is common to all steps. */
struct reading {
	struct xenvirtio_store *store;
	const char *backend;
	char *why;
	size_t why_size;
	char value[XENVIRTIO_STORE_TEXT_MAX];
};

static int __attribute__((format(printf, 4, 5)))
refuse(char *why, size_t why_size, int ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (why_size)
		vsnprintf(why, why_size, format, args);
	va_end(args);
	/* a value may be any bytes; the line goes to logs and terminals */
	for (char *p = why; why_size && *p; p++) {
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	}
	return ret;
}

static int read_key(struct reading *r, const char *key)
{
	char path[sizeof(((struct xenvirtio_xenbus *)0)->backend) + 32];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", r->backend, key);
	ret = r->store->ops->read(r->store, path, r->value, sizeof(r->value));
	switch (ret) {
	case 0:
		return 0;
	case -ENOENT:
		return refuse(r->why, r->why_size, XENVIRTIO_E_AGAIN,
			      "%s is not there yet: waiting for the toolstack to finish the node",
			      path);
	case -EMSGSIZE:
	case -EBADMSG:
		return refuse(r->why, r->why_size, -EPROTO,
			      "%s is not a line of text: remove the device and add it again", path);
	default:
		return refuse(r->why, r->why_size, ret, "cannot read %s: %s", path,
			      ret < 0 ? strerror(-ret) : "unexpected answer");
	}
}

static int bad_value(struct reading *r, const char *key, const char *wanted)
{
	return refuse(r->why, r->why_size, -EPROTO, "%s/%s is \"%.40s\", must be %s", r->backend,
		      key, r->value, wanted);
}

static int digit_value(char c, unsigned int base)
{
	int digit = -1;

	if (c >= '0' && c <= '9')
		digit = c - '0';
	else if (c >= 'a' && c <= 'f')
		digit = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		digit = c - 'A' + 10;
	return digit < (int)base ? digit : -1;
}

/* Digits and nothing else, no sign, no blank; strtoull would take all of those. */
static bool parse_number(const char *text, unsigned int base, uint64_t *number)
{
	if (!*text)
		return false;
	*number = 0;
	for (; *text; text++) {
		int digit = digit_value(*text, base);

		if (digit < 0 || __builtin_mul_overflow(*number, base, number) ||
		    __builtin_add_overflow(*number, (uint64_t)digit, number))
			return false;
	}
	return true;
}

static int read_decimal(struct reading *r, const char *key, uint32_t max, uint32_t *number)
{
	char wanted[48];
	uint64_t value;
	int ret = read_key(r, key);

	if (ret)
		return ret;
	if (!parse_number(r->value, 10, &value) || value > max) {
		snprintf(wanted, sizeof(wanted), "a decimal number from 0 to %" PRIu32, max);
		return bad_value(r, key, wanted);
	}
	*number = (uint32_t)value;
	return 0;
}

static int read_flag(struct reading *r, const char *key, bool *flag)
{
	uint32_t number;
	int ret = read_decimal(r, key, 1, &number);

	if (!ret)
		*flag = number;
	return ret;
}

/* "%#x": 0x and digits, but 0 is plain "0". */
static int read_base(struct reading *r, uint64_t *base)
{
	uint64_t end;
	int ret = read_key(r, "base");

	if (ret)
		return ret;
	if (strcmp(r->value, "0") == 0) {
		*base = 0;
		return 0;
	}
	if (strncmp(r->value, "0x", 2) != 0 || !parse_number(r->value + 2, 16, base))
		return bad_value(r, "base", "a hexadecimal address such as 0x2000000");
	if (*base & 3)
		return bad_value(r, "base", "aligned to 4 bytes");
	if (__builtin_add_overflow(*base, WINDOW_BYTES - 1, &end))
		return bad_value(r, "base", "an address with 512 bytes after it");
	return 0;
}

/* "virtio,device" and a device id in lower-case hex without leading zeroes. */
static bool type_well_formed(const char *type)
{
	const char *id = type + strlen(TYPE_PREFIX);
	uint64_t number;

	if (strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0)
		return false;
	if (*id == '0' || strpbrk(id, "ABCDEF"))
		return false;
	return parse_number(id, 16, &number) && number <= 0xffff;
}

static int check_type(struct reading *r, const char *type)
{
	int ret = read_key(r, "type");

	if (ret)
		return ret;
	if (strcmp(r->value, type) == 0)
		return 0;
	/* types without the generic form are other kinds of devices: not ours, not wrong */
	if (strncmp(r->value, TYPE_PREFIX, strlen(TYPE_PREFIX)) == 0 &&
	    !type_well_formed(r->value))
		return bad_value(r, "type",
				 "virtio,device and a hexadecimal id without leading zeroes: "
				 "correct type= in xl.cfg");
	return refuse(r->why, r->why_size, -ENODEV,
		      "%s is of type \"%.40s\", not \"%s\": give the number of another device",
		      r->backend, r->value, type);
}

static int check_transport(struct reading *r)
{
	int ret = read_key(r, "transport");

	if (!ret && strcmp(r->value, "mmio") != 0)
		return bad_value(r, "transport", "mmio: correct transport= in xl.cfg");
	return ret;
}

static int check_frontend(struct reading *r, uint32_t domid)
{
	uint32_t frontend;
	int ret = read_decimal(r, "frontend-id", UINT16_MAX, &frontend);

	if (!ret && frontend != domid)
		return bad_value(r, "frontend-id", "the domain the node is for");
	return ret;
}

/* Not written by older toolstacks, which gave no grants to guests. */
static int read_grant_usage(struct reading *r, bool *grant_usage)
{
	int ret = read_flag(r, "grant_usage", grant_usage);

	if (ret != XENVIRTIO_E_AGAIN)
		return ret;
	*grant_usage = false;
	return 0;
}

static int read_node(struct reading *r, const char *type, struct xenvirtio_xenbus *bus)
{
	int ret = check_frontend(r, bus->domid);

	if (!ret)
		ret = check_type(r, type);
	if (!ret)
		ret = check_transport(r);
	if (!ret)
		ret = read_decimal(r, "state", STATE_MAX, &bus->state);
	if (!ret)
		ret = read_flag(r, "online", &bus->online);
	if (!ret)
		ret = read_decimal(r, "irq", IRQ_MAX, &bus->irq);
	if (!ret)
		ret = read_base(r, &bus->base.v);
	if (!ret && !bus->base.v != !bus->irq)
		ret = bad_value(r, "base", "0 exactly when irq is 0: where libxl chooses neither");
	if (!ret)
		ret = read_grant_usage(r, &bus->grant_usage);
	return ret;
}

/*
 * Our own domain's number. Relative paths are below our home, but watch events would come back
 * relative too, so nodes are named absolutely. Without the key it is dom0.
 */
static int read_own_domid(struct xenvirtio_store *store, uint32_t *own)
{
	char value[16];
	uint64_t number;
	int ret = store->ops->read(store, "domid", value, sizeof(value));

	*own = 0;
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	if (!parse_number(value, 10, &number) || number > UINT16_MAX)
		return -EPROTO;
	*own = (uint32_t)number;
	return 0;
}

static int read_device(struct xenvirtio_store *store, uint32_t own, uint32_t domid, uint32_t devid,
		       const char *type, struct xenvirtio_xenbus *bus, char *why, size_t why_size)
{
	struct reading r = { .store = store, .why = why, .why_size = why_size };
	struct xenvirtio_xenbus found = { .domid = domid, .devid = devid };
	int ret;

	snprintf(found.backend, sizeof(found.backend),
		 "/local/domain/%" PRIu32 "/backend/virtio/%" PRIu32 "/%" PRIu32, own, domid,
		 devid);
	r.backend = found.backend;
	ret = store->ops->read(store, found.backend, r.value, sizeof(r.value));
	if (ret == -ENOENT)
		return refuse(why, why_size, XENVIRTIO_E_EMPTY,
			      "domain %" PRIu32 " has no virtio device %" PRIu32 ": " ADVICE,
			      domid, devid);
	if (ret && ret != -EMSGSIZE && ret != -EBADMSG)
		return refuse(why, why_size, ret, "cannot read %s: %s", found.backend,
			      ret < 0 ? strerror(-ret) : "unexpected answer");
	ret = read_node(&r, type, &found);
	if (!ret)
		*bus = found;
	return ret;
}

static int find_own_domid(struct xenvirtio_store *store, uint32_t *own, char *why, size_t why_size)
{
	int ret = read_own_domid(store, own);

	if (ret)
		return refuse(why, why_size, ret,
			      "cannot read this domain's number (domid) in xenstore: %s",
			      ret < 0 ? strerror(-ret) : "unexpected answer");
	return 0;
}

int xenvirtio_xenbus_read(struct xenvirtio_store *store, uint32_t domid, uint32_t devid,
			  const char *type, struct xenvirtio_xenbus *bus, char *why,
			  size_t why_size)
{
	uint32_t own;
	int ret = find_own_domid(store, &own, why, why_size);

	if (ret)
		return ret;
	return read_device(store, own, domid, devid, type, bus, why, why_size);
}

/* The lowest device number that is not below @from; names that are not numbers are not devices. */
static bool next_devid(const char *names, uint64_t from, uint32_t *devid)
{
	uint64_t lowest = UINT64_MAX;

	for (const char *name = names; *name; name += strlen(name) + 1) {
		uint64_t number;

		if ((name[0] == '0' && name[1]) || !parse_number(name, 10, &number))
			continue;
		if (number >= from && number <= UINT32_MAX && number < lowest)
			lowest = number;
	}
	*devid = (uint32_t)lowest;
	return lowest != UINT64_MAX;
}

int xenvirtio_xenbus_find(struct xenvirtio_store *store, uint32_t domid, const char *type,
			  struct xenvirtio_xenbus *bus, char *why, size_t why_size)
{
	char names[NAMES_BYTES];
	char path[64];
	int found = XENVIRTIO_E_EMPTY;
	uint32_t own, devid;
	int ret = find_own_domid(store, &own, why, why_size);

	if (ret)
		return ret;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/backend/virtio/%" PRIu32, own,
		 domid);
	ret = store->ops->list(store, path, names, sizeof(names));
	if (ret == -ENOENT)
		names[0] = '\0';
	else if (ret)
		return refuse(why, why_size, ret, "cannot list %s: %s", path,
			      ret < 0 ? strerror(-ret) : "unexpected answer");

	/* a device that is wrong does not hide a right one after it, but is told if there is none */
	for (uint64_t from = 0; next_devid(names, from, &devid); from = (uint64_t)devid + 1) {
		char reason[256] = "";

		ret = read_device(store, own, domid, devid, type, bus, reason, sizeof(reason));
		if (!ret || ret == -EPIPE) {
			refuse(why, why_size, ret, "%s", reason);
			return ret;
		}
		if (found == XENVIRTIO_E_EMPTY && ret != -ENODEV && ret != XENVIRTIO_E_EMPTY)
			found = refuse(why, why_size, ret, "%s", reason);
	}
	if (found == XENVIRTIO_E_EMPTY)
		refuse(why, why_size, found,
		       "domain %" PRIu32 " has no virtio device of type \"%s\": " ADVICE, domid,
		       type);
	return found;
}

int xenvirtio_xenbus_set_state(struct xenvirtio_store *store, const struct xenvirtio_xenbus *bus,
			       enum xenvirtio_xenbus_state state)
{
	char path[sizeof(bus->backend) + 16];
	char value[16];

	snprintf(path, sizeof(path), "%s/state", bus->backend);
	snprintf(value, sizeof(value), "%d", (int)state);
	return store->ops->write(store, path, value);
}
