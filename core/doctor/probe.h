/* probe.h -- one plugin tried at one precision, in a process of its own: one that crashes or hangs
 * takes nobody down. */
#ifndef DOCTOR_PROBE_H
#define DOCTOR_PROBE_H

#include "backend/loader.h"

#include <stdint.h>

struct err;

#define PROBE_TEXT 512

/* How far it came. */
enum probe_outcome {
    PROBE_REFUSED, /* it is no plugin of ours; text says why */
    PROBE_ABSENT,  /* there is no device for it here; text says why */
    PROBE_LACKS,   /* the device has no such precision */
    PROBE_FAILED,  /* it failed, crashed, hung or computed wrong numbers; text says how */
    PROBE_FINE,
};

struct probe {
    enum probe_outcome outcome;
    int32_t precision;
    uint32_t precisions;      /* of the device: bit k for precision k */
    double images_per_second; /* of a short bench; 0: not measured */
    char device[BACKEND_DEVICE_TEXT], library[128];
    char text[PROBE_TEXT];
};

/* What the bench trains. */
#define PROBE_NETWORK "wrn-16-1"
#define PROBE_BATCH 128

/* Loads the plugin at `path`, opens its device, trains a little and judges it (selftest.h), then
 * measures, unless brief.  After `limit` seconds the process is killed.  This process must have
 * opened no backend and have no threads.  0, also where the plugin fails; ERR_IO where no process
 * can be had. */
int probe_run(const char *path, int precision, int brief, double limit, struct probe *probe,
              struct err *err);

#endif
