// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kinds of faults in words.
 */
#include "backend/vhost/fault.h"

static const char *const texts[VHOST_FAULTS] = {
	[VHOST_OK] = "the backend is well",
	[VHOST_CLOSED] = "the backend closed its connection, or ended",
	[VHOST_CUT] = "the backend closed its connection in the middle of a message",
	[VHOST_VERSION] = "the backend sent a message of another version of the protocol, or what is no message",
	[VHOST_TOO_LONG] = "the backend sent a message longer than any it may send",
	[VHOST_CONTROL] = "the backend sent more descriptors than there may be",
	[VHOST_FULL] = "the backend does not read what it is sent",
	[VHOST_SYSTEM] = "the connection to the backend failed",
	[VHOST_UNASKED] = "the backend answered what was not asked",
	[VHOST_NO_REPLY_FLAG] = "the backend sent a request where an answer was due",
	[VHOST_OTHER_REQUEST] = "the backend answered another request than it was asked",
	[VHOST_LENGTH] = "the backend sent an answer of a wrong length",
	[VHOST_FDS_MANY] = "the backend sent descriptors that belong to no answer",
	[VHOST_FDS_MISSING] = "the backend sent an answer without its descriptor",
	[VHOST_VALUE] = "the backend sent an answer with a value that cannot be",
	[VHOST_REFUSED] = "the backend refused a request",
	[VHOST_NO_REQUEST] = "the backend sent an answer where only its requests belong",
	[VHOST_LATE] = "the backend did not answer in time",
	[VHOST_LEGACY] = "the backend cannot do virtio 1",
	[VHOST_QUEUES] = "the backend has fewer queues than the device",
	[VHOST_REGIONS] = "the backend takes fewer regions of memory than the guest has",
	[VHOST_CHANGED] = "the backend lacks features that the guest uses",
	[VHOST_NO_CONFIG] = "the backend does not tell the device's configuration",
	[VHOST_NO_RECORD] = "the backend keeps no record of requests, and the one before it left some that are only on record",
	[VHOST_NOT_CONNECTED] = "the backend is not connected",
};

const char *vhost_fault_text(enum vhost_fault fault)
{
	return (unsigned int)fault < VHOST_FAULTS ? texts[fault] : "the backend failed";
}
