#include "loop.h"

#include "cpu/team.h"

/* Work below this is done sooner than a second thread wakes. */
#define THREADED_FLOATS 100000

void loop_run(const struct loop *loop, int64_t floats, int64_t count,
              void (*body)(void *loop, int64_t i, int32_t thread))
{
    struct loop own = *loop;
    team_for(floats < THREADED_FLOATS ? 1 : loop->net->device->threads, count, body, &own);
}
