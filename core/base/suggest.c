#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

/* A longer word gets no suggestion; names and options are short, and the rows of the table fit the
 * stack. */
#define WORD_MAX 127

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: the edit distance in which no letter is edited twice.  Three rows of
 * the table are enough. Both words are at most WORD_MAX long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replace = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(replace, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
    }
    return row[b_length];
}

const char *suggest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strlen(word);
    if (length > WORD_MAX)
        return NULL;
    size_t best = (length + 2) / 3 + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > WORD_MAX)
            continue;
        size_t edits = distance(word, length, candidates[i], candidate_length);
        if (edits < best) {
            best = edits;
            nearest = candidates[i];
        }
    }
    return nearest;
}

const char *suggest_names(char text[SUGGEST_TEXT], const char *const *names, size_t count)
{
    static const char more[] = ", ...";
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *between = i == 0 ? "" : ", ";
        size_t length = strlen(between) + strlen(names[i]);
        if (used + length + sizeof more > SUGGEST_TEXT) {
            snprintf(text + used, SUGGEST_TEXT - used, "%s", i == 0 ? "..." : more);
            break;
        }
        snprintf(text + used, SUGGEST_TEXT - used, "%s%s", between, names[i]);
        used += length;
    }
    return text;
}

const char *suggest_phrase(char text[SUGGEST_TEXT], const char *word, const char *const *candidates,
                           size_t count, char quote, const char *otherwise)
{
    const char *nearest = suggest(word, candidates, count);
    char known[SUGGEST_TEXT];
    if (nearest != NULL && otherwise != NULL)
        snprintf(text, SUGGEST_TEXT, "; did you mean %c%s%c?", quote, nearest, quote);
    else if (nearest != NULL)
        snprintf(text, SUGGEST_TEXT, "; did you mean %c%s%c? (There are: %.460s.)", quote, nearest,
                 quote, suggest_names(known, candidates, count));
    else if (otherwise != NULL)
        snprintf(text, SUGGEST_TEXT, "; %s", otherwise);
    else
        snprintf(text, SUGGEST_TEXT, "; there are: %.600s",
                 suggest_names(known, candidates, count));
    return text;
}
