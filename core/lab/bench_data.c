/* The images of steps with data. */
#include "lab/bench.h"

#include "data/folder.h"
#include "data/listing_cache.h"
#include "data/source.h"

#include <string.h>

#define IMAGES 4096           /* of the training split, or one batch where that is more */
#define MADE_BYTES (64 << 20) /* of synthetic images at most, unless a batch has more */
#define SMALL "cifar10"       /* the set of small images */
#define LARGE "imagenet"      /* and of all others */

/* How many training images of a folder of classes there are. */
static int count_images(const char *folder, int64_t *count, struct err *err)
{
    struct listing listing = {0};
    int code = listing_open(folder, &listing, err);
    if (code == 0)
        *count = listing.count[DATASET_TRAIN];
    listing_release(&listing);
    return code;
}

int bench_data(struct bench *bench, const char *network, const char *folder, int64_t batch,
               struct err *err)
{
    const struct repro_graph *graph = &bench->net.graph;
    const struct source *source = source_find(SMALL, err);
    int64_t count = IMAGES, bytes = (int64_t)graph->width * graph->height * graph->channels;
    struct net net = {0};
    int code = 0;
    if (source == NULL || source->side != graph->width)
        source = source_find(LARGE, err);
    if (folder == NULL)
        count = MADE_BYTES / bytes;
    else if (strcmp(source->name, LARGE) == 0)
        code = count_images(folder, &count, err);
    batch = batch == 0 ? BENCH_BATCH : batch;
    count = count > IMAGES ? IMAGES : count;
    count = count < batch ? batch : count;
    if (code == 0)
        code = source_open(
            folder == NULL && source->stand_in != NULL ? source->stand_in : source->name, folder,
            count, 1, &(struct folder_options){.side = graph->width}, &bench->data, err);
    const struct dataset *data = &bench->data;
    if (code == 0)
        code = net_named(&net, network, data->channels, data->height, data->width, data->classes,
                         data->mean, data->deviation, err);
    if (code != 0)
        return code;
    net_release(&bench->net);
    bench->net = net;
    return 0;
}
