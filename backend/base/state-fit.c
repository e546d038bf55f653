// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See state-fit.h.
 */
#include "backend/base/state-fit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Of a device with few queues there are files from before its program had devices with more. */
bool state_fit(const struct state_header *header, unsigned int queues_max, const char **why)
{
	*why = "it is damaged";
	if (header->magic != STATE_MAGIC)
		return false;
	*why = "another version of this program wrote it";
	return (header->version == STATE_VERSION || header->version == STATE_VERSION_WITHOUT_KEEP) &&
	       header->header_bytes == sizeof(*header) && 
	       (header->device_bytes == XENVIRTIO_DEVICE_STATE_BYTES(0) || header->device_bytes == XENVIRTIO_DEVICE_STATE_BYTES(queues_max));
}

int state_fit_file(const char *path, unsigned int queues_max, const char **why)
{
	struct state_header header;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = pread(fd, &header, sizeof(header), 0);
	if (len < 0)
		rc = -errno;
	close(fd);
	if (rc)
		return rc;
	*why = "its size is wrong";
	return len == (ssize_t)sizeof(header) && state_fit(&header, queues_max, why) ? 0 : -EBADMSG;
}
