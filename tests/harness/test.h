/* tests/harness/test.h -- LAC_TEST(name) registers a cmocka test under its source file.
 *
 *     LAC_TEST(gate_matches_the_formula) { LAC_CHECK(gap < 1e-6); }
 *
 * LAC_CHECK fails the test with the expression; LAC_CHECK_STATUS wants LAC_OK and prints the message otherwise;
 * LAC_CHECK_FAILS wants that status and a message that contains the text. */
#pragma once

#include "core/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

void lac_test_register(const char *file, const char *name, CMUnitTestFunction run);

#define LAC_TEST(name)                                                                                          \
    static void name(void **state);                                                                             \
    __attribute__((constructor)) static void register_##name(void) { lac_test_register(__FILE__, #name, name); } \
    static void name(void **state __attribute__((unused)))

#define LAC_CHECK(expression)                                                       \
    do {                                                                            \
        if (!(expression)) {                                                        \
            print_error("%s:%d: not so: %s   [message: %s]\n", __FILE__, __LINE__, #expression, lac_error_message()); \
            fail();                                                                 \
        }                                                                           \
    } while (0)
#define LAC_CHECK_STATUS(call) LAC_CHECK((call) == LAC_OK)
#define LAC_CHECK_FAILS(call, status, text) LAC_CHECK((call) == (status) && strstr(lac_error_message(), (text)) != NULL)

/* |a - b| / |b| in the L2 norm over n floats, in double. */
double lac_gap(const float *a, const float *b, int64_t n);

/* The largest |a - b|. */
double lac_farthest(const float *a, const float *b, int64_t n);

/* A fresh value of JSON text whose strings may stand in ' for "; text is changed. */
struct json_t *lac_test_json(char *text);

/* The source tree, or what LAC_TEST_SOURCE names in its place: a bundle, which has the tests' data alone. */
const char *lac_test_source(void);

/* "tests/golden/NAME" in there; a fresh, empty folder for this test (removed when the program ends).
 * Both live until the program ends. */
const char *lac_test_golden(const char *name);
const char *lac_test_folder(void);
