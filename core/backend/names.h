/* names.h -- the words for what backend.h numbers: precisions, optimizers, operations.
 *
 * Files, options, tables and folders all spell them as here.  Numbers run from 1; an array holds
 * the name of number n at [n - 1]. */
#ifndef BACKEND_NAMES_H
#define BACKEND_NAMES_H

#include "backend/backend.h"

#define PRECISION_COUNT REPRO_PRECISION_BF16
#define OPTIMIZER_COUNT REPRO_OPTIMIZER_ADAM

extern const char *const precision_names[PRECISION_COUNT]; /* "f32", "tf32", "bf16" */
extern const char *const optimizer_names[OPTIMIZER_COUNT]; /* "sgd", "momentum", ... */
extern const char *const op_names[REPRO_OP_COUNT];         /* "input", "conv", ... */

/* The name of a number; "unknown" where it has none. */
const char *precision_name(int precision);
const char *optimizer_name(int optimizer);
const char *op_name(int op);

/* The number of a name; 0 where it is none. */
int precision_find(const char *name);
int optimizer_find(const char *name);
int op_find(const char *name);

/* For people: "SGD with Nesterov momentum"; "unknown" where the number has no name. */
const char *optimizer_words(int optimizer);

#endif
