/* How the rows of a folder are made, in words.  Those of folder_augment() are parts of identities,
 * so they are frozen. */
#include "data/folder.h"

#include <stdio.h>
#include <string.h>

#define ANTIALIAS ", antialias"
#define COLOUR ", colour"
#define ORIENTED "; oriented by EXIF"
#define SKIPPED "; broken skipped"

void folder_augment(const struct folder_options *options, char words[FOLDER_WORDS])
{
    snprintf(words, FOLDER_WORDS,
             "%d px; area 0.05-1, aspect 3/4-4/3, flip%s; bilinear%s; test: central 87.5 %%%s%s",
             options->side == 0 ? FOLDER_SIDE : options->side, options->coloured ? COLOUR : "",
             options->aliased ? "" : ANTIALIAS, options->oriented ? ORIENTED : "",
             options->skip_broken ? SKIPPED : "");
}

void folder_unusual(const char *augment, char words[FOLDER_WORDS])
{
    static const struct {
        const char *part;
        int there; /* whether it is then unusual */
        const char *words;
    } table[] = {
        {ANTIALIAS, 0, "resized without antialias"},
        {COLOUR, 1, "colours varied"},
        {ORIENTED, 1, "oriented by EXIF"},
        {SKIPPED, 1, "broken images replaced"},
    };
    size_t used = 0;
    words[0] = '\0';
    for (size_t i = 0; i < sizeof table / sizeof *table && used < FOLDER_WORDS; i++)
        if ((strstr(augment, table[i].part) != NULL) == table[i].there)
            used += (size_t)snprintf(words + used, FOLDER_WORDS - used, "%s%s",
                                     used == 0 ? "" : ", ", table[i].words);
}
