#include "export/records.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u
#define MASK_DELTA 0xa282ead8u
#define FILE_VERSION "brain.Event:2"

/* Kinds of a field on the wire. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* Fields of Event, Summary and Summary.Value. */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2 };

uint32_t records_crc(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
    }
    return ~crc;
}

uint32_t records_masked(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + MASK_DELTA;
}

static void put_little(struct text *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        text_put_char(out, (char)(value >> 8 * i & 0xff));
}

void records_put(struct text *file, const char *bytes, size_t size)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)size >> 8 * i & 0xff);
    text_put_bytes(file, (const char *)length, sizeof length);
    put_little(file, records_masked(records_crc(length, sizeof length)), 4);
    text_put_bytes(file, bytes, size);
    put_little(file, records_masked(records_crc(bytes, size)), 4);
}

/* ---- Messages ---- */

static void put_varint(struct text *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        text_put_char(out, (char)((value & 0x7f) | 0x80));
    text_put_char(out, (char)value);
}

static void put_key(struct text *out, int field, int kind)
{
    put_varint(out, (uint64_t)field << 3 | (uint64_t)kind);
}

static void put_bytes(struct text *out, int field, const char *bytes, size_t size)
{
    put_key(out, field, BYTES);
    put_varint(out, size);
    text_put_bytes(out, bytes, size);
}

static void put_double(struct text *out, int field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, FIXED64);
    put_little(out, bits, 8);
}

static void put_float(struct text *out, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, FIXED32);
    put_little(out, bits, 4);
}

/* A message as a field, or, of field 0, as a record; it is released. */
static void put_message(struct text *out, int field, struct text *message)
{
    out->failed |= message->failed;
    if (!message->failed && field == 0)
        records_put(out, message->bytes, message->size);
    else if (!message->failed)
        put_bytes(out, field, message->bytes, message->size);
    text_release(message);
}

void records_put_version(struct text *file, double wall_time)
{
    struct text event = {0};
    put_double(&event, EVENT_WALL_TIME, wall_time);
    put_bytes(&event, EVENT_FILE_VERSION, FILE_VERSION, sizeof FILE_VERSION - 1);
    put_message(file, 0, &event);
}

void records_put_scalars(struct text *file, double wall_time, int64_t step,
                         const struct records_scalar *scalars, size_t count)
{
    struct text event = {0}, summary = {0};
    put_double(&event, EVENT_WALL_TIME, wall_time);
    put_key(&event, EVENT_STEP, VARINT);
    put_varint(&event, (uint64_t)step);
    for (size_t i = 0; i < count; i++) {
        struct text value = {0};
        put_bytes(&value, VALUE_TAG, scalars[i].tag, strlen(scalars[i].tag));
        put_float(&value, VALUE_SIMPLE, (float)scalars[i].value);
        put_message(&summary, SUMMARY_VALUE, &value);
    }
    put_message(&event, EVENT_SUMMARY, &summary);
    put_message(file, 0, &event);
}
