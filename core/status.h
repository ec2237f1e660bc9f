/* core/status.h -- how anything outside the tape reports failure.
 *
 * A function that can fail returns lac_status. The first failing call writes one line into the calling thread's
 * message with LAC_FAIL: what, found, expected; callers add where with lac_context. Library code never prints,
 * exits or aborts: cli prints the message and turns the status into the exit code. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    LAC_OK = 0,
    LAC_ERR_ARG,            /* a wrong word on the command line or in a call */
    LAC_ERR_CONFIG,         /* a config: unknown key, wrong type, value outside its range */
    LAC_ERR_SHAPE,
    LAC_ERR_DTYPE,
    LAC_ERR_MEM,
    LAC_ERR_IO,             /* the system refused: open, read, write, sync */
    LAC_ERR_FORMAT,         /* a file that is not what it says it is */
    LAC_ERR_KEY,            /* tensors or parameters missing, surplus, misshapen */
    LAC_ERR_NO_KERNEL,      /* op and device named */
    LAC_ERR_LIBRARY,        /* a library call failed for a reason that is not ours */
    LAC_ERR_STATE,          /* a call out of order */
    LAC_ERR_NONFINITE,
    LAC_ERR_STOPPED,        /* asked to stop (TERM, INT); everything saved; exit 75 */
    LAC_ERR_TIMEOUT,        /* a silent rank; exit 76 */
} lac_status;

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread's message; "" after none. Valid until that thread's next failure. */
const char *lac_error_message(void);
void lac_error_clear(void);

/* Writes the message (cut at 4 KiB, control characters as '?') and returns code. Used through LAC_FAIL. */
lac_status lac_fail(lac_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define LAC_FAIL(code, ...) lac_fail(code, __VA_ARGS__)

/* Puts "where: " before the message if s is a failure; returns s. */
lac_status lac_context(lac_status s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define LAC_TRY(call)                              \
    do {                                           \
        const lac_status lac_try_status = (call);  \
        if (lac_try_status != LAC_OK)              \
            return lac_try_status;                 \
    } while (0)

/* A message carried between threads: a worker copies its own with lac_error_copy, the joiner raises it again. */
void lac_error_copy(char *to, size_t size);

#ifdef __cplusplus
}
#endif

#define LAC_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAC_MIN(a, b) ((a) < (b) ? (a) : (b))
#define LAC_MAX(a, b) ((a) > (b) ? (a) : (b))
