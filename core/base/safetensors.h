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
#include <stdint.h>

struct err;

#define SAFETENSORS_HEADER_LIMIT ((size_t)16 << 20)
#define SAFETENSORS_RANK_MAX 8

struct safetensors {
    char *bytes;
    json_t *header, *meta;    /* meta is borrowed from the header; NULL where there is none */
    const float *data;        /* points into bytes */
    size_t data_bytes;        /* behind the header, to the end of the file */
    char digest[DIGEST_TEXT]; /* of the header as it stands; by its metadata it is the whole
                                 file's */
};

/* Reads the frame of a file's bytes, which are file's from now on, also when it fails, and begin at
 * a multiple of 8.  ERR_INPUT "path: cut short ..." or "path: damaged header ..." with the mend. */
int safetensors_open(const char *path, char *bytes, size_t size, struct safetensors *file,
                     struct err *err);

/* Reads a file of at most `limit` bytes.  ERR_INPUT "path: cut short ..." or "path: damaged header"
 * with the mend, ERR_IO.  safetensors_release() is legal on a zeroed struct. */
int safetensors_read(const char *path, size_t limit, struct safetensors *file, struct err *err);
void safetensors_release(struct safetensors *file);

/* What the header says of a tensor of floats: shape[0..*rank-1] and where its values lie.
 * ERR_INPUT where it is not there, no F32, or its bytes are not within the data or not as many as
 * its shape needs. */
int safetensors_floats(const struct safetensors *file, const char *path, const char *name,
                       int64_t shape[SAFETENSORS_RANK_MAX], int *rank, const float **values,
                       struct err *err);

/* A header's entry for a tensor, its bytes counted from the start of the data; NULL when out of
 * memory. */
json_t *safetensors_entry(const char *type, int rank, const int64_t *shape, size_t first,
                          size_t bytes);

/* A header as a text, padded with blanks to a multiple of 8; freed with mem_free(). */
int safetensors_header(const json_t *header, char **text, struct err *err);

/* Replaces the file. */
int safetensors_write(const char *path, const char *header, const void *data, size_t size,
                      struct err *err);

/* The digest of data under these metadata without their "xxh3"; ERR_MEMORY, without words. */
int safetensors_seal(const json_t *meta, const void *data, size_t bytes, char digest[DIGEST_TEXT]);

/* The digest of a header's entries but for __metadata__; ERR_MEMORY, without words. */
int safetensors_layout(const json_t *header, char digest[DIGEST_TEXT]);

/* Data, metadata and, where it is there, layout are what was written.  Takes "xxh3" out of the
 * metadata.  ERR_INPUT "path: damaged ..." with the mend, ERR_MEMORY. */
int safetensors_check(struct safetensors *file, const char *path, struct err *err);

#endif
