/* net_describe: what was chosen, a line for each convolution and number of rows. */
#include "net.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void execution_name(const struct dnn_execution *execution, char *text, size_t size)
{
    char knobs[KNOBS_TEXT] = "";
    /* what the file of choices keeps, so that the line tells one choice from another */
    if (execution->tuned)
        knobs_text(&execution->knobs, knobs, sizeof knobs);
    if (execution->descriptor == NULL)
        snprintf(text, size, "none");
    else
        snprintf(text, size, "engine %" PRId64 "%s%s%s, %.1f MiB", execution->engine,
                 execution->notes >> CUDNN_NUMERICAL_NOTE_TENSOR_CORE & 1 ? " tensor cores" : "",
                 knobs[0] == '\0' ? "" : " knobs ", knobs,
                 (double)execution->workspace / (1 << 20));
}

static int describe_conv(const struct repro_net *net, const struct net_size *of, int32_t i,
                         char *line, size_t size)
{
    const struct repro_node *node = &net->graph.nodes[i],
                            *src = plugin_source(&net->graph, node, 0);
    char names[DNN_DIRECTIONS][KNOBS_TEXT + 64];
    for (int k = 0; k < DNN_DIRECTIONS; k++)
        execution_name(&of->executions[i * DNN_DIRECTIONS + k], names[k], sizeof names[k]);
    return snprintf(
        line, size,
        "%d rows, node %d conv %dx%d/%d %d -> %d at %dx%d: forward %s; data %s; weights %s\n",
        (int)of->rows, (int)i, (int)node->kernel_h, (int)node->kernel_w, (int)node->stride_h,
        (int)src->channels, (int)node->channels, (int)node->height, (int)node->width,
        names[DNN_FORWARD], names[DNN_DATA], names[DNN_WEIGHTS]);
}

int32_t net_describe(struct repro_net *net, char *text, int64_t size, struct repro_error *err)
{
    int64_t used = 0;
    if (size < 1)
        return fail(err, REPRO_ARGUMENT,
                    "a description of %" PRId64 " bytes has no room for its end", size);
    text[0] = '\0';
    for (int32_t p = net->size_count - 1; p >= 0; p--) {
        for (int32_t i = 0; i < net->count; i++) {
            char line[DNN_DIRECTIONS * (KNOBS_TEXT + 64) + 160];
            int length = net->layers[i].node->op == REPRO_OP_CONV
                             ? describe_conv(net, &net->sizes[p], i, line, sizeof line)
                             : 0;
            if (length >= (int)sizeof line || used + length >= size)
                return 0;
            memcpy(text + used, line, (size_t)length);
            used += length;
            text[used] = '\0';
        }
    }
    return 0;
}
