/* Python literals as data: what repr() writes comes back, and nothing else is taken. */
#include "core/literal.h"
#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

LAC_TEST(what_repr_writes_is_read)
{
    static const struct { const char *text, *json; } good[] = {
        { "{'a': 1, \"b\": [0.25, -3, 1e-05], 'c': {}, 'd': []}", "{\"a\": 1, \"b\": [0.25, -3, 1e-05], \"c\": {}, \"d\": []}" },
        { " [True, False, None,] ", "[true, false, null]" },
        { "'it\\'s \"so\"\\\\ \\x41\\u00e9\\U0001f600'", "\"it's \\\"so\\\"\\\\ A\\u00e9\\ud83d\\ude00\"" },
        { "\"it's\\n\\t\"", "\"it's\\n\\t\"" },
        { "9223372036854775807", "9223372036854775807" },
    };
    for (size_t i = 0; i < LAC_COUNT(good); i++) {
        json_t *found, *wanted = json_loads(good[i].json, JSON_DECODE_ANY, NULL);
        LAC_CHECK_STATUS(lac_literal_parse(&found, good[i].text, strlen(good[i].text)));
        if (!json_equal(found, wanted))
            fail_msg("%s", good[i].text);
        json_decref(found);
        json_decref(wanted);
    }
}

LAC_TEST(what_is_no_literal_is_refused_with_its_column)
{
    static const struct { const char *text, *says; } bad[] = {
        { "", "column 1: the line ends, expected a value" },
        { "{'a': 1", "column 8: the line ends, expected ',' or '}'" },
        { "{'a': 1, 'a': 2}", "column 10: found ''a': 2}', expected a key that is not there yet" },
        { "{a: 1}", "column 2: found 'a: 1}', expected a key in quotes" },
        { "{1: 1}", "expected a key in quotes" },
        { "[1, 2)", "column 6: found ')', expected ',' or ']'" },
        { "__import__('os')", "column 1: found '__import__('os')', expected a value" },
        { "[1 + 1]", "column 4" },
        { "(1, 2)", "expected a value" },
        { "+1", "expected a value" },
        { "1e999", "expected a number" },
        { "9223372036854775808", "expected a number" },
        { "1-2", "expected a number" },
        { "nan", "expected a value" },
        { "'open", "column 6: the line ends, expected the closing quote" },
        { "'\\q'", "column 3: found 'q'', expected one of" },
        { "'\\x0'", "a hexadecimal digit" },
        { "'\\x00'", "expected the number of a character" },
        { "'\\ud800'", "expected the number of a character" },
        { "'\xff'", "UTF-8 without zero bytes" },
        { "b'x'", "expected a value" },
        { "'x' 'y'", "column 5: found ''y'', expected nothing behind the value" },
        { "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "column 18: found '1]]]]]]]]]]]]]]]]]', expected fewer levels" },
    };
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        json_t *found;
        LAC_CHECK_FAILS(lac_literal_parse(&found, bad[i].text, strlen(bad[i].text)), LAC_ERR_FORMAT, bad[i].says);
    }
    json_t *found;
    LAC_CHECK_FAILS(lac_literal_parse(&found, "'a\0b'", 5), LAC_ERR_FORMAT, "zero bytes");
    LAC_CHECK_FAILS(lac_literal_parse(&found, "1\0", 2), LAC_ERR_FORMAT, "nothing behind");
}
