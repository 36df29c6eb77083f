/* session.h -- what the runs of one command share: the experiment, a profile, data, network and an
 * open backend. */
#ifndef LAB_SESSION_H
#define LAB_SESSION_H

#include "backend/backend.h"
#include "data/dataset.h"
#include "experiment/experiment.h"
#include "net/net.h"
#include "results/facts.h"
#include "train/resident.h"

struct err;

/* What the user chose; NULL and 0 mean default. */
struct session_options {
    const char *share;   /* folder of experiments/ and plots/; never NULL */
    const char *figure;  /* "figure5"; never NULL */
    const char *profile; /* the experiment's default_profile */
    /* folder of the real data; else the one that the source's variable names, else its stand-in */
    const char *data;
    const char *backend; /* backend_load()'s */
    int precision;       /* REPRO_PRECISION_F32 */
    /* the cores this process may use, shared among `jobs`, or ranks that may use the same */
    int threads;
    int jobs; /* runs trained side by side: 1 */
    /* the backend may choose algorithms whose bits differ from run to run */
    int allow_nondeterministic;
    int tune;                /* the backend chooses by trial, once, among what its rule allows */
    const char *conventions; /* conventions_apply()'s, for every run; those of the experiment */
    int skip_broken;         /* a folder's broken images are replaced by others (data/folder.h) */
    struct ranks *ranks;     /* that share every update: none */
};

/* A device of the session's backend and what lies on it, for one thread and one run at a time. */
struct session_device {
    struct repro_device *device;
    /* the session's data set, once session_device_place() has put it there; else empty */
    struct resident resident;
};

struct session {
    struct experiment *experiment;
    struct facts facts; /* what the runs share, in words and numbers */
    struct dataset data;
    char *fetched;  /* the folder of the fetched copy that data was read from; NULL: it was not */
    struct net net; /* of the experiment's first run */
    struct repro_backend backend;
    /* of every device; the texts are borrowed from the session's options */
    struct repro_device_options device_options;
    struct session_device device;
    struct repro_caps caps; /* of every device */
    int jobs;               /* runs trained side by side */
    struct ranks *ranks;    /* that share every update; NULL: none */
};

/* The experiment that the options name, with their conventions applied. */
int session_load(const struct session_options *options, struct experiment **out, struct err *err);

/* The experiment's data set at a profile's size and side, from a folder, or its stand-in where
 * folder is NULL and the source's variable names none. */
int session_data(const struct experiment *experiment, const struct experiment_profile *profile,
                 const char *folder, int skip_broken, struct dataset *data, struct err *err);

/* The profile's network as a run's conventions have it, for the session's data; released by
 * net_release(). */
int session_network(const struct session *session, const struct schedule_conventions *conventions,
                    struct net *net, struct err *err);

/* Fills in what captions call the data set of that name and augmentation. */
void session_data_title(struct facts_data *data);

/* Loads all of it; of an experiment that trains nothing only itself and the profile.
 * session_close() releases it; legal on a zeroed struct. */
int session_open(const struct session_options *options, struct session *session, struct err *err);
void session_close(struct session *session);

/* A further device, opened like the session's own, for a run beside others; closed before the
 * session is. */
int session_device_open(const struct session *session, struct session_device *device,
                        struct err *err);
/* Puts the session's data set on the device, where the backend keeps one and it is not there
 * yet. */
int session_device_place(const struct session *session, struct session_device *device,
                         struct err *err);
/* Legal on a zeroed struct. */
void session_device_close(const struct session *session, struct session_device *device);

#endif
