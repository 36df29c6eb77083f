#include "lab/bench.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void bench_release(struct bench_result *result)
{
    mem_free(result->description);
    memset(result, 0, sizeof *result);
}

double bench_flop(const struct net *net)
{
    int64_t macs = 0;
    for (int i = 0; i < net->graph.node_count; i++) {
        const struct repro_node *node = &net->nodes[i], *src = &net->nodes[node->src[0]];
        int64_t channels = (int64_t)node->channels * src->channels, once = 0;
        if (node->op == REPRO_OP_CONV)
            once = channels * node->kernel_h * node->kernel_w * node->height * node->width;
        else if (node->op == REPRO_OP_DENSE)
            once = channels * src->height * src->width;
        macs += once * (src->op == REPRO_OP_INPUT ? 2 : 3);
    }
    return 2.0 * (double)macs;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void bench_summary(struct bench_result *result)
{
    double sorted[BENCH_STEP_MAX];
    size_t count = (size_t)result->options.steps;
    memcpy(sorted, result->seconds, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    result->best = sorted[0];
    result->median = 0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]);
}

static void add_row(const struct bench_result *result, struct bench_row *rows, size_t *count, struct bench_row row)
{
    if (row.total == 0.0)
        return;
    row.share = row.total / result->profiled;
    rows[(*count)++] = row;
}

size_t bench_rows(const struct bench_result *result, struct bench_row rows[BENCH_ROW_MAX])
{
    static const char *const names[REPRO_OP_COUNT + 1] = {"",
                                                          "input",
                                                          "conv",
                                                          "batch_norm",
                                                          "relu",
                                                          "add",
                                                          "concat",
                                                          "max_pool",
                                                          "avg_pool",
                                                          "global_avg_pool",
                                                          "dropout",
                                                          "dense",
                                                          "softmax_cross_entropy"};
    size_t count = 0;
    double rest = result->profiled;
    if (!result->has_ops)
        return 0;
    for (int op = 1; op <= REPRO_OP_COUNT; op++) {
        double forward = result->ops.forward[op], backward = result->ops.backward[op];
        add_row(result, rows, &count, (struct bench_row){names[op], forward, backward, forward + backward, 0.0});
    }
    add_row(result, rows, &count, (struct bench_row){"reorder", 0.0, 0.0, result->ops.reorder, 0.0});
    add_row(result, rows, &count, (struct bench_row){"update", 0.0, 0.0, result->ops.update, 0.0});
    for (size_t i = 0; i < count; i++)
        rest -= rows[i].total;
    add_row(result, rows, &count, (struct bench_row){"rest", 0.0, 0.0, rest, 0.0});
    return count;
}
