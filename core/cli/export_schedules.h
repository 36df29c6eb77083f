/* export_schedules.h -- the schedules of an experiment's runs as files for other programs. */
#ifndef CLI_EXPORT_SCHEDULES_H
#define CLI_EXPORT_SCHEDULES_H

struct err;
struct experiment;

/* Writes TO/FIGURE-PROFILE-RUN/schedule_* of every run, or of the one named, at a profile (NULL:
 * the experiment's own), and prints what it wrote. */
int export_schedules(const struct experiment *experiment, const char *profile, const char *only,
                     const char *to, struct err *err);

#endif
