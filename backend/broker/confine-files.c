// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Landlock, by its system calls: there is no library for it. What a kernel does not know of is left out of what is asked, by its
 * version, so an older one confines less. The numbers are the kernel's, written out, since the headers of a distribution are
 * older than the kernels it may run on.
 */
#include "config.h"

#include "backend/broker/confine-files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* of files and what is in directories; linux/landlock.h */
#define EXECUTE (1u << 0)
#define WRITE_FILE (1u << 1)
#define READ_FILE (1u << 2)
#define READ_DIR (1u << 3)
#define REMOVE_FILE (1u << 5)
#define MAKE_DIR (1u << 7)
#define MAKE_REG (1u << 8)
#define MAKE_SOCK (1u << 9)
#define ALL_1 ((1u << 13) - 1)
#define REFER (1u << 13)     /* version 2 */
#define TRUNCATE (1u << 14)  /* version 3 */
#define IOCTL_DEV (1u << 15) /* version 5 */
#define BIND_TCP (1u << 0)   /* version 4 */
#define CONNECT_TCP (1u << 1)
#define SCOPE_ABSTRACT (1u << 0) /* version 6 */
#define SCOPE_SIGNAL (1u << 1)

#define OF_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

enum { RULE_PATH = 1, RULE_PORT = 2, ASK_VERSION = 1 };

struct ruleset {
	uint64_t files, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed, port;
};

static void choose(struct ruleset *set, long version)
{
	*set = (struct ruleset){.files = ALL_1};
	if (version >= 2)
		set->files |= REFER;
	if (version >= 3)
		set->files |= TRUNCATE;
	if (version >= 4)
		set->net = BIND_TCP | CONNECT_TCP;
	if (version >= 5)
		set->files |= IOCTL_DEV;
	if (version >= 6)
		set->scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
}

static size_t ruleset_bytes(long version)
{
	return version >= 6 ? sizeof(struct ruleset) :
	       version >= 4 ? offsetof(struct ruleset, scoped) :
			      offsetof(struct ruleset, net);
}

static int add_path(int rules, const struct ruleset *set, const struct confine_path *path)
{
	struct path_rule rule = {.allowed = READ_FILE | READ_DIR};
	struct stat st;
	int ret = 0;

	if (path->write)
		rule.allowed |= WRITE_FILE | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | TRUNCATE | IOCTL_DEV;
	rule.parent = open(path->path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (fstat(rule.parent, &st))
		ret = -errno;
	rule.allowed &= set->files;
	if (!ret && !S_ISDIR(st.st_mode))
		rule.allowed &= OF_FILES;
	if (!ret && syscall(SYS_landlock_add_rule, rules, RULE_PATH, &rule, 0))
		ret = -errno;
	close(rule.parent);
	return ret;
}

static int add_port(int rules, const struct ruleset *set, uint16_t port)
{
	const struct port_rule rule = {.allowed = BIND_TCP, .port = port};

	if (!set->net || !port)
		return 0;
	return syscall(SYS_landlock_add_rule, rules, RULE_PORT, &rule, 0) ? -errno : 0;
}

int confine_files(const struct confine_path *path, size_t nr, uint16_t tcp_port)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
	struct ruleset set;
	int rules, ret = 0;

	if (version < 1)
		return errno == ENOSYS || errno == EPERM ? -EOPNOTSUPP : -errno;
	choose(&set, version);
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, ruleset_bytes(version), 0);
	if (rules < 0)
		return -errno;
	for (size_t i = 0; i < nr && !ret; i++)
		ret = add_path(rules, &set, &path[i]);
	if (!ret)
		ret = add_port(rules, &set, tcp_port);
	if (!ret && syscall(SYS_landlock_restrict_self, rules, 0))
		ret = -errno;
	close(rules);
	return ret;
}
