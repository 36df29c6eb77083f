#include "base/clock.h"

#include <time.h>

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void clock_text(char text[CLOCK_TEXT])
{
    struct tm utc;
    time_t now = time(NULL);
    if (gmtime_r(&now, &utc) == NULL || strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        text[0] = '\0';
}
