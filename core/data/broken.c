#include "data/broken.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

int broken_init(struct broken *broken, const int64_t count[DATASET_SPLITS], struct err *err)
{
    pthread_mutex_init(&broken->lock, NULL);
    for (int split = 0; split < DATASET_SPLITS; split++) {
        broken->seen[split] = mem_new((size_t)count[split], 1, err);
        if (broken->seen[split] == NULL)
            return ERR_MEMORY;
    }
    return 0;
}

void broken_release(struct broken *broken)
{
    for (int split = 0; split < DATASET_SPLITS; split++)
        mem_free(broken->seen[split]);
    text_release(&broken->words);
    pthread_mutex_destroy(&broken->lock);
    *broken = (struct broken){0};
}

void broken_note(struct broken *broken, int split, int64_t image, const char *sentence)
{
    pthread_mutex_lock(&broken->lock);
    if (!broken->seen[split][image]) {
        broken->seen[split][image] = 1;
        broken->found.images++;
        text_put_bytes(&broken->words, sentence, strlen(sentence) + 1);
    }
    pthread_mutex_unlock(&broken->lock);
}

void broken_replace(struct broken *broken)
{
    pthread_mutex_lock(&broken->lock);
    broken->found.rows++;
    pthread_mutex_unlock(&broken->lock);
}

struct dataset_broken broken_found(struct broken *broken)
{
    pthread_mutex_lock(&broken->lock);
    struct dataset_broken found = broken->found;
    pthread_mutex_unlock(&broken->lock);
    return found;
}

void broken_words(struct broken *broken, int64_t which, char *words, size_t size)
{
    pthread_mutex_lock(&broken->lock);
    size_t at = 0;
    for (int64_t i = 0; i < which && at < broken->words.size; i++)
        at += strlen(broken->words.bytes + at) + 1;
    snprintf(words, size, "%s",
             at < broken->words.size ? broken->words.bytes + at : "an image cannot be decoded");
    pthread_mutex_unlock(&broken->lock);
}
