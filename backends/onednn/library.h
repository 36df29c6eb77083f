/* library.h -- oneDNN's objects, and the memory that they work on.  Everything is created at
 * compile and owned here; a step only executes. */
#ifndef ONEDNN_LIBRARY_H
#define ONEDNN_LIBRARY_H

#include "api.h"
#include "backend/backend.h"

/* One primitive with all its arguments. */
#define CALL_ARGS 7
struct call {
    dnnl_primitive_t primitive;
    int count;
    dnnl_exec_arg_t args[CALL_ARGS];
};

/* What is freed at the end. */
struct owned {
    void **items;
    int64_t count, room;
};

struct library {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    int32_t micro; /* for a sentence */
    struct owned buffers, memories, primitives;
    struct owned scratch_users; /* memories that share the scratchpad */
    size_t scratch_bytes;
    void *scratch;
};

/* Fills *err from a status; `what` names what was attempted.  0 for success. */
int32_t library_check(dnnl_status_t status, const char *what, struct repro_error *err);
/* Zeroed memory of the library's; NULL: out of memory, and *err says so. */
void *library_buffer(struct library *library, int64_t count, size_t size, struct repro_error *err);
/* A primitive of pd, which is destroyed here in any case; its scratchpad is the library's. */
int32_t library_call(struct library *library, struct call *call, dnnl_primitive_desc_t pd,
                     struct repro_error *err);
/* Adds an argument: a memory of descriptor md over data. */
int32_t library_argument(struct library *library, struct call *call, int argument,
                         const struct md *md, void *data, struct repro_error *err);
/* The same, of the descriptor that pd asks for at `what`; *data NULL: a new buffer, handed out in
 * *data. */
int32_t library_wanted(struct library *library, struct call *call, int argument,
                       const_dnnl_primitive_desc_t pd, dnnl_query_t what, void **data,
                       struct repro_error *err);
/* A copy between two descriptors; add: dst += src. */
int32_t library_reorder(struct library *library, struct call *call, const struct md *src,
                        void *from, const struct md *dst, void *to, int add,
                        struct repro_error *err);
/* Attributes: user scratchpad and, where other is not NULL, dst = result + other by a binary add,
 * or, in_place, by dst += result. */
int32_t library_attributes(dnnl_primitive_attr_t *attr, const struct md *other, int in_place,
                           struct repro_error *err);
/* Gives every primitive its scratchpad; once, after the last library_call(). */
int32_t library_scratchpad(struct library *library, struct repro_error *err);
int32_t library_run(struct library *library, const struct call *call, struct repro_error *err);
void library_release(struct library *library);

#endif
