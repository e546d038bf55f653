/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must survive this process: one file a device, <dir>/<domid>-<devid>.state, mapped.
 *
 *   header | struct xenvirtio_device_state | what the device keeps itself | what its daemon keeps
 *
 * The file is locked while it is open, so that a device has one daemon. It is written through the
 * mapping only, its size is allocated before, and its magic number is stored last: a file is whole
 * or it is nothing. What is found is used only if each word of its header is what this daemon would
 * write for the same device of the same domain; all else is discarded and said.
 *
 * Knows nothing of Xen. What the two behind the header hold is checked by those who read them.
 */
#ifndef BACKEND_STATE_FILE_H
#define BACKEND_STATE_FILE_H

#include "backend/base/doors.h"
#include "backend/base/log.h"

#include <sys/types.h>
#include <xenvirtio/device.h>

#define STATE_FILE_IDENTITY_MAX 64
/** a text for the device's own use */
#define STATE_FILE_NOTE_MAX 128
/** for the use of the device's daemon; a file of before there was any gets it, all zero */
#define STATE_FILE_KEEP_BYTES 256

/** which device of which domain: all but the size must match for a file to be believed */
struct state_file_key {
	const struct program *program; /* borrowed */
	uint32_t domid;
	uint32_t devid;
	char identity[STATE_FILE_IDENTITY_MAX]; /* tells domains apart that had one domid in turn */
	struct xenvirtio_gpa base;
	uint32_t irq;
	size_t memory_bytes; /* of a new file, not 0; one that is adopted keeps its own */
	pid_t owner;	     /* the process to name to others; 0: this one */
	const struct doors *doors; /* borrowed, for as long as it is open; NULL: this process opens it by its name */
};

struct state_file;

/**
 * state_file_open() - open, lock and check, or make anew
 * @dir:   made (0700) if only its last part is missing
 * @owner: out; with -EBUSY the process that has the device, 0 if it cannot be told
 *
 * Where the owner is no more and the file is locked all the same, what is left of it is just ending, perhaps in the middle of
 * a hypercall: that is waited for, however long it takes.
 *
 * Return: 0; -EBUSY another process serves this device; -EBADMSG the file may be of this domain and
 *         cannot be read: it stays, and the log says why; -EPERM it is not ours to trust; -errno
 */
int state_file_open(struct state_file **sf, const char *dir, const struct state_file_key *key,
		    struct log *log, pid_t *owner);
/**
 * state_file_owner() - who serves a device, without disturbing it
 * @owner: out; with -EBUSY its process, 0 if it cannot be told
 *
 * A process that opens the file at this very moment may find it locked.
 * Return: 0 nobody; -EBUSY; -errno
 */
int state_file_owner(const char *dir, uint32_t domid, uint32_t devid, pid_t *owner);
/** state_file_bytes() - how long it is, from its opening on */
size_t state_file_bytes(const struct state_file *sf);
/** state_file_fd() - locked as long as a copy of it is open anywhere */
int state_file_fd(const struct state_file *sf);
/**
 * state_file_show_life() - the file's time of change is now: whoever waits for it sees that this process goes on
 */
void state_file_show_life(struct state_file *sf);
/**
 * state_file_life() - @mark: out; a number that is another after each state_file_show_life()
 *
 * A file system that notes stores to a mapping may change it as well: nobody is taken for dead by that.
 * Return: 0; -errno
 */
int state_file_life(const char *dir, uint32_t domid, uint32_t devid, uint64_t *mark);
/**
 * state_file_make_dir() - if only its last part is missing, for root and @group
 *
 * Return: 0, also if it is there; -errno
 */
int state_file_make_dir(const char *dir, const char *group);
/** state_file_close() - leave the file for a successor; NULL is fine */
void state_file_close(struct state_file *sf);
/** state_file_remove() - the device is no more: remove the file and close; NULL is fine */
void state_file_remove(struct state_file *sf);
/** state_file_adopted() - a predecessor's state was found and believed */
bool state_file_adopted(const struct state_file *sf);
/** state_file_path() - for messages */
const char *state_file_path(const struct state_file *sf);

/** state_file_server() - the ioreq server left in the hypervisor, XENVIRTIO_IOREQ_NEW for none */
uint16_t state_file_server(const struct state_file *sf);
void state_file_set_server(struct state_file *sf, uint16_t id);
/** state_file_set_no_server() - none of ours is in the hypervisor: that is known */
void state_file_set_no_server(struct state_file *sf);
/**
 * state_file_server_unknown() - a predecessor may have made one and died before its id was noted
 *
 * So until the first of the functions above is called; state_file_server() says XENVIRTIO_IOREQ_NEW
 * then.
 */
bool state_file_server_unknown(const struct state_file *sf);
/** state_file_device(), state_file_memory() - 8-byte aligned; all zero when new */
struct xenvirtio_device_state *state_file_device(struct state_file *sf);
/** state_file_queues() - that the device's state has room for */
unsigned int state_file_queues(const struct state_file *sf);
void *state_file_memory(struct state_file *sf);
size_t state_file_memory_bytes(const struct state_file *sf);
/** state_file_keep() - STATE_FILE_KEEP_BYTES, 8-byte aligned; all zero when new */
void *state_file_keep(struct state_file *sf);
/** state_file_note() - STATE_FILE_NOTE_MAX bytes of text */
char *state_file_note(struct state_file *sf);

#endif /* BACKEND_STATE_FILE_H */
