/* launcher.h -- mpirun around this command line, for `--ranks N`. */
#ifndef CLI_LAUNCHER_H
#define CLI_LAUNCHER_H

struct err;

/* Runs `mpirun -n RANKS` around this very command line, before anything is opened, and waits for
 * its end; *status is its exit code.  A first SIGINT or SIGTERM lets the ranks write a checkpoint
 * and stop. */
int launcher_run(int ranks, int *status, struct err *err);

#endif
