#include "data/listing.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 16

/* The array with room for one more than `count`: its capacity is the least power of two, at least
 * FIRST_CAPACITY, that holds `count`.  NULL, and the array as it was, when out of memory. */
static void *with_room(void *array, size_t count, size_t size, struct err *err)
{
    if (array != NULL && (count < FIRST_CAPACITY || (count & (count - 1)) != 0))
        return array;
    void *larger = mem_new(array == NULL ? FIRST_CAPACITY : 2 * count, size, err);
    if (larger == NULL || array == NULL)
        return larger;
    memcpy(larger, array, count * size);
    mem_free(array);
    return larger;
}

int listing_add_name(struct listing *listing, const char *name, size_t *at, struct err *err)
{
    *at = listing->names.size;
    text_put_bytes(&listing->names, name, strlen(name) + 1);
    return listing->names.failed ? err_set(err, ERR_MEMORY, "out of memory while listing images")
                                 : 0;
}

int listing_add_class(struct listing *listing, size_t name, struct err *err)
{
    size_t *classes = with_room(listing->classes, listing->class_count, sizeof *classes, err);
    if (classes == NULL)
        return ERR_MEMORY;
    listing->classes = classes;
    classes[listing->class_count++] = name;
    return 0;
}

int listing_add_image(struct listing *listing, int split, struct listing_image image,
                      struct err *err)
{
    size_t count = (size_t)listing->count[split];
    struct listing_image *images = with_room(listing->images[split], count, sizeof *images, err);
    if (images == NULL)
        return ERR_MEMORY;
    listing->images[split] = images;
    images[count] = image;
    listing->count[split]++;
    return 0;
}

int listing_add_stamp(struct listing *listing, struct listing_stamp stamp, struct err *err)
{
    struct listing_stamp *stamps = with_room(listing->stamps, listing->stamp_count, sizeof *stamps,
                                             err);
    if (stamps == NULL)
        return ERR_MEMORY;
    listing->stamps = stamps;
    stamps[listing->stamp_count++] = stamp;
    return 0;
}

const char *listing_name(const struct listing *listing, size_t name)
{
    return listing->names.bytes + name;
}

int listing_path(const struct listing *listing, int split, int64_t image, char *path, size_t size,
                 struct err *err)
{
    const struct listing_image *of = &listing->images[split][image];
    const char *name = listing_name(listing, of->name);
    const char *class = listing_name(listing, listing->classes[of->label]);
    int length = split == DATASET_TRAIN ? snprintf(path, size, "train/%s/%s", class, name)
                 : listing->flat        ? snprintf(path, size, "val/%s", name)
                                        : snprintf(path, size, "val/%s/%s", class, name);
    if (length < 0 || (size_t)length >= size)
        return err_set(err, ERR_INPUT, "the path of the image '%s' of class '%s' is too long", name,
                       class);
    return 0;
}

void listing_release(struct listing *listing)
{
    text_release(&listing->names);
    mem_free(listing->classes);
    mem_free(listing->stamps);
    for (int split = 0; split < DATASET_SPLITS; split++)
        mem_free(listing->images[split]);
    *listing = (struct listing){0};
}
