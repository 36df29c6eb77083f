/* page.h -- one page drawn by gnuplot from one table, in three formats.
 *
 * The script and look.gp beside it are given these variables, and those of the page:
 *   format      'png', 'svg' or 'pdf'; of a picture by itself 'panel-svg' or 'panel-pdf'
 *   output      file to write
 *   data        STEM.tsv, the table            look     path of look.gp, which the script loads
 *               first
 *   title, caption, caption_lines */
#ifndef DRAW_PAGE_H
#define DRAW_PAGE_H

struct err;

struct page {
    const char *script;  /* ".../plots/figure5.gp"; look.gp lies beside it */
    const char *stem;    /* output path without extension; the folder exists */
    const char *title;   /* over the figure */
    const char *caption; /* wrapped as needed */
    const char *table;   /* the text of STEM.tsv */
    /* further gnuplot commands, each ended by "; ", made with gnuplot_put_string() */
    const char *variables;
};

/* Writes STEM.tsv, STEM.png, STEM.svg and STEM.pdf.  Every file is written whole beside its old
 * self before the first is replaced: where drawing fails, all old ones stand.  ERR_INPUT for a
 * script that cannot be used, ERR_CANNOT_RUN without gnuplot, ERR_IO. */
int page_draw(const struct page *page, struct err *err);

/* Writes one picture, `path`, from the page's script, table and variables, in a format of look.gp;
 * stem is not looked at, no table is left.  The same errors; an old picture stands where it
 * fails. */
int page_picture(const struct page *page, const char *format, const char *path, struct err *err);

#endif
