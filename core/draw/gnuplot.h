/* gnuplot.h -- gnuplot as a program: text made safe for it, and one script run. */
#ifndef DRAW_GNUPLOT_H
#define DRAW_GNUPLOT_H

struct err;
struct text;

/* Writes text as a gnuplot string expression.  It is single-quoted, so nothing in it is a command,
 * an escape or a substitution; an apostrophe becomes ."'". (gnuplot 5.4 misreads a doubled one
 * beside another quote), a newline ."\n". and any other control character a space. */
void gnuplot_put_string(struct text *out, const char *text);

/* The same for the name of a file: a relative one gets "./", as gnuplot starts a program for a name
 * that begins with '<' or '|'. */
void gnuplot_put_path(struct text *out, const char *path);

/* Runs `gnuplot -d -e commands script`: the commands first, then the script, with no shell and none
 * of the user's settings.  ERR_CANNOT_RUN when there is no gnuplot; ERR_INPUT with gnuplot's last
 * line when it fails.  Warnings of a run that succeeds are dropped. */
int gnuplot_run(const char *commands, const char *script, struct err *err);

#endif
