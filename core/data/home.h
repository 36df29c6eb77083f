/* home.h -- the data folder: where `repro fetch` puts data sets, and where one is looked for that
 * nobody names. */
#ifndef DATA_HOME_H
#define DATA_HOME_H

struct err;

/* $REPRO_DATA_HOME, else repro under $XDG_DATA_HOME where that is an absolute path, else
 * ~/.local/share/repro; it need not exist.  Freed with mem_free().  ERR_INPUT where none of the
 * three variables is set. */
int data_home(char **path, struct err *err);

#endif
