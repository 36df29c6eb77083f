/* scene.h -- the images of the synthetic sets: procedural, and the same on every machine. */
#ifndef DATA_SCENE_H
#define DATA_SCENE_H

#include <stdint.h>

#define SCENE_SIDE 32 /* what lengths are made for; another side is a finer or coarser picture */
#define SCENE_CHANNELS 3
#define SCENE_FEW 10    /* classes: those of one object among others */
#define SCENE_MANY 1000 /* and of three objects */

struct scene {
    uint64_t seed;
    int side;
    int classes; /* SCENE_FEW or SCENE_MANY */
};

/* Image `index` of a split: pixels [side, side, SCENE_CHANNELS], its label.  room: as many ints as
 * there are pixels' bytes.  Training labels are wrong now and then. */
void scene_make(const struct scene *scene, int split, int64_t index, int *room, uint8_t *pixels,
                int32_t *label);

#endif
