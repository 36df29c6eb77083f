/* module.h -- a part of the program that is a file of its own, loaded where it is needed: what it
 * is linked with is needed nowhere else. */
#ifndef BASE_MODULE_H
#define BASE_MODULE_H

struct err;

struct module {
    const char *variable; /* of the environment: its folder, where that is absolute */
    const char *folder;   /* else this one, as configure calls it (installed.h) */
    const char *file, *entry;
    /* "this repro was built without WHAT (reason); MEND" */
    const char *what, *mend;
};

/* The address of its entry, for as long as the process lives.  NULL: ERR_CANNOT_RUN where it is not
 * there or cannot be loaded, ERR_MEMORY. */
void *module_load(const struct module *module, struct err *err);

/* NULL: ERR_CANNOT_RUN, it is of another build, its table smaller than the program's. */
void *module_stale(const struct module *module, struct err *err);

#endif
