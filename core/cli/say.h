/* say.h -- what a command that trains says on standard output: prose for people, or, with --json,
 * one event a line for machines, or, with --quiet, the final verdicts alone.
 *
 * Said once, before anything is printed; until then prose.  Errors go to standard error in every
 * mode. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum say_mode { SAY_PROSE, SAY_QUIET, SAY_EVENTS };

void say_set_mode(enum say_mode mode);
enum say_mode say_mode(void);

/* Prose, as printf() does; in the other modes nothing. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prose on standard error, behind what was said so far: "repro: ...".  As an event, `notice`. */
void say_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An event: one object in one line, {"event": name, ...} with what json_pack() makes of the format,
 * an object, behind the name.  In the other modes nothing, and its values are released all the
 * same. */
void say_event(const char *name, const char *format, ...);

/* Values for events.  A text that is no UTF-8 has U+FFFD for its bad bytes; a number that is not
 * finite, or below 0 as what is not known, is null. */
json_t *say_text(const char *text);
json_t *say_number(double value);

/* "3 min 04 s". */
#define SAY_DURATION 32
const char *say_duration(double seconds, char text[SAY_DURATION]);

#endif
