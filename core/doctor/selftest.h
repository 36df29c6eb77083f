/* selftest.h -- a few updates of a small network, against numbers that are known. */
#ifndef DOCTOR_SELFTEST_H
#define DOCTOR_SELFTEST_H

#include "backend/backend.h"

struct err;

#define SELFTEST_UPDATES 6

/* Trains WRN-10-1, which has every operation of the CIFAR-10 figures, on one batch of synthetic
 * images again and again: the mean loss over it before each update.  Errors as the trainer's. */
int selftest_losses(const struct repro_backend *backend, struct repro_device *device, int precision,
                    double losses[SELFTEST_UPDATES], struct err *err);

/* 0 where they are the known ones, as near as the precision allows; else ERR_BACKEND, and the first
 * that is not in *err. */
int selftest_judge(const double losses[SELFTEST_UPDATES], int precision, struct err *err);

#endif
