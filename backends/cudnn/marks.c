#include "marks.h"

#include "common/plugin.h"
#include "driver.h"

#include <stdlib.h>
#include <string.h>

void marks_release(struct marks *marks)
{
    for (int k = 0; marks->events != NULL && k < REPRO_MARKS; k++)
        if (marks->events[k] != NULL)
            cudaEventDestroy(marks->events[k]);
    free(marks->events);
    memset(marks, 0, sizeof *marks);
}

/* All at once, so that no mark costs more than another. */
static int32_t make(struct marks *marks, struct repro_error *err)
{
    int32_t code = 0;
    if (marks->events == NULL)
        marks->events = plugin_allocate(REPRO_MARKS, sizeof *marks->events);
    if (marks->events == NULL)
        return fail(err, REPRO_MEMORY, "out of memory for %d marks", REPRO_MARKS);
    for (int k = 0; k < REPRO_MARKS && code == 0; k++)
        if (marks->events[k] == NULL)
            code = driver_check(cudaEventCreate(&marks->events[k]), "an event", err);
    return code;
}

int32_t marks_add(struct marks *marks, cudaStream_t stream, struct repro_error *err)
{
    int32_t code = 0;
    if (marks->count == REPRO_MARKS)
        return fail(err, REPRO_ARGUMENT,
                    "%d marks are not read yet, which is all there are; read them first",
                    REPRO_MARKS);
    if (marks->events == NULL || marks->events[REPRO_MARKS - 1] == NULL)
        code = make(marks, err);
    if (code == 0)
        code = driver_check(cudaEventRecord(marks->events[marks->count], stream), "a mark", err);
    marks->count += code == 0;
    return code;
}

int32_t marks_take(struct marks *marks, double *seconds, int64_t capacity, int64_t *count,
                   struct repro_error *err)
{
    int64_t found = marks->count < capacity ? marks->count : capacity;
    double moment = 0.0;
    for (int64_t k = 0; k < found; k++) {
        /* from the mark before: a difference of long times would lose digits */
        float milliseconds = 0.0f;
        int32_t code = k == 0
                           ? 0
                           : driver_check(cudaEventElapsedTime(&milliseconds, marks->events[k - 1],
                                                               marks->events[k]),
                                          "a mark", err);
        if (code != 0)
            return code;
        moment += 1e-3 * (double)milliseconds;
        seconds[k] = moment;
    }
    marks->count = 0;
    *count = found;
    return 0;
}
