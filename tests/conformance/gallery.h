/* gallery.h -- a small data set of noise, kept by the backend under test, and crops of it assembled
 * on the host as well.
 *
 * The host's way of mirroring is the test's own: by the period of the mirrored image, not pixel by
 * pixel. */
#ifndef CONFORMANCE_GALLERY_H
#define CONFORMANCE_GALLERY_H

#include "backend/backend.h"
#include "data/dataset.h"

#include <stdint.h>

#define GALLERY_IMAGES 23

struct gallery {
    struct dataset data;         /* its training split */
    struct repro_resident *kept; /* NULL: the backend keeps none */
};

/* Noise of the graph's image size and classes; kept where the backend can. */
void gallery_init(struct gallery *gallery, const struct repro_graph *graph, uint64_t seed);
void gallery_release(struct gallery *gallery);

/* `count` crops whose images and offsets are drawn from `seed`: offsets within -reach..reach, or at
 * either end of an int8_t where reach is 128, flipped or not. */
void gallery_crops(uint64_t seed, int reach, int64_t count, struct repro_crop *crops);
/* Their pixels and labels. */
void gallery_assemble(const struct gallery *gallery, const struct repro_crop *crops, int64_t count,
                      uint8_t *pixels, int32_t *labels);

/* The same rows, of the kept set. */
struct repro_rows gallery_rows(const struct gallery *gallery, const struct repro_rows *rows,
                               const struct repro_crop *crops);

#endif
