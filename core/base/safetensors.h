/* safetensors.h -- the frame of a safetensors file: 8 bytes little-endian header length, a JSON
 * header that names every tensor with its type, shape and bytes, then the tensors back to back.
 * What the tensors mean is the caller's matter.  Every error names the file. */
#ifndef BASE_SAFETENSORS_H
#define BASE_SAFETENSORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define SAFETENSORS_HEADER_LIMIT (16u << 20) /* bytes of a header */
#define SAFETENSORS_RANK_MAX 8
#define SAFETENSORS_SUM 33 /* of a checksum in words */

struct safetensors {
    json_t *header;   /* released with json_decref() */
    const char *data; /* of the bytes given, a multiple of 8 behind their start */
    size_t size;      /* bytes of data */
};

/* Reads the frame of a file's bytes, which stay the caller's and outlive *out.  ERR_INPUT where
 * they are cut short or no such file; `mend` is what to do then, the end of the sentence. */
int safetensors_open(const char *path, const char *bytes, size_t size, const char *mend,
                     struct safetensors *out, struct err *err);

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

/* XXH3-128 of data, seeded with the XXH3 of the metadata (compact, keys sorted), so that it guards
 * both; 32 hexadecimal digits.  ERR_MEMORY. */
int safetensors_sum(const json_t *meta, const void *data, size_t size, char sum[SAFETENSORS_SUM]);

#endif
