/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a virtio device does what it must: anybody's, on the fake hypervisor, without Xen.
 *
 *   clauses    what virtio 1.2 asks of a device (csd01), each by the number of its section
 *   hostile    every scenario of a driver that means harm; after each the device must work
 *   failures   every hypervisor call of a whole life fails once, and the domain goes away at each
 *   restart    the process ends at every register access of a life, and another goes on
 *
 * The author says what the device is, how it is made, and what a message to it looks like. The suite lays messages out in
 * descriptors as it likes, and judges what comes back. A clause is a test of its own, on a machine of its own. What one thread
 * cannot see is not here: the order of the device's stores.
 *
 * A program of the author's calls conformance_run(); or a shared object has a symbol "conformance_device" of struct
 * conformance_device, and xenvirtio-conformance(1) loads it. Threads: one.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <xenvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct driver;
struct fake;

/** what struct conformance_device means: a shared object of another number is refused */
#define CONFORMANCE_VERSION 2u
/** of either part of a message */
#define CONFORMANCE_BYTES_MAX 512u
/** requests that are under way at once, at most */
#define CONFORMANCE_SLOTS 16u

/** another process or thread serves the rings, so that what is wrong in them is not the device's to notice */
#define CONFORMANCE_RINGS_ELSEWHERE 1u

/**
 * struct conformance_host - what a device is made on
 * @fake:  the machine, for authors that want more of it
 * @hv:    the guest; borrowed until free
 * @gmem:  its memory; likewise
 * @state: what xenvirtio_device_new() takes; of the process before, if there was one
 */
struct conformance_host {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_device_state *state;
};

/**
 * struct conformance_message - one chain, whatever descriptors it is in
 * @slot:           which of the requests that are under way, below CONFORMANCE_SLOTS
 * @queue:          it goes to
 * @readable:       by the device; the first @readable_bytes
 * @writable:       what the device left there, when it is checked; the first @writable_bytes
 *
 * The suite fills the writable part with what it likes before the device has it.
 */
struct conformance_message {
	unsigned int slot;
	unsigned int queue;
	size_t readable_bytes;
	size_t writable_bytes;
	uint8_t readable[CONFORMANCE_BYTES_MAX];
	uint8_t writable[CONFORMANCE_BYTES_MAX];
};

/**
 * struct conformance_excuse - of what virtio 1.2 recommends (SHOULD), and this device has a reason not to do
 * @clause: the section, "2.7.7.2"
 * @says:   a part of the clause's sentence, where the section recommends more than one thing; NULL
 * @why:    the reason, a sentence
 *
 * The clause is tried all the same. That it is not ok is then told with the reason, and counts as excused; that it is ok makes
 * the excuse wrong, and is not ok.
 */
struct conformance_excuse {
	const char *clause;
	const char *says;
	const char *why;
};

/**
 * struct conformance_device - the device, as its author knows it
 * @version:       CONFORMANCE_VERSION
 * @name:          for the report
 * @device_id:     virtio 1.2, 5
 * @features:      that a proper driver takes beside VERSION_1; all must be offered
 * @nr_queues:     that such a driver sets up, at most 5
 * @nr_messages:   that one request is made of, one after the other: of a balloon two, a page there and back
 * @config_bytes:  of the configuration space that can be read; 0: none
 * @flags:         CONFORMANCE_*
 * @excuses:       an array that ends with one without a clause; NULL: none
 * @opaque:        of all hooks
 *
 * Of the hooks make, free, fill and check there must be; the others may be NULL.
 */
struct conformance_device {
	uint32_t version;
	const char *name;
	uint32_t device_id;
	uint64_t features;
	unsigned int nr_queues;
	unsigned int nr_messages;
	uint32_t config_bytes;
	uint32_t flags;
	const struct conformance_excuse *excuses;
	void *opaque;
	/**
	 * make - a process begins: the device, or the one that goes on from @host->state and what the author kept
	 *
	 * The suite puts it on a server. Return: 0; negative as the library's; what was begun is undone
	 */
	int (*make)(void *opaque, const struct conformance_host *host, struct xenvirtio_device **dev);
	/** free - the process ends: the reverse of make. What would outlive a process stays */
	void (*free)(void *opaque);
	/** forget - a machine that is new: what would outlive a process is as it was at first */
	void (*forget)(void *opaque);
	/**
	 * fill - a proper message, which a device that works uses without the driver doing more
	 * @d:    initialised; memory from d->bus->ops->alloc_page()
	 * @step: of the request, below nr_messages
	 * @m:    in: slot; out: queue, both lengths, readable
	 *
	 * Not both lengths are 0. Return: 0; -errno
	 */
	int (*fill)(void *opaque, struct driver *d, unsigned int step, struct conformance_message *m);
	/** check - whether it was answered rightly; @used_bytes are of the used ring. Return: 0; -errno, which it is not */
	int (*check)(void *opaque, unsigned int step, const struct conformance_message *m, uint32_t used_bytes);
	/**
	 * serve - what the event loop would do beside xenvirtio_server_process()
	 *
	 * Return: 0 nothing is left to do; XENVIRTIO_E_AGAIN call again; negative: the device cannot go on
	 */
	int (*serve)(void *opaque);
	/** change_config - let the configuration space be another than now, as the host may. Return: 0; -errno */
	int (*change_config)(void *opaque);
	/** errors - of the guest's that were counted so far; it may begin anew with a process */
	uint64_t (*errors)(void *opaque);
};

enum conformance_verdict {
	CONFORMANCE_OK,
	CONFORMANCE_NOT_OK,
	CONFORMANCE_SKIPPED,
	CONFORMANCE_EXCUSED, /* it is not ok, and the device has said why not */
};

/**
 * struct conformance_result - of one clause
 * @number:  from 1
 * @clause:  the section of virtio 1.2, "2.7.5.1"; or "hostile", "failures", "restart"
 * @says:    what is asked, in a sentence
 * @why:     it was skipped, or is not ok; of what is ok, how much was tried, or empty
 * @excuse:  of what is excused, the author's reason; else NULL
 * @recommended: virtio 1.2 says SHOULD, so that it can be excused
 */
struct conformance_result {
	unsigned int number;
	const char *clause;
	const char *says;
	enum conformance_verdict verdict;
	const char *why;
	const char *excuse;
	bool recommended;
};

/**
 * struct conformance_report - what to run, and whom to tell
 * @only:   a clause and those below it: "2.7" has "2.7.5.1"; NULL: all
 * @stride: failures and restarts are tried at every so many calls or accesses: 0 is each
 * @result: is told each result; NULL: lines of TAP on stdout, with the plan; what is excused is "not ok" with "# TODO", and
 *          counted in the last line
 */
struct conformance_report {
	const char *only;
	unsigned int stride;
	void (*result)(void *opaque, const struct conformance_result *result);
	void *opaque;
};

/**
 * conformance_run() - all clauses, or those that are asked for
 * @report: NULL: all, as TAP
 *
 * Return: how many are not ok, without those that are excused; -EINVAL @cd cannot be, is of another version, or has an excuse that
 *         cannot be; -ENOENT there is no such clause
 */
int conformance_run(const struct conformance_device *cd, const struct conformance_report *report);
/**
 * conformance_check_excuses() - whether each is of one clause, which is recommended, and says why
 * @why: what is wrong with one that is not, and what to do
 *
 * Return: 0; -EINVAL
 */
int conformance_check_excuses(const struct conformance_device *cd, char *why, size_t why_size);
/**
 * conformance_list() - tell the clauses and run none: each is skipped
 *
 * Return: how many there are
 */
int conformance_list(const struct conformance_report *report);

#ifdef __cplusplus
}
#endif

#endif /* CONFORMANCE_H */
