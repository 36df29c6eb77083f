#include "draw/planned.h"

#include "results/runlog.h"
#include "schedule/schedule.h"

int planned_log(const struct schedule *schedule, struct runlog *log, struct err *err)
{
    int code = 0;
    for (int i = 0; i < 2 * schedule->phase_count && code == 0; i++) {
        const struct phase *phase = &schedule->phase[i / 2];
        int epoch = phase->first_epoch + i % 2 * phase->epochs;
        struct runlog_row row = {
            .epoch = epoch,
            .updates = schedule_updates_before(schedule, epoch),
            .lr = phase->lr,
            .batch = phase->batch,
            .momentum = phase->momentum,
            .noise_scale = noise_scale(phase->lr, phase->momentum, schedule->train_n, phase->batch),
        };
        code = runlog_append(log, &row, err);
    }
    return code;
}
