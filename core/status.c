#include "core/status.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 4096 };
static _Thread_local char message[MESSAGE_SIZE];

const char *lac_error_message(void) { return message; }

void lac_error_clear(void) { message[0] = '\0'; }

void lac_error_copy(char *to, size_t size) { snprintf(to, size, "%s", message); }

/* One line, whatever a file's names and words hold: a line break or an escape in them must not reach the terminal. */
static void keep_message(const char *from)
{
    size_t n = 0;
    for (; from[n] != '\0' && n < MESSAGE_SIZE - 1; n++)
        message[n] = (unsigned char)from[n] < ' ' || from[n] == '\x7f' ? '?' : from[n];
    message[n] = '\0';
}

lac_status lac_fail(lac_status code, const char *format, ...)
{
    char fresh[MESSAGE_SIZE];           /* the arguments may point into the message itself */
    va_list args;
    va_start(args, format);
    vsnprintf(fresh, sizeof fresh, format, args);
    va_end(args);
    keep_message(fresh);
    return code;
}

lac_status lac_context(lac_status s, const char *format, ...)
{
    if (s == LAC_OK)
        return s;
    char where[MESSAGE_SIZE / 2], whole[MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    snprintf(whole, sizeof whole, "%s: %.*s", where, (int)(MESSAGE_SIZE - strlen(where) - 3), message);
    keep_message(whole);
    return s;
}
