// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-vhost-user. What kind of device it is for decides which entries of xl.cfg are its own, and where it
 * keeps state.
 */
#include "backend/base/backend-socket.h"
#include "backend/devices/vhost-user/daemon/vhost-user-daemon.h"

#include <stdio.h>
#include <string.h>

#define TAG_MAX 36u
#define MAC_CHARACTERS 17
#define TYPES "fs, blk, net, vsock, rng, i2c, gpio or snd"
#define DEFAULT_SOCKET "/run/vhost-user/%d-%i.sock"

static int take_type(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct vhost_user_options *opts = opaque;
	const struct vhost_user_kind *kind = vhost_user_kind_find(arg);

	if (kind && (!opts->kind || opts->kind == kind)) {
		/* where it was not said, state is where the kind has it */
		if (opts->common.state_dir == opts->common.program->state_dir)
			opts->common.state_dir = kind->program.state_dir;
		opts->common.program = &kind->program;
		opts->kind = kind;
		return 0;
	}
	snprintf(why, why_size,
		 kind ? "--type %s: another is named already: a process serves one type" : "--type %s: give " TYPES, arg);
	return -1;
}

static int take_socket(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct vhost_user_options *opts = opaque;
	char path[BACKEND_SOCKET_PATH_MAX];

	/* with the largest numbers there are */
	if (!backend_socket_path(path, arg, 32751, 65535)) {
		opts->common.backend_socket = arg;
		opts->common.backend_socket_given = true;
		return 0;
	}
	snprintf(why, why_size,
		 "--socket %s: not the name of a socket: give an absolute path of up to %d characters, in which %%d is the domain's "
		 "number and %%i the device's",
		 arg, BACKEND_SOCKET_PATH_MAX - 1);
	return -1;
}

static int take_mac(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct vhost_user_options *opts = opaque;
	uint8_t *m = opts->mac;
	int end = 0;

	opts->mac_given = strspn(arg, "0123456789abcdefABCDEF:") == MAC_CHARACTERS && strlen(arg) == MAC_CHARACTERS &&
			  sscanf(arg, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5], &end) == 6 &&
			  end == MAC_CHARACTERS && !(m[0] & 1) && (m[0] | m[1] | m[2] | m[3] | m[4] | m[5]);
	if (opts->mac_given)
		return 0;
	snprintf(why, why_size, "--mac %s: not the address of a device: give six pairs of digits such as 02:16:3e:00:00:01, the first pair even",
		 arg);
	return -1;
}

static int take_mtu(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct vhost_user_options *opts = opaque;
	uint64_t mtu;

	/* virtio 1.2, 5.1.4.1 */
	if (!command_line_number(arg, 10, 65535, &mtu) && mtu >= 68) {
		opts->mtu = (uint16_t)mtu;
		return 0;
	}
	snprintf(why, why_size, "--mtu %s: give a number of bytes, 68 to 65535", arg);
	return -1;
}

static int take_backend(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct vhost_user_options *opts = opaque;

	opts->common.backend_file = arg;
	if (arg[0] == '/' || strcmp(arg, "none") == 0)
		return 0;
	snprintf(why, why_size, "--backend %s: give the absolute path of a file that says how backends are started, or none", arg);
	return -1;
}

static int take_tag(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct vhost_user_options *opts = opaque;

	opts->tag = arg;
	if (arg[0] && strlen(arg) <= TAG_MAX)
		return 0;
	snprintf(why, why_size, "--tag %s: not a tag: give 1 to %u characters, as in mount -t virtiofs TAG DIRECTORY", arg, TAG_MAX);
	return -1;
}

static const struct option_row table[] = {
	OPTIONS_ROWS_DEVICE("that --type says"),
	{"type", "TYPE", "what the backends are: " TYPES, .take = take_type},
	{"socket", "PATH", "where a device's backend listens; %d is the domain, %i the device\n"
	 "                               (default: " DEFAULT_SOCKET ")", .take = take_socket},
	{"backend", "FILE", "how the service starts backends itself, or none\n"
	 "                               (default: /etc/xen-vhost-user/TYPE.conf, if it is there)", .take = take_backend},
	{"tag", "TAG", "of a file system, for the guest's mount (default: shared)", .take = take_tag},
	{"mac", "MAC", "the address of one guest's network device\n"
	 "                               (default: 02:16:3e, the domain, the device)", .take = take_mac},
	{"mtu", "BYTES", "of network devices, for the guest (default: none is said)", .take = take_mtu},
	OPTIONS_ROWS_SERVING("/run/xen-vhost-TYPE"),
	COMMAND_LINE_COMMON_ROWS,
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_ROWS <= COMMAND_LINE_ROWS_MAX, "the parser has room");

static void print_help(FILE *out)
{
	fputs("usage: xen-vhost-user --type TYPE [OPTION...]\n"
	      "       xen-vhost-user --type TYPE --domid D [OPTION...]\n"
	      "Have vhost-user backends serve the devices of all Xen guests, with a process of its own\n"
	      "for each; or that of one guest, until it is gone. In the foreground.\n\n",
	      out);
	command_line_help_rows(table, TABLE_ROWS, 28, out);
	fputs("\nSee xen-vhost-user(8).\n", out);
}

static int check_whole(void *opaque, int nr_words, char **words, char *why, size_t why_size)
{
	const struct vhost_user_options *opts = opaque;

	if (opts->common.self_test)
		return 0;
	if (!opts->kind) {
		snprintf(why, why_size, "no --type: say what the backends are: " TYPES);
		return -1;
	}
	if (opts->tag && (!opts->kind->config_ours || opts->kind->config_mac)) {
		snprintf(why, why_size, "--tag goes with --type fs");
		return -1;
	}
	if ((opts->mac_given || opts->mtu) && !opts->kind->config_mac) {
		snprintf(why, why_size, "--mac and --mtu go with --type net");
		return -1;
	}
	if (opts->mac_given && !opts->common.domid) {
		snprintf(why, why_size, "--mac without --domid: guests would have the same address");
		return -1;
	}
	if (!opts->common.domid && !backend_socket_is_of_one(opts->common.backend_socket)) {
		snprintf(why, why_size,
			 "--socket %s without --domid: devices would share it: put %%d and %%i in it, and something between them that is no "
			 "digit",
			 opts->common.backend_socket);
		return -1;
	}
	if (opts->common.domid && opts->common.backend_file && strcmp(opts->common.backend_file, "none") != 0) {
		snprintf(why, why_size, "--backend %s with --domid: only the service starts backends", opts->common.backend_file);
		return -1;
	}
	return options_check(&opts->common, NULL, why, why_size);
}

const struct command_line vhost_user_command_line = {
	.program = "xen-vhost-user",
	.rows = table,
	.nr_rows = TABLE_ROWS,
	.help = print_help,
	.finish = check_whole,
};

void vhost_user_options_default(struct options *common)
{
	struct vhost_user_options *opts = (struct vhost_user_options *)common;

	*opts = (struct vhost_user_options){0};
	/* until --type is read */
	options_default(&opts->common, &vhost_user_kinds[0].program);
	opts->common.backend_socket = DEFAULT_SOCKET;
}
