/* The table's functions that train: they check, note, and leave the work to the queue. */
#include "net.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

int32_t net_zero(struct repro_net *net, struct repro_error *err)
{
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = flush_room(net, 0, err);
    if (code != 0)
        return code;
    queue_add(&net->queue, &(struct queue_command){.kind = QUEUE_ZERO});
    net->counted_rows = 0;
    return 0;
}

/* ---- Rows ---- */

static int32_t upload(const struct repro_net *net, void *to, const void *from, size_t bytes,
                      struct repro_error *err)
{
    return driver_check(
        cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, net->device->stream),
        "copying rows", err);
}

/* The caller's rows go through pinned memory, so that the copy runs while the caller goes on.  What
 * is queued and not flushed does not read them. */
static int32_t send_rows(struct repro_net *net, const struct repro_rows *rows,
                         struct repro_error *err)
{
    const struct repro_graph *graph = &net->graph.graph;
    struct net_stage *stage = &net->stages[net->stage];
    size_t count = (size_t)rows->count;
    size_t bytes = count * (size_t)graph->channels * (size_t)graph->height * (size_t)graph->width;
    int32_t code = driver_check(cudaEventSynchronize(stage->copied), "waiting for rows", err);
    if (code != 0)
        return code;
    memcpy(stage->pixels, rows->pixels, bytes);
    memcpy(stage->labels, rows->labels, count * sizeof *stage->labels);
    code = upload(net, net->pixels, stage->pixels, bytes, err);
    if (code == 0)
        code = upload(net, net->given_labels, stage->labels, count * sizeof *stage->labels, err);
    if (code == 0)
        code = driver_check(cudaEventRecord(stage->copied, net->device->stream), "copying rows",
                            err);
    net->stage = (net->stage + 1) % NET_STAGES;
    return code;
}

/* The smallest size that holds the rows; TRAIN needs whole ghosts, and rows are some. */
static int32_t choose_size(const struct repro_net *net, const struct repro_rows *rows)
{
    int32_t k = 0;
    while (net->sizes[k].rows < rows->count ||
           (rows->mode == REPRO_MODE_TRAIN && !net->sizes[k].trains))
        k++;
    return k;
}

static int32_t note_rows(struct repro_net *net, const struct repro_rows *rows,
                         struct repro_error *err)
{
    struct kernel_call *call;
    int32_t number = net->queue.calls, code = queue_call(&net->queue, &call, err);
    if (code != 0)
        return code;
    struct repro_crop *crops = queue_crops(call);
    call->seed = rows->seed;
    call->epoch = rows->epoch;
    if (rows->data != NULL) {
        call->pixels = rows->data->pixels;
        call->labels = rows->data->labels;
        memcpy(crops, rows->crops, (size_t)rows->count * sizeof *crops);
    } else {
        call->pixels = net->pixels;
        call->labels = net->given_labels;
        for (int64_t i = 0; i < rows->count; i++)
            crops[i] = (struct repro_crop){.image = (int32_t)i};
        net->queue.host_rows = 1;
    }
    if (net->numbered && rows->image != NULL) {
        memcpy(net->last.image, rows->image, (size_t)rows->count * sizeof *rows->image);
        memcpy(queue_image(&net->queue, call), rows->image,
               (size_t)rows->count * sizeof *rows->image);
    }
    struct queue_command command = {.kind = rows->mode == REPRO_MODE_TRAIN ? QUEUE_TRAIN
                                                                           : QUEUE_EVAL,
                                    .size = choose_size(net, rows),
                                    .rows = (int32_t)rows->count,
                                    .call = number};
    queue_add(&net->queue, &command);
    net->last.command = command;
    net->last.call = call;
    net->last.contents = *call;
    net->last.flushes = net->queue.flushes;
    return 0;
}

int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err)
{
    struct repro_rows rows;
    copy_sized(&rows, sizeof rows, given);
    int32_t code = plugin_check_rows(&net->graph, &rows, err);
    if (code == 0 && rows.data != NULL)
        code = resident_check(rows.data, &net->graph.graph, &rows, err);
    else if (code == 0 && rows.crops != NULL)
        code = fail(err, REPRO_ARGUMENT,
                    "crops are of a resident data set, and the rows name none");
    if (code == 0)
        code = device_enter(net->device, err);
    if (code == 0)
        code = rows.data == NULL && net->queue.host_rows ? flush_queue(net, err)
                                                         : flush_room(net, 1, err);
    if (code == 0 && rows.data == NULL)
        code = send_rows(net, &rows, err);
    net->can_backward = 0;
    if (code == 0)
        code = note_rows(net, &rows, err);
    if (code != 0)
        return code;
    net->rows = rows.count;
    net->counted_rows += rows.count;
    net->can_backward = rows.mode == REPRO_MODE_TRAIN;
    return 0;
}

/* A call for the backward of a forward that was flushed before it. */
static int32_t call_again(struct repro_net *net, struct repro_error *err)
{
    int32_t code = flush_room(net, 1, err);
    if (code != 0)
        return code;
    net->last.command.call = net->queue.calls;
    code = queue_call(&net->queue, &net->last.call, err);
    if (code != 0)
        return code;
    *net->last.call = net->last.contents;
    if (net->numbered)
        memcpy(queue_image(&net->queue, net->last.call), net->last.image,
               (size_t)net->rows * sizeof *net->last.image);
    return 0;
}

int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    if (!net->can_backward)
        return fail(err, REPRO_ARGUMENT, "backward needs a TRAIN forward before it");
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = flush_room(net, 0, err);
    if (code == 0 && net->last.flushes != net->queue.flushes)
        code = call_again(net, err);
    net->can_backward = 0;
    if (code != 0)
        return code;
    net->last.call->scale = scale;
    struct queue_command command = net->last.command;
    command.kind = QUEUE_BACKWARD;
    queue_add(&net->queue, &command);
    return 0;
}

/* ---- Sums of groups ---- */

static int32_t note_slot(struct repro_net *net, enum queue_kind kind, int32_t slot,
                         struct repro_error *err)
{
    if (slot < 0 || slot >= net->graph.options.slots)
        return fail(err, REPRO_ARGUMENT, "slot %d; this network was compiled with %d of them",
                    (int)slot, (int)net->graph.options.slots);
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = flush_room(net, 0, err);
    if (code == 0)
        queue_add(&net->queue, &(struct queue_command){.kind = (int32_t)kind, .which = slot});
    return code;
}

int32_t net_keep(struct repro_net *net, int32_t slot, struct repro_error *err)
{
    int32_t code = note_slot(net, QUEUE_KEEP, slot, err);
    if (code == 0)
        net->slot_rows[slot] = net->counted_rows;
    return code;
}

int32_t net_join(struct repro_net *net, int32_t slot, struct repro_error *err)
{
    int32_t code = note_slot(net, QUEUE_JOIN, slot, err);
    if (code == 0)
        net->counted_rows += net->slot_rows[slot];
    return code;
}

/* ---- Updates ---- */

static struct kernel_step round_step(const struct repro_step *step)
{
    double lr = step->lr, t = (double)step->update;
    if (step->optimizer == REPRO_OPTIMIZER_ADAM)
        lr = step->lr * sqrt(1.0 - pow(step->beta2, t)) / (1.0 - pow(step->beta1, t));
    return (struct kernel_step){.optimizer = step->optimizer,
                                .flags = step->flags,
                                .lr = (float)lr,
                                .momentum = (float)step->momentum,
                                .decay = (float)step->weight_decay,
                                .beta1 = (float)step->beta1,
                                .beta2 = (float)step->beta2,
                                .rest1 = (float)(1.0 - step->beta1),
                                .rest2 = (float)(1.0 - step->beta2),
                                .epsilon = (float)step->epsilon,
                                .keep = (float)step->keep,
                                .rest = (float)((1.0 - step->keep) / (double)step->ghosts)};
}

static int32_t check_step(const struct repro_net *net, const struct repro_step *step,
                          struct repro_error *err)
{
    if (step->optimizer < REPRO_OPTIMIZER_SGD || step->optimizer > REPRO_OPTIMIZER_ADAM)
        return fail(err, REPRO_UNSUPPORTED, "unknown optimizer %d", (int)step->optimizer);
    if (step->flags & ~REPRO_STEP_FLAGS || step->reserved != 0)
        return fail(err, REPRO_UNSUPPORTED, "a step's unknown flag 0x%x or reserved field %u",
                    (unsigned)(step->flags & ~REPRO_STEP_FLAGS), (unsigned)step->reserved);
    if (step->ghosts < 1 || step->update < 1)
        return fail(err, REPRO_ARGUMENT, "an update has a number and ghosts, both from 1 on");
    if (step->flags & REPRO_STEP_RECORD &&
        net->history.recorded - net->history.read == REPRO_HISTORY)
        return fail(err, REPRO_ARGUMENT, "%d recorded updates are unread; net_history makes room",
                    REPRO_HISTORY);
    return 0;
}

int32_t net_update(struct repro_net *net, const struct repro_step *given, struct repro_error *err)
{
    struct repro_step step;
    struct kernel_call *call;
    copy_sized(&step, sizeof step, given);
    int32_t code = check_step(net, &step, err);
    if (code == 0)
        code = device_enter(net->device, err);
    if (code == 0)
        code = flush_room(net, 1, err);
    int32_t number = net->queue.calls;
    if (code == 0)
        code = queue_call(&net->queue, &call, err);
    if (code != 0)
        return code;
    call->step = round_step(&step);
    net->optimizer = step.optimizer;
    call->record = (int32_t)(net->history.recorded % REPRO_HISTORY);
    queue_add(&net->queue, &(struct queue_command){.kind = QUEUE_UPDATE, .call = number});
    code = flush_queue(net, err);
    return code == 0 && step.flags & REPRO_STEP_RECORD
               ? history_add(&net->history, net->device->stream, net->counted_rows, err)
               : code;
}
