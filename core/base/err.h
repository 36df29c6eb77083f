/* err.h -- one error: a code and a sentence.  Caller-owned; a function that can fail returns 0 or a
 * code and fills it. The sentence names the subject and the mend ("figure5.exp:12: unknown key
 * 'momentun'; did you mean 'momentum'?"), has no newline, and is cut at ERR_TEXT bytes. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define ERR_TEXT 1024

/* code, name, meaning */
#define ERR_CODES(X)                                                           \
    X(ERR_INPUT, 1, "a file or an option holds something that cannot be used") \
    X(ERR_USAGE, 2, "the command line is wrong")                               \
    X(ERR_IO, 3, "the system refused to read or write")                        \
    X(ERR_MEMORY, 4, "out of memory")                                          \
    X(ERR_BACKEND, 5, "a plugin is missing, refused or failed")                \
    X(ERR_NOT_FINITE, 6, "training produced an infinity or NaN")               \
    X(ERR_STOPPED, 7, "the user asked to stop; work so far is kept")           \
    X(ERR_CANNOT_RUN, 8, "this machine lacks what the command needs")          \
    X(ERR_INTERNAL, 9, "a bug of ours")                                        \
    X(ERR_RANK, 10, "another process of the job is lost")

enum {
#define ERR_ENUM(name, value, meaning) name = value,
    ERR_CODES(ERR_ENUM)
#undef ERR_ENUM
};

struct err {
    int code; /* 0: none */
    char text[ERR_TEXT];
};

/* Fills *err and returns code, so that a caller can write `return err_set(err, ERR_INPUT, ...)`.
 * err may be NULL. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": " and the text of errno value `number` behind the sentence; ERR_IO. */
int err_errno(struct err *err, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text of an error already set; returns its code. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
