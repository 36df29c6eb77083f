/* svg.c -- a copy of the text, with what follows a few known words replaced on the way. */
#include "report/svg.h"

#include "base/err.h"
#include "base/text.h"
#include "report/html.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define GROUP "<g id=\"gnuplot_plot_"

/* plots/look.gp's colours, and what the page's style calls them. */
static const struct {
    unsigned value;
    const char *name;
} colours[] = {
    {0x0072b2, "s1"},      {0xd55e00, "s2"},  {0x009e73, "s3"},  {0xaa3377, "s4"},
    {0xe69f00, "s5"},      {0x56b4e9, "s6"},  {0x000000, "s7"},  {0x7f7f00, "s8"},
    {0xa0a0a0, "printed"}, {0x303030, "ink"}, {0x404040, "ink"}, {0x606060, "axis"},
    {0xe4e4e4, "grid"},
};

/* Past `prefix` at *at, or 0. */
static int skip(const char **at, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(*at, prefix, length) != 0)
        return 0;
    *at += length;
    return 1;
}

/* The colour "rgb( 48,  48,  48)" at `at`: its value and its length; 0 where there is none. */
static int read_colour(const char *at, unsigned *value)
{
    unsigned red, green, blue;
    int length = 0;
    if (sscanf(at, "rgb(%u ,%u ,%u )%n", &red, &green, &blue, &length) != 3 || length == 0)
        return 0;
    *value = red << 16 | green << 8 | blue;
    return length;
}

/* What the page calls it; NULL: nothing. */
static const char *colour_name(unsigned value)
{
    for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
        if (colours[i].value == value)
            return colours[i].name;
    return NULL;
}

/* The colour at *at, which moves behind it; 0 where there is none. */
static int put_colour(struct text *out, const char **at)
{
    unsigned value;
    int length = read_colour(*at, &value);
    const char *name = length == 0 ? NULL : colour_name(value);
    if (length == 0)
        return 0;
    *at += length;
    if (name == NULL)
        text_put(out, "#%06x", value);
    else
        text_put(out, "var(--%s,#%06x)", name, value);
    return 1;
}

/* The curve whose colour is the first of a group's, from 1; 0: a printed one's, where they are
 * grey; -1: the group has neither.  It ends where the next one begins. */
static int curve_of(const char *group, const char **class)
{
    const char *end = strstr(group, GROUP);
    for (const char *at = strstr(group, "rgb("); at != NULL && (end == NULL || at < end);
         at = strstr(at + 1, "rgb(")) {
        unsigned value;
        const char *name = read_colour(at, &value) == 0 ? NULL : colour_name(value);
        if (name != NULL && strcmp(name, "printed") == 0) {
            *class = name;
            return 0;
        }
        if (name != NULL && name[0] == 's' && isdigit((unsigned char)name[1])) {
            *class = name;
            return name[1] - '0';
        }
    }
    return -1;
}

/* Behind GROUP: the rest of the tag and gnuplot's own title. */
static void put_group(struct text *out, const char **at, const struct svg_words *words)
{
    const char *class = NULL, *tag = strchr(*at, '>'), *end = strstr(*at, "</title>");
    if (tag != NULL)
        *at = tag + 1;
    if (end != NULL && strncmp(*at, "<title>", strlen("<title>")) == 0)
        *at = end + strlen("</title>");
    int curve = curve_of(*at, &class);
    if (curve < 0) {
        text_put_string(out, "<g>");
        return;
    }
    text_put(out, "<g class=\"%s\">", class);
    if (curve == 0 || (size_t)curve <= words->count) {
        text_put_string(out, "<title>");
        html_put(out, curve == 0 ? words->reference : words->series[curve - 1]);
        text_put_string(out, "</title>");
    }
}

/* Copies the drawing, from behind the head to its end. */
static void put_drawing(struct text *out, const char *at, const struct svg_words *words)
{
    while (*at != '\0') {
        const char *was = at;
        if (skip(&at, GROUP)) {
            put_group(out, &at, words);
        } else if (*at == 'r' && put_colour(out, &at)) {
            continue;
        } else if (skip(&at, " color=\"black\"") || skip(&at, " class=\"gridline\"")) {
            continue;
        } else if (skip(&at, "fill=\"black\"")) {
            text_put_string(out, "fill=\"currentColor\"");
        } else if (skip(&at, " id='") || skip(&at, " id=\"") || skip(&at, "xlink:href='#") ||
                   skip(&at, "xlink:href=\"#") || skip(&at, "url(#")) {
            const char *name = *was == 'x' ? was + strlen("xlink:") : was;
            text_put_bytes(out, name, (size_t)(at - name));
            html_put_id(out, words->id);
            text_put_char(out, '-');
        } else {
            text_put_char(out, *at++);
        }
    }
}

int svg_put(struct text *out, const char *svg, const struct svg_words *words, const char *path,
            struct err *err)
{
    const char *head = strstr(svg, "<svg"), *box = head == NULL ? NULL : strstr(head, "viewBox=\"");
    const char *start = head == NULL ? NULL : strstr(head, "<g id=\"gnuplot_canvas\"");
    double x, y, width, height;
    if (box == NULL || start == NULL || strstr(start, "</svg>") == NULL || box > start ||
        sscanf(box, "viewBox=\"%lf %lf %lf %lf\"", &x, &y, &width, &height) != 4)
        return err_set(err, ERR_INPUT, "%s: no SVG as gnuplot writes it", path);
    text_put(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"%g %g %g %g\" role=\"img\" "
             "aria-labelledby=\"",
             x, y, width, height);
    html_put_id(out, words->id);
    text_put_string(out, "-title ");
    html_put_id(out, words->id);
    text_put_string(out, "-words\"><title id=\"");
    html_put_id(out, words->id);
    text_put_string(out, "-title\">");
    html_put(out, words->title);
    text_put_string(out, "</title><desc id=\"");
    html_put_id(out, words->id);
    text_put_string(out, "-words\">");
    html_put(out, words->words);
    text_put_string(out, "</desc>");
    put_drawing(out, start, words);
    return 0;
}
