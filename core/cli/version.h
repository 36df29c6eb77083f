/* version.h -- what this program calls itself: the package's version and the commit it was built
 * from. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#include "commit.h" /* made by the build: #define REPRO_COMMIT "..." */

#ifndef REPRO_VERSION
#define REPRO_VERSION "unknown"
#endif

#endif
