/* table.h -- a table of a report as plain text, before a page or LaTeX makes markup of it. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stddef.h>

struct err;

#define TABLE_COLUMNS 8

struct table_column {
    const char *head;
    int numeric;  /* 1: set to the right */
    double share; /* of the width, where a column's text is wrapped; 0: as wide as its longest */
};

struct table_cell {
    char *text;
    const char *anchor; /* of the set that it leads to, borrowed; or NULL */
    int code;           /* 1: for a shell, or the name of a file */
};

/* Zeroed but for kind, title and columns; cells are added row by row. */
struct table {
    const char *kind;  /* "verdicts": a class of the page */
    const char *title; /* of the table */
    const char *note;  /* under it, or NULL */
    size_t columns;
    struct table_column column[TABLE_COLUMNS];
    size_t count;             /* cells so far; whole rows when it is done */
    struct table_cell *cells; /* cell c of row r at [r * columns + c]; the first heads its row */
    size_t capacity;
    int failed; /* out of memory */
};

void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of the cell that was added last. */
void table_mark_code(struct table *table);
void table_mark_anchor(struct table *table, const char *anchor);

/* 0, or ERR_MEMORY where an addition has failed.  Then, too, the table is to be released. */
int table_check(const struct table *table, struct err *err);
void table_release(struct table *table);

size_t table_rows(const struct table *table);

#endif
