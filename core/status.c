#include "core/status.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 4096 };
static _Thread_local char message[MESSAGE_SIZE];

const char *lac_error_message(void) { return message; }

void lac_error_clear(void) { message[0] = '\0'; }

void lac_error_copy(char *to, size_t size) { snprintf(to, size, "%s", message); }

lac_status lac_fail(lac_status code, const char *format, ...)
{
    char fresh[MESSAGE_SIZE];           /* the arguments may point into the message itself */
    va_list args;
    va_start(args, format);
    vsnprintf(fresh, sizeof fresh, format, args);
    va_end(args);
    memcpy(message, fresh, sizeof fresh);
    return code;
}

lac_status lac_context(lac_status s, const char *format, ...)
{
    if (s == LAC_OK)
        return s;
    char where[MESSAGE_SIZE / 2], what[MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    memcpy(what, message, sizeof what);
    snprintf(message, sizeof message, "%s: %.*s", where, (int)(MESSAGE_SIZE - strlen(where) - 3), what);
    return s;
}
