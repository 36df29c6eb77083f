/* The table of named networks.  A pattern is matched character by character and a number must stand
 * as one would write it, so that a network has one name: runs are identified by it. */
#include "base/err.h"
#include "base/suggest.h"
#include "net/networks.h"

#include <limits.h>
#include <string.h>

#define COUNT (sizeof table / sizeof *table)

static const struct network table[] = {
    {.pattern = "wrn-D-K",
     .example = "wrn-16-4",
     .title = "wide residual network of depth D = 6n + 4 and width K",
     .channels = 3,
     .side = 32,
     .classes = 10,
     .check = wrn_check,
     .build = wrn_build},
    {.pattern = "tiny",
     .example = "tiny",
     .title = "a few thousand parameters, every op of a WRN; for tests",
     .channels = 3,
     .side = 32,
     .classes = 10,
     .build = tiny_build},
    {.pattern = "inception-resnet-v2",
     .example = "inception-resnet-v2",
     .title = "Inception-ResNet-V2, as its authors released it",
     .channels = 3,
     .side = 299,
     .classes = 1000,
     .least_side = 75,
     .build = inception_build},
    {.pattern = "inception-resnet-v2-W-D",
     .example = "inception-resnet-v2-4-5",
     .title = "the same with its widths divided by W and its numbers of blocks by D",
     .channels = 3,
     .side = 96,
     .classes = 100,
     .least_side = 75,
     .check = inception_reduced_check,
     .build = inception_reduced_build},
};

const struct network *net_table(size_t *count)
{
    *count = COUNT;
    return table;
}

static int is_number(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* A whole number without sign or zeroes in front; one beyond INT_MAX counts as that. */
static const char *read_number(const char *text, int *number)
{
    const char *at = text;
    int value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        value = value > (INT_MAX - 9) / 10 ? INT_MAX : value * 10 + (*at - '0');
    if (at == text || (text[0] == '0' && at > text + 1))
        return NULL;
    *number = value;
    return at;
}

static int matches(const char *pattern, const char *name, int *numbers)
{
    for (; *pattern != '\0'; pattern++) {
        if (!is_number(*pattern)) {
            if (*name++ != *pattern)
                return 0;
        } else if ((name = read_number(name, numbers++)) == NULL) {
            return 0;
        }
    }
    return *name == '\0';
}

/* Patterns and, where they are none themselves, their examples. */
static void refuse(const char *name, struct err *err)
{
    const char *known[2 * COUNT];
    char mend[SUGGEST_TEXT];
    size_t count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        known[count++] = table[i].pattern;
        if (strcmp(table[i].pattern, table[i].example) != 0)
            known[count++] = table[i].example;
    }
    err_set(err, ERR_INPUT, "unknown network '%s'%s", name,
            suggest_phrase(mend, name, known, count, '\'', NULL));
}

static const struct network *find(const char *name, int *numbers, struct err *err)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (!matches(table[i].pattern, name, numbers))
            continue;
        if (table[i].check != NULL && table[i].check(name, numbers, err) != 0)
            return NULL;
        return &table[i];
    }
    refuse(name, err);
    return NULL;
}

const struct network *net_find(const char *name, struct err *err)
{
    int numbers[NETWORK_NUMBERS];
    return find(name, numbers, err);
}

int net_named(struct net *net, const char *name, int channels, int height, int width, int classes,
              const float *mean, const float *deviation, struct err *err)
{
    struct net_ways none = {0};
    return net_named_with(net, name, &none, channels, height, width, classes, mean, deviation, err);
}

int net_named_with(struct net *net, const char *name, const struct net_ways *ways, int channels,
                   int height, int width, int classes, const float *mean, const float *deviation,
                   struct err *err)
{
    int numbers[NETWORK_NUMBERS];
    const struct network *network = find(name, numbers, err);
    if (network == NULL)
        return ERR_INPUT;
    if (height < network->least_side || width < network->least_side)
        return err_set(err, ERR_INPUT,
                       "network '%s': of an input of %d x %d pixels its strides leave nothing; the "
                       "smallest is %d x %d",
                       name, height, width, network->least_side, network->least_side);
    net_start(net, channels, height, width, classes, mean, deviation, err);
    net->ways = *ways;
    network->build(net, numbers);
    return net_finish(net, err);
}
