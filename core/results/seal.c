#include "results/seal.h"

#include "base/digest.h"
#include "base/err.h"

#include <string.h>

#define END "\n}"
#define HEAD ",\n  \"" SEAL_KEY "\": \""
#define TAIL "\"\n}\n"
#define DIGITS (DIGEST_TEXT - 1)
#define LENGTH(text) (sizeof(text) - 1)
#define MEND "put back a copy, or delete the folder to begin the run anew"

void seal_put(struct text *text)
{
    char digest[DIGEST_TEXT];
    size_t end = LENGTH(END);
    if (text->failed || text->size < end || memcmp(text->bytes + text->size - end, END, end) != 0) {
        text->failed = 1;
        return;
    }
    text->size -= end;
    digest_bytes(text->bytes, text->size, 0, digest);
    text_put(text, HEAD "%s" TAIL, digest);
}

/* Where the seal begins; NULL where the bytes do not end in one.  The last newline may be lost. */
static const char *find(const char *bytes, size_t size)
{
    size_t wanted = LENGTH(HEAD) + DIGITS + LENGTH(TAIL);
    if (size > 0 && bytes[size - 1] != '\n')
        wanted--;
    if (size < wanted)
        return NULL;
    const char *seal = bytes + size - wanted, *tail = seal + LENGTH(HEAD) + DIGITS;
    return memcmp(seal, HEAD, LENGTH(HEAD)) == 0 &&
                   memcmp(tail, TAIL, (size_t)(bytes + size - tail)) == 0
               ? seal
               : NULL;
}

int seal_check(const char *path, const char *bytes, size_t size, json_t *manifest, struct err *err)
{
    char digest[DIGEST_TEXT];
    const char *seal = find(bytes, size);
    json_int_t format = json_integer_value(json_object_get(manifest, "format"));
    json_object_del(manifest, SEAL_KEY);
    if (seal == NULL)
        return format < SEAL_FORMAT
                   ? 0
                   : err_set(err, ERR_INPUT, "%s: damaged: it does not end in its digest; " MEND,
                             path);
    digest_bytes(bytes, (size_t)(seal - bytes), 0, digest);
    if (memcmp(digest, seal + LENGTH(HEAD), DIGITS) != 0)
        return err_set(
            err, ERR_INPUT,
            "%s: damaged: it is not what was written, by the digest in its last line; " MEND, path);
    if (format > SEAL_FORMAT)
        return err_set(err, ERR_INPUT,
                       "%s: of format %" JSON_INTEGER_FORMAT
                       ", which a newer version of repro wrote; read it with that one",
                       path, format);
    return 0;
}
