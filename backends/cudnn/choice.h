/* choice.h -- which engine computes a convolution, chosen once.
 *
 * It is the first of cuDNN's proposals that the rule of engine.h allows.  Nothing is timed, so the
 * choice repeats on the same device and libraries.  With a tuner (tune.h) it is not the first of
 * them but the fastest by trial, once. */
#ifndef CUDNN_CHOICE_H
#define CUDNN_CHOICE_H

#include "engine.h"
#include "tune.h"

/* add: FORWARD and DATA, result is added to what is there.  tuner: NULL: the first; else the target
 * has a handle.  REPRO_UNSUPPORTED, naming the shape, when no engine passes the rule. */
int32_t choice_make(struct dnn_execution *execution, const struct engine_target *target,
                    const struct tuner *tuner, const struct dnn_conv *conv,
                    enum dnn_direction direction, int add, struct repro_error *err);

#endif
