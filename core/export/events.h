/* events.h -- a run's log as an event file for TensorBoard.
 *
 * Steps are updates, values floats; tags are loss/train, loss/train_l2, loss/test, accuracy/train,
 * accuracy/test, schedule/learning_rate, schedule/batch_size, schedule/momentum,
 * schedule/noise_scale, progress/epoch, progress/images and progress/images_per_second. */
#ifndef EXPORT_EVENTS_H
#define EXPORT_EVENTS_H

#include "export/export.h"

struct err;

/* Writes FOLDER/events.out.tfevents.TIME.repro, where TIME is the start of the first session.  The
 * time of an epoch is the start of the session that it ended in, by the manifest, and the seconds
 * that the log gives that session's epochs up to it: what a start costs before its first update is
 * not in it.  ERR_INPUT where the manifest has no such start. */
int export_events(const struct export_run *run, const char *folder, struct err *err);

#endif
