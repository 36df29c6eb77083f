#include "lab/bench.h"

#include "backend/names.h"
#include "base/mem.h"
#include "net/layers.h"

#include <stdlib.h>
#include <string.h>

void bench_release(struct bench_result *result)
{
    mem_free(result->description);
    memset(result, 0, sizeof *result);
}

double bench_flop(const struct net *net)
{
    return bench_op_flop(net, REPRO_OP_CONV) + bench_op_flop(net, REPRO_OP_DENSE);
}

double bench_op_flop(const struct net *net, int op)
{
    int64_t macs = 0;
    for (int i = 0; i < net->graph.node_count; i++) {
        const struct repro_node *node = &net->nodes[i], *src = &net->nodes[node->src[0]];
        if (node->op == op)
            macs += net_layer_macs(net, i) * (src->op == REPRO_OP_INPUT ? 2 : 3);
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

static void set_limit(const struct repro_rates *rates, struct bench_row *row)
{
    double products = rates->flops > 0.0 ? row->flop / rates->flops : 0.0;
    double copies = rates->bytes > 0.0 ? row->bytes / rates->bytes : 0.0;
    if (products == 0.0 && copies == 0.0)
        return;
    row->limit = products > copies ? BENCH_LIMIT_PRODUCTS : BENCH_LIMIT_COPIES;
    row->limit_share = (products > copies ? products : copies) / row->total;
}

static void add_row(const struct bench_result *result, struct bench_row *rows, size_t *count,
                    struct bench_row row)
{
    if (row.total == 0.0)
        return;
    row.share = row.total / result->profiled;
    set_limit(&result->rates, &row);
    rows[(*count)++] = row;
}

size_t bench_rows(const struct net *net, const struct bench_result *result,
                  struct bench_row rows[BENCH_ROW_MAX])
{
    size_t count = 0;
    double rest = result->profiled;
    if (!result->has_ops)
        return 0;
    for (int op = 1; op <= REPRO_OP_COUNT; op++) {
        double forward = result->ops.forward[op], backward = result->ops.backward[op];
        add_row(result, rows, &count,
                (struct bench_row){.name = op_name(op),
                                   .forward = forward,
                                   .backward = backward,
                                   .total = forward + backward,
                                   .flop = bench_op_flop(net, op) * (double)result->options.batch,
                                   .bytes = result->ops.forward_bytes[op] +
                                            result->ops.backward_bytes[op]});
    }
    add_row(result, rows, &count,
            (struct bench_row){.name = "reorder",
                               .total = result->ops.reorder,
                               .bytes = result->ops.reorder_bytes});
    add_row(result, rows, &count,
            (struct bench_row){
                .name = "update", .total = result->ops.update, .bytes = result->ops.update_bytes});
    for (size_t i = 0; i < count; i++)
        rest -= rows[i].total;
    add_row(result, rows, &count, (struct bench_row){.name = "rest", .total = rest});
    return count;
}
