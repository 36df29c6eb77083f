/* plugin.h -- what every backend of ours needs at the contract's edge: errors, sized structs,
 * zeroed memory. */
#ifndef COMMON_PLUGIN_H
#define COMMON_PLUGIN_H

#include "backend/backend.h"

#include <stddef.h>

#define PLUGIN_ALIGN 64

/* Fills *err and returns code. */
int32_t fail(struct repro_error *err, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copies a struct that begins with struct_size: min of both sizes, the rest zero. */
void copy_sized(void *to, size_t size, const void *from);
/* The other way: as much of `from` as the receiver's struct_size asks for; to->struct_size
 * stays. */
void fill_sized(void *to, const void *from, size_t size);

/* Copies the options of device_open() and refuses by name what this minor does not know. */
int32_t plugin_device_options(const struct repro_device_options *given,
                              struct repro_device_options *options, struct repro_error *err);

/* count * size zeroed bytes, aligned to PLUGIN_ALIGN; NULL when they overflow or are not to be had.
 * Freed with free(). */
void *plugin_allocate(int64_t count, size_t size);

#endif
