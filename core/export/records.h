/* records.h -- TFRecord files of TensorBoard's events: the framing and the few messages of protocol
 * buffers that scalars need.
 *
 * A record is its length (8 bytes, little-endian), the masked CRC-32C of these, the bytes, and
 * their masked CRC-32C (tensorflow/core/lib/io/record_writer.h).  An event is the message Event of
 * tensorflow/core/util/event.proto. */
#ifndef EXPORT_RECORDS_H
#define EXPORT_RECORDS_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) of the bytes. */
uint32_t records_crc(const void *bytes, size_t size);
/* The same rotated right by 15 with 0xa282ead8 added, as TFRecord wants it. */
uint32_t records_masked(uint32_t crc);

/* Appends one record. */
void records_put(struct text *file, const char *bytes, size_t size);

/* Appends the record that begins a file: Event { wall_time, file_version "brain.Event:2" }. */
void records_put_version(struct text *file, double wall_time);

struct records_scalar {
    const char *tag;
    double value; /* written as a float */
};

/* Appends Event { wall_time, step, summary { value { tag, simple_value } ... } }. */
void records_put_scalars(struct text *file, double wall_time, int64_t step,
                         const struct records_scalar *scalars, size_t count);

#endif
