/* tex.h -- text made safe for LaTeX (pdflatex, UTF-8, T1 fonts). */
#ifndef REPORT_TEX_H
#define REPORT_TEX_H

struct text;

/* Text in a paragraph, a caption or a cell: what TeX gives a meaning is escaped, Latin letters
 * stay, signs that have a command of their own get it; any other character, and a byte that is no
 * UTF-8, stands as [U+XXXX], so that no input stops LaTeX. */
void tex_put(struct text *out, const char *text);

/* The same for a typewriter: quotes stay straight, so that what is copied is what was written. */
void tex_put_code(struct text *out, const char *text);

/* printf() through the first: the format too is text. */
void tex_format(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The name of a label or a file: ASCII letters, digits, '-' and '.' stay, anything else becomes
 * '-'. */
void tex_put_label(struct text *out, const char *text);

#endif
