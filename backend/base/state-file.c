// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state file. Stores to a shared mapping survive the death of the process in the order they
 * were made, because the page cache keeps them; a power failure takes the guest along, so nothing
 * is synced. Whoever can write the directory is root: the checks guard against leftovers and bugs.
 */
#include "backend/base/state-file.h"
#include "backend/base/access.h"
#include "backend/base/state-fit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenvirtio/hv.h>

/** in the place of an id plus 1; 0: unknown */
#define SERVER_NONE UINT16_MAX
struct state_file {
	int fd;
	size_t bytes;
	struct state_header *header; /* the mapping; NULL before */
	bool adopted;
	struct state_file_key key;
	char path[STATE_PATH_MAX];
};

static size_t align8(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static size_t device_offset(void)
{
	return align8(sizeof(struct state_header));
}

/* @device_bytes: of the device's state, as a header says */
static size_t memory_offset(uint32_t device_bytes)
{
	return device_offset() + align8(device_bytes);
}

/* Return: 0; -EINVAL there is no such file */
static int file_bytes(uint32_t device_bytes, uint64_t memory_bytes, uint64_t *bytes)
{
	if (memory_bytes > INT64_MAX / 2)
		return -EINVAL;
	*bytes = memory_offset(device_bytes) + align8(memory_bytes) + STATE_FILE_KEEP_BYTES;
	return *bytes > SIZE_MAX ? -EINVAL : 0;
}

static uint32_t queues_bytes(unsigned int nr_queues)
{
	return (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(nr_queues);
}

int state_file_make_dir(const char *dir, const char *group_name)
{
	gid_t group = access_group(group_name);

	if (mkdir(dir, 0700))
		return errno == EEXIST ? 0 : -errno;
	/* the control sockets are in it; one that was there before is somebody else's to open */
	if (group != ACCESS_NO_GROUP && (chown(dir, (uid_t)-1, group) || chmod(dir, 0750)))
		return -errno;
	return 0;
}

/*
 * What a file is to us. One that may be of this very domain and cannot be read is never thrown
 * away: of a balloon, it alone says which frames Xen holds back.
 */
enum verdict {
	BELIEVED,
	OF_NO_USE, /* of an earlier domain, or of a process that died before it served */
	UNREADABLE,
	OF_ANOTHER, /* device type: whatever it says is that type's daemon's business */
};

static bool same_type(const struct state_header *header, const struct program *program)
{
	return header->device_id ? header->device_id == program->device_id : program->state_untyped;
}

static enum verdict check_header(const struct state_header *header, const struct state_file_key *key,
				 const char **why)
{
	*why = "it was never finished";
	if (!header->magic)
		return OF_NO_USE;
	if (!state_fit(header, key->program->queues_max, why))
		return UNREADABLE;
	*why = "it was never finished";
	if (!header->memory_bytes)
		return OF_NO_USE;
	*why = "without xenstore it cannot be told whether it is of this domain";
	if (!key->identity[0] && header->identity[0])
		return UNREADABLE;
	*why = "it is of an earlier domain";
	if (header->domid != key->domid || header->devid != key->devid ||
	    strncmp(header->identity, key->identity, sizeof(header->identity)) != 0)
		return OF_NO_USE;
	if (!same_type(header, key->program))
		return OF_ANOTHER;
	*why = "the device had another address or interrupt";
	if (header->base_gpa != key->base.v || header->irq != key->irq)
		return UNREADABLE;
	*why = "it is damaged";
	return header->note[sizeof(header->note) - 1] ? UNREADABLE : BELIEVED;
}

static void fill_header(struct state_header *header, const struct state_file_key *key)
{
	header->version = STATE_VERSION;
	header->header_bytes = sizeof(*header);
	header->device_bytes = queues_bytes(key->program->queues_max);
	header->domid = key->domid;
	header->devid = key->devid;
	header->device_id = key->program->device_id;
	header->irq = key->irq;
	header->base_gpa = key->base.v;
	header->memory_bytes = key->memory_bytes;
	snprintf(header->identity, sizeof(header->identity), "%s", key->identity);
	/* from here on a successor believes it */
	__atomic_store_n(&header->magic, STATE_MAGIC, __ATOMIC_RELEASE);
}

static int map_file(struct state_file *sf)
{
	void *at = mmap(NULL, sf->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, sf->fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	sf->header = at;
	return 0;
}

static void unmap_file(struct state_file *sf)
{
	if (sf->header)
		munmap(sf->header, sf->bytes);
	sf->header = NULL;
}

static int make_new(struct state_file *sf)
{
	uint64_t bytes;
	int rc;

	sf->adopted = false;
	rc = file_bytes(queues_bytes(sf->key.program->queues_max), sf->key.memory_bytes, &bytes);
	if (rc)
		return rc;
	sf->bytes = (size_t)bytes;
	if (ftruncate(sf->fd, 0))
		return -errno;
	/* a full file system must fail here, not with a SIGBUS at some later store */
	rc = posix_fallocate(sf->fd, 0, (off_t)sf->bytes);
	if (rc)
		return -rc;
	rc = map_file(sf);
	if (rc)
		return rc;
	fill_header(sf->header, &sf->key);
	return 0;
}

/*
 * Whether a file of its version is as long as it says. One of before may have been made longer by a
 * process that died before it could say so.
 */
static bool right_size(const struct state_file *sf)
{
	uint64_t bytes;

	if (file_bytes(sf->header->device_bytes, sf->header->memory_bytes, &bytes))
		return false;
	return sf->bytes == bytes ||
	       (sf->header->version == STATE_VERSION_WITHOUT_KEEP &&
		sf->bytes - memory_offset(sf->header->device_bytes) == sf->header->memory_bytes);
}

/*
 * A device's state says itself how long it is, and is taken at its word by who goes on from it: not beyond what there is room for here. One
 * that nobody has begun, or another version, says nothing.
 */
static bool device_fits(struct state_file *sf)
{
	const struct xenvirtio_device_state *state = state_file_device(sf);

	return state->version != XENVIRTIO_DEVICE_STATE_VERSION || state->bytes <= sf->header->device_bytes;
}

/* Longer first, and only then of this version: whoever finds it in between takes it for what it was. */
static int bring_up(struct state_file *sf)
{
	uint64_t bytes;
	int rc;

	if (sf->header->version == STATE_VERSION)
		return 0;
	rc = file_bytes(sf->header->device_bytes, sf->header->memory_bytes, &bytes);
	if (rc)
		return rc;
	unmap_file(sf);
	rc = posix_fallocate(sf->fd, 0, (off_t)bytes);
	if (rc)
		return -rc;
	sf->bytes = (size_t)bytes;
	rc = map_file(sf);
	if (rc)
		return rc;
	memset(state_file_keep(sf), 0, STATE_FILE_KEEP_BYTES);
	__atomic_store_n(&sf->header->version, STATE_VERSION, __ATOMIC_RELEASE);
	return 0;
}

/* Maps the file if it is to be believed. Return: 0; -errno */
static int try_adopt(struct state_file *sf, uint64_t bytes, enum verdict *verdict, const char **why)
{
	int rc;

	*verdict = UNREADABLE;
	*why = "its size is wrong";
	if (bytes < memory_offset(queues_bytes(0)) || bytes > SIZE_MAX)
		return 0;
	sf->bytes = (size_t)bytes;
	rc = map_file(sf);
	if (rc)
		return rc;
	*verdict = check_header(sf->header, &sf->key, why);
	if (*verdict == BELIEVED && !right_size(sf)) {
		*verdict = UNREADABLE;
		*why = "its size is wrong";
	} else if (*verdict == BELIEVED && !device_fits(sf)) {
		*verdict = UNREADABLE;
		*why = "it is damaged";
	}
	sf->adopted = *verdict == BELIEVED;
	if (sf->adopted)
		return bring_up(sf);
	unmap_file(sf);
	return 0;
}

static int adopt_or_make(struct state_file *sf, struct log *log)
{
	enum verdict verdict;
	const char *why;
	struct stat st;
	int rc;

	if (fstat(sf->fd, &st))
		return -errno;
	if (st.st_size == 0)
		return make_new(sf);
	rc = try_adopt(sf, (uint64_t)st.st_size, &verdict, &why);
	if (rc || verdict == BELIEVED)
		return rc;
	if (verdict == OF_ANOTHER) {
		log_msg(log, LOG_LEVEL_ERROR, 0,
			"%s is of a device of another type: give each daemon a --state-dir of its "
			"own",
			sf->path);
		return -EBADMSG;
	}
	if (verdict == UNREADABLE) {
		log_msg(log, LOG_LEVEL_ERROR, 0,
			"%s cannot be used: %s. It says %s: destroy the guest, then remove the "
			"file",
			sf->path, why, sf->key.program->state_says);
		return -EBADMSG;
	}
	log_msg(log, LOG_LEVEL_NOTICE, 0, "%s: discarded: %s", sf->path, why);
	return make_new(sf);
}

static int name_file(struct state_file *sf, const char *dir, uint32_t domid, uint32_t devid)
{
	return state_lock_path(sf->path, sizeof(sf->path), dir, domid, devid);
}

static int open_locked(struct state_file *sf, const char *dir, pid_t *owner)
{
	const struct doors *doors = sf->key.doors;
	int rc = doors ? 0 : state_file_make_dir(dir, sf->key.program->group);

	if (!rc)
		rc = doors ? doors->open_state(doors->opaque, sf->key.devid, owner) : state_lock(sf->path, owner);
	if (rc < 0)
		return rc;
	sf->fd = rc;
	return 0;
}

int state_file_open(struct state_file **out, const char *dir, const struct state_file_key *key,
		    struct log *log, pid_t *owner)
{
	struct state_file *sf = calloc(1, sizeof(*sf));
	int rc;

	*owner = 0;
	if (!sf)
		return -ENOMEM;
	sf->fd = -1;
	sf->key = *key;
	rc = name_file(sf, dir, key->domid, key->devid);
	if (rc)
		goto fail;
	rc = open_locked(sf, dir, owner);
	if (rc)
		goto fail;
	rc = adopt_or_make(sf, log);
	if (rc)
		goto fail;
	sf->header->owner_pid = (uint32_t)(key->owner ? key->owner : getpid());
	*out = sf;
	return 0;
fail:
	state_file_close(sf);
	return rc;
}

void state_file_close(struct state_file *sf)
{
	if (!sf)
		return;
	unmap_file(sf);
	if (sf->fd >= 0)
		close(sf->fd);
	free(sf);
}

void state_file_remove(struct state_file *sf)
{
	if (!sf)
		return;
	if (sf->key.doors)
		sf->key.doors->remove_state(sf->key.doors->opaque, sf->key.devid, sf->fd);
	else
		state_lock_remove(sf->path, sf->fd);
	state_file_close(sf);
}

bool state_file_adopted(const struct state_file *sf)
{
	return sf->adopted;
}

size_t state_file_bytes(const struct state_file *sf)
{
	return sf->bytes;
}

int state_file_fd(const struct state_file *sf)
{
	return sf->fd;
}

const char *state_file_path(const struct state_file *sf)
{
	return sf->path;
}

uint16_t state_file_server(const struct state_file *sf)
{
	uint32_t server = sf->header->server;

	return server && server != SERVER_NONE ? (uint16_t)(server - 1) : XENVIRTIO_IOREQ_NEW;
}

void state_file_set_server(struct state_file *sf, uint16_t id)
{
	sf->header->server = id == XENVIRTIO_IOREQ_NEW ? 0 : (uint16_t)(id + 1);
}

void state_file_set_no_server(struct state_file *sf)
{
	sf->header->server = SERVER_NONE;
}

bool state_file_server_unknown(const struct state_file *sf)
{
	return sf->adopted && !sf->header->server;
}

struct xenvirtio_device_state *state_file_device(struct state_file *sf)
{
	return (struct xenvirtio_device_state *)((char *)sf->header + device_offset());
}

unsigned int state_file_queues(const struct state_file *sf)
{
	return sf->header->device_bytes == queues_bytes(0) ? XENVIRTIO_STATE_QUEUES_MIN : sf->key.program->queues_max;
}

void *state_file_memory(struct state_file *sf)
{
	return (char *)sf->header + memory_offset(sf->header->device_bytes);
}

size_t state_file_memory_bytes(const struct state_file *sf)
{
	return sf->header->memory_bytes;
}

void *state_file_keep(struct state_file *sf)
{
	return (char *)sf->header + memory_offset(sf->header->device_bytes) + align8(sf->header->memory_bytes);
}

char *state_file_note(struct state_file *sf)
{
	return sf->header->note;
}

int state_file_owner(const char *dir, uint32_t domid, uint32_t devid, pid_t *owner)
{
	struct state_file sf = {0};
	int rc;

	*owner = 0;
	rc = name_file(&sf, dir, domid, devid);
	if (rc)
		return rc;
	sf.fd = open(sf.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (sf.fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = flock(sf.fd, LOCK_SH | LOCK_NB) ? -errno : 0;
	if (rc == -EWOULDBLOCK) {
		*owner = state_lock_owner(sf.fd);
		rc = -EBUSY;
	}
	close(sf.fd);
	return rc;
}

void state_file_show_life(struct state_file *sf)
{
	uint32_t owner = sf->header->owner_pid;

	/* not futimens(), which goes by whose file it is, not by who may write to it; what fails is seen by who waits for it */
	(void)!pwrite(sf->fd, &owner, sizeof(owner), offsetof(struct state_header, owner_pid));
}

int state_file_life(const char *dir, uint32_t domid, uint32_t devid, uint64_t *mark)
{
	struct state_file sf = {0};
	struct stat st;
	int rc = name_file(&sf, dir, domid, devid);

	if (rc)
		return rc;
	if (lstat(sf.path, &st))
		return -errno;
	*mark = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	return 0;
}
