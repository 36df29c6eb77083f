/* weights.h -- a finished run's parameters and running statistics for PyTorch, in safetensors.
 *
 * Names are those of a checkpoint, as a module's state_dict() has them:
 * "group1.block1.conv1.weight" of "param/group1.block1.conv1.weights", a batch norm's "weight",
 * "bias", "running_mean", "running_var" and "num_batches_tracked" (the run's updates), '_' where a
 * name has '-'.  A gamma that the run was trained without is written as ones.  Values are f32 to
 * the bit, weights of convolutions OIHW and of the dense layer [classes, features]. */
#ifndef EXPORT_WEIGHTS_H
#define EXPORT_WEIGHTS_H

#include "export/export.h"

struct err;

/* Writes FOLDER/model.safetensors, the module that loads it (network.py) and README.md, which say
 * what else a user must get right: epsilon, the statistics' kind, the input's normalisation.
 * ERR_INPUT where the run has no checkpoint, or one that is damaged, of another run or of another
 * network. */
int export_weights(const struct export_run *run, const char *share, const char *folder,
                   struct err *err);

#endif
