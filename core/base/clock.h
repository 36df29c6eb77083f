/* clock.h -- times for logs and progress.  Nothing that is computed depends on them. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#define CLOCK_TEXT 24

/* Seconds on a clock that never goes back. */
double clock_seconds(void);

/* Now as "2026-01-31T12:00:00Z". */
void clock_text(char text[CLOCK_TEXT]);

#endif
