#include "report/tex.h"

#include "base/text.h"
#include "base/utf8.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>

/* Characters that need another form.  A blank behind a command would be eaten: each ends by {}. */
static const struct {
    uint32_t character;
    const char *form;
} forms[] = {
    {'\\', "\\textbackslash{}"},
    {'{', "\\{"},
    {'}', "\\}"},
    {'$', "\\$"},
    {'&', "\\&"},
    {'#', "\\#"},
    {'%', "\\%"},
    {'_', "\\_"},
    {'^', "\\textasciicircum{}"},
    {'~', "\\textasciitilde{}"},
    {'<', "\\textless{}"},
    {'>', "\\textgreater{}"},
    {'|', "\\textbar{}"},
    {'"', "\\textquotedbl{}"},
    {'\'', "\\textquotesingle{}"},
    {'`', "\\textasciigrave{}"},
    {'-', "-{}"}, /* no dash is made of two */
    {0xa0, "~"},
    {0xb0, "\\textdegree{}"},
    {0xb1, "\\ensuremath{\\pm}"},
    {0xb2, "\\ensuremath{^2}"},
    {0xb7, "\\textperiodcentered{}"},
    {0xd7, "\\ensuremath{\\times}"},
    {0x3b1, "\\ensuremath{\\alpha}"},
    {0x3b2, "\\ensuremath{\\beta}"},
    {0x3b5, "\\ensuremath{\\varepsilon}"},
    {0x3c1, "\\ensuremath{\\rho}"},
    {0x3c9, "\\ensuremath{\\omega}"},
    {0x2013, "\\textendash{}"},
    {0x2014, "\\textemdash{}"},
    {0x2018, "\\textquoteleft{}"},
    {0x2019, "\\textquoteright{}"},
    {0x201c, "\\textquotedblleft{}"},
    {0x201d, "\\textquotedblright{}"},
    {0x2026, "\\ldots{}"},
    {0x2192, "\\ensuremath{\\to}"},
    {0x2212, "\\ensuremath{-}"},
    {0x2248, "\\ensuremath{\\approx}"},
    {0x2264, "\\ensuremath{\\leq}"},
    {0x2265, "\\ensuremath{\\geq}"},
};

static const char *form_of(uint32_t character, int code)
{
    if (character == '\'' && !code)
        return "'";
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].character == character)
            return forms[i].form;
    return NULL;
}

static void put(struct text *out, const char *text, int code)
{
    const char *at = text;
    for (uint32_t character; (character = utf8_next(&at)) != 0; text = at) {
        const char *form = form_of(character, code);
        if (form != NULL)
            text_put_string(out, form);
        else if (character == '\n' || character == '\t')
            text_put_char(out, ' ');
        else if ((character >= 0x20 && character < 0x7f) ||
                 (character >= 0xc0 && character <= 0xff)) /* Latin 1's letters */
            text_put_bytes(out, text, (size_t)(at - text));
        else
            text_put(out, "[U+%04" PRIX32 "]", character);
    }
}

void tex_put(struct text *out, const char *text)
{
    put(out, text, 0);
}

void tex_put_code(struct text *out, const char *text)
{
    put(out, text, 1);
}

void tex_format(struct text *out, const char *format, ...)
{
    struct text words = {0};
    va_list arguments;
    va_start(arguments, format);
    text_put_args(&words, format, arguments);
    va_end(arguments);
    if (words.failed)
        out->failed = 1;
    else
        tex_put(out, words.bytes);
    text_release(&words);
}

void tex_put_label(struct text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        text_put_char(out, byte < 0x80 && (isalnum(byte) || *text == '.') ? *text : '-');
    }
}
