/* html.h -- text made safe for a page that is read as HTML and as XML alike. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

struct text;

/* Text for an element or for an attribute in quotes: & < > " ' are written as references; a byte
 * that is no UTF-8, and a control character or any other that XML forbids, as U+FFFD. */
void html_put(struct text *out, const char *text);

/* printf() through the same: the format too is text, not markup. */
void html_format(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An id: ASCII letters, digits, '-', '_' and '.' stay, anything else becomes '-'. */
void html_put_id(struct text *out, const char *text);

#endif
