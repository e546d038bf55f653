/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state file by its name: what of it is made, opened, locked and removed, before anybody reads it. Of its content this knows
 * the place of the owner's number, to tell it.
 */
#ifndef BACKEND_STATE_LOCK_H
#define BACKEND_STATE_LOCK_H

#include "backend/base/state-file.h"

#define STATE_MAGIC UINT64_C(0x6e6f6f6c6c616276) /* "vballoon" */
#define STATE_PATH_MAX 256

/** struct state_header - the beginning of each file; state-file.c says what is believed of it */
struct state_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	uint32_t device_bytes;
	uint32_t domid;
	uint32_t devid;
	uint32_t irq;
	uint64_t base_gpa;
	uint64_t memory_bytes;
	uint32_t owner_pid; /* where the kernel does not tell who holds the lock, state_lock_owner() */
	uint16_t server;    /* id + 1; 0: unknown; SERVER_NONE */
	uint16_t device_id; /* 0: of a daemon that did not note it */
	char identity[STATE_FILE_IDENTITY_MAX];
	char note[STATE_FILE_NOTE_MAX];
};

/** state_lock_path() - of the file in @dir. Return: 0; -ENAMETOOLONG */
int state_lock_path(char *path, size_t size, const char *dir, uint32_t domid, uint32_t devid);

/**
 * state_lock() - open the file, or make an empty one, and lock it
 * @owner: out; with -EBUSY the process that has it, 0 if it cannot be told
 *
 * It may wait, as state_file_open() says.
 * Return: the descriptor; -EBUSY; -EPERM it is not ours to trust; -errno
 */
int state_lock(const char *path, pid_t *owner);

/**
 * state_lock_owner() - who has locked a file: by /proc/locks, and where that does not have the file, as it says itself
 *
 * Return: 0: nobody
 */
pid_t state_lock_owner(int fd);

/** state_lock_holder() - likewise, by /proc/locks alone: of whoever is to be ended. Return: 0 or less: it cannot be told */
pid_t state_lock_holder(int fd);

/**
 * state_lock_same_program() - whether process @pid is another one by this one's name
 *
 * A lock outlives who took it where a descriptor was passed on, and then his number may be anybody's; what a file says may be anybody's
 * anyway. Asked of whoever may be ended, with a descriptor of him at hand. One whose name cannot be read, as with hidepid, is taken for one.
 */
bool state_lock_same_program(pid_t pid);

/** state_lock_remove() - the name of the file that @fd has locked, if it still has it. Return: 0; -ENOENT; -errno */
int state_lock_remove(const char *path, int fd);

#endif /* BACKEND_STATE_LOCK_H */
