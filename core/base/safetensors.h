/* safetensors.h -- the frame of a safetensors file: 8 bytes little-endian header length, a JSON
 * header, data back to back.  What the tensors are is the caller's matter.
 *
 * The header's __metadata__ guards all of it: "layout" is the digest of the header's other entries,
 * and "xxh3" that of the data, seeded with the rest of the metadata.  A file of before has no
 * "layout". */
#ifndef BASE_SAFETENSORS_H
#define BASE_SAFETENSORS_H

#include "base/digest.h"

#include <jansson.h>
#include <stddef.h>

struct err;

#define SAFETENSORS_HEADER_LIMIT ((size_t)16 << 20)

struct safetensors {
    char *bytes;
    json_t *header, *meta;    /* meta is borrowed from the header; NULL where there is none */
    const float *data;        /* points into bytes */
    size_t data_bytes;        /* behind the header, to the end of the file */
    char digest[DIGEST_TEXT]; /* of the header as it stands; by its metadata it is the whole
                                 file's */
};

/* Reads a file of at most `limit` bytes.  ERR_INPUT "path: cut short ..." or "path: damaged header"
 * with the mend, ERR_IO.  safetensors_release() is legal on a zeroed struct. */
int safetensors_read(const char *path, size_t limit, struct safetensors *file, struct err *err);
void safetensors_release(struct safetensors *file);

/* The digest of data under these metadata without their "xxh3"; ERR_MEMORY, without words. */
int safetensors_seal(const json_t *meta, const void *data, size_t bytes, char digest[DIGEST_TEXT]);

/* The digest of a header's entries but for __metadata__; ERR_MEMORY, without words. */
int safetensors_layout(const json_t *header, char digest[DIGEST_TEXT]);

/* Data, metadata and, where it is there, layout are what was written.  Takes "xxh3" out of the
 * metadata.  ERR_INPUT "path: damaged ..." with the mend, ERR_MEMORY. */
int safetensors_check(struct safetensors *file, const char *path, struct err *err);

#endif
