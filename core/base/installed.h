/* installed.h -- the folders that this program was installed to, wherever the installation lies
 * now.
 *
 * configure says where they are to be.  An installation that was staged (DESTDIR), moved or made
 * with another prefix keeps the way from one of them to another, so each is looked for along that
 * way from the folder of the running program first. */
#ifndef BASE_INSTALLED_H
#define BASE_INSTALLED_H

struct err;

/* The folder that configure calls `folder`, an absolute path: PROGRAM/../way to it, where PROGRAM
 * is the folder of the running program and that exists, else `folder` as it is.  Freed with
 * mem_free(); NULL and ERR_MEMORY when out of memory. */
char *installed_find(const char *folder, struct err *err);

/* The same for a program in `program_folder` that configure meant to lie in `bin_folder`; both
 * absolute.  What installed_find() does is this of /proc/self/exe. */
char *installed_from(const char *program_folder, const char *bin_folder, const char *folder,
                     struct err *err);

#endif
