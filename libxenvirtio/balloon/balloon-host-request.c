// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What goes over the host request queue: a request, and the headers of its answer's parts.
 *
 * A part says how long it is twice, by its chain and by its header: they must agree. Commands that
 * we did not send are no answers. Reserved fields are not looked at, so that they can be used later.
 */
#include <endian.h>
#include <linux/virtio_balloon_bulk.h>
#include <string.h>
#include <xenvirtio/balloon-bulk.h>

_Static_assert(sizeof(struct virtio_balloon_host_req) == XENVIRTIO_BALLOON_REQUEST_BYTES &&
	       sizeof(struct virtio_balloon_host_resp) == XENVIRTIO_BALLOON_ANSWER_BYTES,
	       "sizes on the wire");

void xenvirtio_balloon_encode_request(uint64_t req_id,
				      unsigned char msg[XENVIRTIO_BALLOON_REQUEST_BYTES])
{
	struct virtio_balloon_host_req req = {
		.cmd = htole16(VIRTIO_BALLOON_HOST_REQ_UNUSED),
		.req_id = htole64(req_id),
	};

	memcpy(msg, &req, sizeof(req));
}

static int refuse(struct xenvirtio_balloon_decoder *d, const char *why)
{
	d->why = why;
	return XENVIRTIO_E_GUEST;
}

int xenvirtio_balloon_decode_answer(const void *msg, uint64_t bytes, bool chunks,
				    struct xenvirtio_balloon_answer *answer,
				    struct xenvirtio_balloon_decoder *d)
{
	struct virtio_balloon_host_resp resp;
	uint64_t start;
	uint16_t flags;

	memcpy(&resp, msg, sizeof(resp));
	*d = (struct xenvirtio_balloon_decoder){ .empty = true };
	flags = le16toh(resp.flags);
	start = le64toh(resp.start_pfn);
	*answer = (struct xenvirtio_balloon_answer){
		.req_id = le64toh(resp.req_id),
		.payload_bytes = le64toh(resp.bmap_len),
		.done = flags == VIRTIO_BALLOON_HOST_RESP_DONE,
	};
	if (le16toh(resp.cmd) != VIRTIO_BALLOON_HOST_REQ_UNUSED)
		return refuse(d, "answer to something that was not asked");
	if (flags != VIRTIO_BALLOON_HOST_RESP_DONE && flags != VIRTIO_BALLOON_HOST_RESP_CONT)
		return refuse(d, "answer that neither ends nor goes on");
	if (le16toh(resp.page_shift) != VIRTIO_BALLOON_BULK_SHIFT)
		return refuse(d, "answer with pages other than 4 KiB");
	if (bytes < sizeof(resp) || answer->payload_bytes != bytes - sizeof(resp))
		return refuse(d, "answer is not as long as it says");
	if (!chunks)
		return xenvirtio_balloon_decoder_init_bitmap(d, xenvirtio_gfn(start),
							     answer->payload_bytes);
	if (start)
		return refuse(d, "answer of chunks that begins at a frame");
	return xenvirtio_balloon_decoder_init(d, XENVIRTIO_BALLOON_CHUNKS, answer->payload_bytes);
}
