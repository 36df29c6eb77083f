#include "cli/say.h"

#include "base/text.h"
#include "base/text_json.h"
#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum say_mode mode;

void say_set_mode(enum say_mode wanted)
{
    mode = wanted;
}

enum say_mode say_mode(void)
{
    return mode;
}

void say(const char *format, ...)
{
    va_list args;
    if (mode != SAY_PROSE)
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}

/* One line, whole: others may read it while this goes on. */
static void put_event(const char *name, json_t *values)
{
    struct text line = {0};
    json_t *event = json_pack("{s:s}", "event", name);
    int bad = event == NULL || values == NULL || json_object_update(event, values) != 0;
    text_put_json(&line, bad ? NULL : event, JSON_COMPACT | JSON_REAL_PRECISION(12));
    text_put_char(&line, '\n');
    if (line.failed) /* who counts events sees that there was one */
        printf("{\"event\":\"%s\",\"lost\":true}\n", name);
    else
        fwrite(line.bytes, 1, line.size, stdout);
    fflush(stdout);
    json_decref(event);
    text_release(&line);
}

void say_event(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    json_t *values = json_vpack_ex(NULL, 0, format, args);
    va_end(args);
    if (mode == SAY_EVENTS)
        put_event(name, values);
    json_decref(values);
}

void say_notice(const char *format, ...)
{
    struct text text = {0};
    va_list args;
    va_start(args, format);
    text_put_args(&text, format, args);
    va_end(args);
    if (mode == SAY_EVENTS)
        say_event("notice", "{s:o}", "message", say_text(text.failed ? "" : text.bytes));
    if (mode == SAY_PROSE) {
        fflush(stdout);
        fprintf(stderr, "repro: %s\n", text.failed ? "" : text.bytes);
    }
    text_release(&text);
}

json_t *say_text(const char *text)
{
    struct text plain = {0};
    for (const char *at = text, *next = text; *at != '\0'; at = next)
        if (utf8_next(&next) == UTF8_REPLACEMENT)
            text_put_string(&plain, "\xef\xbf\xbd");
        else
            text_put_bytes(&plain, at, (size_t)(next - at));
    json_t *value = plain.failed ? NULL
                                 : json_stringn(plain.size == 0 ? "" : plain.bytes, plain.size);
    text_release(&plain);
    return value;
}

json_t *say_number(double value)
{
    return isfinite(value) && value >= 0.0 ? json_real(value) : json_null();
}

const char *say_duration(double seconds, char text[SAY_DURATION])
{
    long whole = (long)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, SAY_DURATION, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        snprintf(text, SAY_DURATION, "%ld min %02ld s", whole / 60, whole % 60);
    else
        snprintf(text, SAY_DURATION, "%ld s", whole);
    return text;
}
