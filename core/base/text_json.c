#include "base/text_json.h"

static int put(const char *bytes, size_t size, void *data)
{
    struct text *text = data;
    text_put_bytes(text, bytes, size);
    return text->failed ? -1 : 0;
}

void text_put_json(struct text *text, const json_t *value, size_t flags)
{
    if (json_dump_callback(value, put, text, flags) != 0)
        text->failed = 1;
}
