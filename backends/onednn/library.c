#include "library.h"

#include "common/plugin.h"

#include <stdlib.h>

int32_t library_check(dnnl_status_t status, const char *what, struct repro_error *err)
{
    switch (status) {
    case dnnl_success:
        return 0;
    case dnnl_out_of_memory:
        return fail(err, REPRO_MEMORY,
                    "out of memory for %s; choose a profile with a smaller ghost", what);
    case dnnl_unimplemented:
        return fail(err, REPRO_UNSUPPORTED,
                    "oneDNN has no %s on this processor; choose another backend or precision",
                    what);
    default:
        return fail(err, REPRO_LIBRARY, "oneDNN failed with status %d: %s", (int)status, what);
    }
}

/* Appends; 0, or -1 when out of memory. */
static int own(struct owned *owned, void *item)
{
    if (owned->count == owned->room) {
        int64_t room = owned->room == 0 ? 64 : 2 * owned->room;
        void **items = realloc(owned->items, (size_t)room * sizeof *items);
        if (items == NULL)
            return -1;
        owned->items = items;
        owned->room = room;
    }
    owned->items[owned->count++] = item;
    return 0;
}

void *library_buffer(struct library *library, int64_t count, size_t size, struct repro_error *err)
{
    void *memory = plugin_allocate(count, size);
    if (memory != NULL && own(&library->buffers, memory) != 0) {
        free(memory);
        memory = NULL;
    }
    if (memory == NULL)
        fail(err, REPRO_MEMORY,
             "out of memory for a micro of %d rows; choose a profile with a smaller ghost",
             (int)library->micro);
    return memory;
}

static int32_t new_memory(struct library *library, md_pointer md, void *data, dnnl_memory_t *out,
                          struct repro_error *err)
{
    int32_t code = library_check(dnnl_memory_create(out, md, library->engine, data),
                                 "a memory object", err);
    if (code == 0 && own(&library->memories, *out) != 0) {
        dnnl_memory_destroy(*out);
        code = fail(err, REPRO_MEMORY, "out of memory");
    }
    return code;
}

static int32_t add_argument(struct call *call, int argument, dnnl_memory_t memory,
                            struct repro_error *err)
{
    if (call->count == CALL_ARGS)
        return fail(err, REPRO_ARGUMENT, "more than %d arguments of a primitive", CALL_ARGS);
    call->args[call->count++] = (dnnl_exec_arg_t){argument, memory};
    return 0;
}

/* A scratchpad that has no memory yet. */
static int32_t add_scratchpad(struct library *library, struct call *call,
                              const_dnnl_primitive_desc_t pd, struct repro_error *err)
{
    md_pointer md = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t bytes = md == NULL ? 0 : dnnl_memory_desc_get_size(md);
    dnnl_memory_t memory;
    if (bytes == 0)
        return 0;
    library->scratch_bytes = bytes > library->scratch_bytes ? bytes : library->scratch_bytes;
    int32_t code = new_memory(library, md, DNNL_MEMORY_NONE, &memory, err);
    if (code == 0 && own(&library->scratch_users, memory) != 0)
        code = fail(err, REPRO_MEMORY, "out of memory");
    return code != 0 ? code : add_argument(call, DNNL_ARG_SCRATCHPAD, memory, err);
}

int32_t library_call(struct library *library, struct call *call, dnnl_primitive_desc_t pd,
                     struct repro_error *err)
{
    int32_t code = library_check(dnnl_primitive_create(&call->primitive, pd), "a primitive", err);
    if (code == 0 && own(&library->primitives, call->primitive) != 0) {
        dnnl_primitive_destroy(call->primitive);
        call->primitive = NULL;
        code = fail(err, REPRO_MEMORY, "out of memory");
    }
    if (code == 0)
        code = add_scratchpad(library, call, pd, err);
    dnnl_primitive_desc_destroy(pd);
    return code;
}

int32_t library_argument(struct library *library, struct call *call, int argument,
                         const struct md *md, void *data, struct repro_error *err)
{
    dnnl_memory_t memory;
    int32_t code = new_memory(library, md_of(md), data, &memory, err);
    return code != 0 ? code : add_argument(call, argument, memory, err);
}

int32_t library_wanted(struct library *library, struct call *call, int argument,
                       const_dnnl_primitive_desc_t pd, dnnl_query_t what, void **data,
                       struct repro_error *err)
{
    md_pointer md = dnnl_primitive_desc_query_md(pd, what, 0);
    dnnl_memory_t memory;
    if (md == NULL || dnnl_memory_desc_get_size(md) == 0)
        return 0;
    if (*data == NULL &&
        (*data = library_buffer(library, (int64_t)dnnl_memory_desc_get_size(md), 1, err)) == NULL)
        return REPRO_MEMORY;
    int32_t code = new_memory(library, md, *data, &memory, err);
    return code != 0 ? code : add_argument(call, argument, memory, err);
}

int32_t library_attributes(dnnl_primitive_attr_t *attr, const struct md *other, int in_place,
                           struct repro_error *err)
{
    dnnl_post_ops_t ops = NULL;
    *attr = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && (other != NULL || in_place))
        status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && ops != NULL)
        status = in_place ? api_post_sum(ops)
                          : dnnl_post_ops_append_binary(ops, dnnl_binary_add, md_of(other));
    if (status == dnnl_success && ops != NULL)
        status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    if (ops != NULL)
        dnnl_post_ops_destroy(ops);
    if (status != dnnl_success && *attr != NULL) {
        dnnl_primitive_attr_destroy(*attr);
        *attr = NULL;
    }
    return library_check(status, "primitive attributes", err);
}

int32_t library_reorder(struct library *library, struct call *call, const struct md *src,
                        void *from, const struct md *dst, void *to, int add,
                        struct repro_error *err)
{
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    int32_t code = library_attributes(&attr, NULL, add, err);
    if (code != 0)
        return code;
    code = library_check(dnnl_reorder_primitive_desc_create(&pd, md_of(src), library->engine,
                                                            md_of(dst), library->engine, attr),
                         "a reorder of weights", err);
    dnnl_primitive_attr_destroy(attr);
    if (code == 0)
        code = library_call(library, call, pd, err);
    if (code == 0)
        code = library_argument(library, call, DNNL_ARG_FROM, src, from, err);
    return code != 0 ? code : library_argument(library, call, DNNL_ARG_TO, dst, to, err);
}

int32_t library_scratchpad(struct library *library, struct repro_error *err)
{
    int32_t code = 0;
    library->scratch = library_buffer(library, (int64_t)library->scratch_bytes, 1, err);
    if (library->scratch == NULL)
        return REPRO_MEMORY;
    for (int64_t i = 0; code == 0 && i < library->scratch_users.count; i++)
        code = library_check(
            dnnl_memory_set_data_handle(library->scratch_users.items[i], library->scratch),
            "the scratchpad", err);
    return code;
}

int32_t library_run(struct library *library, const struct call *call, struct repro_error *err)
{
    return library_check(
        dnnl_primitive_execute(call->primitive, library->stream, call->count, call->args),
        "executing a primitive", err);
}

void library_release(struct library *library)
{
    for (int64_t i = 0; i < library->primitives.count; i++)
        dnnl_primitive_destroy(library->primitives.items[i]);
    for (int64_t i = 0; i < library->memories.count; i++)
        dnnl_memory_destroy(library->memories.items[i]);
    for (int64_t i = 0; i < library->buffers.count; i++)
        free(library->buffers.items[i]);
    free(library->primitives.items);
    free(library->memories.items);
    free(library->buffers.items);
    free(library->scratch_users.items);
}
