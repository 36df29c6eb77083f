#include "report/html.h"

#include "base/text.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static int is_allowed(uint32_t character)
{
    return character >= 0x20 ? character != 0x7f && character != 0xfffe && character != 0xffff
                             : character == '\t' || character == '\n';
}

void html_put(struct text *out, const char *text)
{
    const char *at = text;
    for (uint32_t character; (character = utf8_next(&at)) != 0; text = at) {
        if (character == '&')
            text_put_string(out, "&amp;");
        else if (character == '<')
            text_put_string(out, "&lt;");
        else if (character == '>')
            text_put_string(out, "&gt;");
        else if (character == '"')
            text_put_string(out, "&quot;");
        else if (character == '\'')
            text_put_string(out, "&#39;");
        else if (character == UTF8_REPLACEMENT || !is_allowed(character))
            text_put_string(out, "\xef\xbf\xbd");
        else
            text_put_bytes(out, text, (size_t)(at - text));
    }
}

void html_format(struct text *out, const char *format, ...)
{
    struct text words = {0};
    va_list arguments;
    va_start(arguments, format);
    text_put_args(&words, format, arguments);
    va_end(arguments);
    if (words.failed)
        out->failed = 1;
    else
        html_put(out, words.bytes);
    text_release(&words);
}

void html_put_id(struct text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        int plain = byte < 0x80 && (isalnum(byte) || strchr("-_.", byte) != NULL);
        text_put_char(out, plain ? *text : '-');
    }
}
