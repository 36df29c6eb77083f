#include "backend/names.h"

#include <string.h>

#define UNKNOWN "unknown"

const char *const precision_names[PRECISION_COUNT] = {
    [REPRO_PRECISION_F32 - 1] = "f32",
    [REPRO_PRECISION_TF32 - 1] = "tf32",
    [REPRO_PRECISION_BF16 - 1] = "bf16",
};

const char *const optimizer_names[OPTIMIZER_COUNT] = {
    [REPRO_OPTIMIZER_SGD - 1] = "sgd",
    [REPRO_OPTIMIZER_MOMENTUM - 1] = "momentum",
    [REPRO_OPTIMIZER_NESTEROV - 1] = "nesterov",
    [REPRO_OPTIMIZER_ADAM - 1] = "adam",
};

static const char *const words[OPTIMIZER_COUNT] = {
    [REPRO_OPTIMIZER_SGD - 1] = "SGD",
    [REPRO_OPTIMIZER_MOMENTUM - 1] = "SGD with momentum",
    [REPRO_OPTIMIZER_NESTEROV - 1] = "SGD with Nesterov momentum",
    [REPRO_OPTIMIZER_ADAM - 1] = "Adam",
};

const char *const op_names[REPRO_OP_COUNT] = {
    [REPRO_OP_INPUT - 1] = "input",
    [REPRO_OP_CONV - 1] = "conv",
    [REPRO_OP_BATCH_NORM - 1] = "batch_norm",
    [REPRO_OP_RELU - 1] = "relu",
    [REPRO_OP_ADD - 1] = "add",
    [REPRO_OP_CONCAT - 1] = "concat",
    [REPRO_OP_MAX_POOL - 1] = "max_pool",
    [REPRO_OP_AVG_POOL - 1] = "avg_pool",
    [REPRO_OP_GLOBAL_AVG_POOL - 1] = "global_avg_pool",
    [REPRO_OP_DROPOUT - 1] = "dropout",
    [REPRO_OP_DENSE - 1] = "dense",
    [REPRO_OP_SOFTMAX_CROSS_ENTROPY - 1] = "softmax_cross_entropy",
};

static const char *name(const char *const *names, int count, int number)
{
    return number >= 1 && number <= count ? names[number - 1] : UNKNOWN;
}

static int find(const char *const *names, int count, const char *word)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0)
            return i + 1;
    return 0;
}

const char *precision_name(int precision)
{
    return name(precision_names, PRECISION_COUNT, precision);
}

const char *optimizer_name(int optimizer)
{
    return name(optimizer_names, OPTIMIZER_COUNT, optimizer);
}

const char *op_name(int op)
{
    return name(op_names, REPRO_OP_COUNT, op);
}

int precision_find(const char *word)
{
    return find(precision_names, PRECISION_COUNT, word);
}

int optimizer_find(const char *word)
{
    return find(optimizer_names, OPTIMIZER_COUNT, word);
}

int op_find(const char *word)
{
    return find(op_names, REPRO_OP_COUNT, word);
}

const char *optimizer_words(int optimizer)
{
    return name(words, OPTIMIZER_COUNT, optimizer);
}
