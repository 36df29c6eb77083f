/* folder.h -- a data set of image files in folders of classes (listing.h), decoded when they are
 * needed (picture.h) by a pool of threads.
 *
 * Image i of a split is the i-th of a fixed permutation of all its files, so that the first so many
 * show every class in its proportion; it does not depend on how many are taken.  Training rows are
 * frame_train()'s part, evaluated ones frame_test()'s, resized to side x side (resize.h).  Mean and
 * deviation are 127.5: pixels on -1..1, as Inception's networks take them.
 *
 * The digest is XXH3 (64 bits, seed 0) of train_n, test_n, channels, height, width, classes as
 * little-endian 64-bit words, then of each image in use, in order, its path below the folder with
 * the NUL behind it, its class as a 32-bit word and its bytes as a 64-bit word.  So it guards
 * against images that came, went, were renamed, took other classes or other sizes, without reading
 * 140 GB; not against other pixels in a file of the same name and size. */
#ifndef DATA_FOLDER_H
#define DATA_FOLDER_H

#include "data/dataset.h"

#define FOLDER_SIDE 299 /* Inception-ResNet-V2's */
#define FOLDER_SIDE_MAX 4096

/* Zeroed: the defaults. */
struct folder_options {
    int side;     /* of the rows, in pixels; 0: FOLDER_SIDE */
    int aliased;  /* resizes without antialias, as TensorFlow does unless asked */
    int coloured; /* training rows are colour_train()'s (colour.h) besides */
    int oriented; /* images are shown the side up that their files note (orientation.h) */
    /* What a file does that cannot be decoded, or is not of the size listed.  0: its row fails and
     * names it.  1: its row is that of the split's next image in use that can be, as that image's
     * own row in this epoch; behind the last one comes the first. */
    int skip_broken;
};

#define FOLDER_WORDS 128

/* The first train_n training and test_n test images below a folder.  ERR_INPUT names what is in the
 * way, and both numbers where there are fewer; ERR_CANNOT_RUN the package that this build lacks. */
int folder_open(const char *folder, int64_t train_n, int64_t test_n,
                const struct folder_options *options, struct dataset *out, struct err *err);

/* How rows are made, in the words of a run's identity. */
void folder_augment(const struct folder_options *options, char words[FOLDER_WORDS]);
/* In such words, what is not the default, for captions: "without antialias, colours varied"; empty
 * where all is. */
void folder_unusual(const char *augment, char words[FOLDER_WORDS]);

#endif
