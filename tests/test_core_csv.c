/* Tables of text: quotes, lines, columns by name; what is wrong with one record is said and the others stay. tests/golden/csv_table.py wrote csv.csv with
 * Python's csv module, and csv.json with what that module reads from it. */
#include "core/csv.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *put(const char *text, size_t size)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/table.csv", lac_test_folder());
    LAC_CHECK_STATUS(lac_file_write(path, text, size));
    return path;
}

static lac_csv *open_text(const char *text)
{
    lac_csv *c;
    LAC_CHECK_STATUS(lac_csv_open(&c, put(text, strlen(text)), NULL));
    return c;
}

static void check_next(lac_csv *c, int64_t line, const char *first, const char *second)
{
    bool more;
    LAC_CHECK_STATUS(lac_csv_next(c, &more));
    LAC_CHECK(more && lac_csv_line(c) == line);
    LAC_CHECK(strcmp(lac_csv_text(c, 0), first) == 0 && strcmp(lac_csv_text(c, 1), second) == 0);
}

static void check_end(lac_csv *c)
{
    bool more = true;
    LAC_CHECK_STATUS(lac_csv_next(c, &more));
    LAC_CHECK(!more);
    lac_csv_close(c);
}

static void check_refused(lac_csv *c, const char *why)
{
    bool more = true;
    LAC_CHECK_FAILS(lac_csv_next(c, &more), LAC_ERR_FORMAT, why);
    LAC_CHECK(!more && strstr(lac_error_message(), "table.csv', line ") != NULL);
}

LAC_TEST(fields_hold_commas_quotes_and_lines)
{
    lac_csv *c = open_text("\xef\xbb\xbfname,text\r\n\r\na,\"x, \"\"y\"\"\nz\"\n b ,\"\"\nc,d");
    LAC_CHECK(lac_csv_column(c, "text") == 1 && lac_csv_column(c, "Text") == -1);
    check_next(c, 3, "a", "x, \"y\"\nz");
    check_next(c, 5, " b ", "");
    check_next(c, 6, "c", "d");
    check_end(c);
    c = open_text("name,text\rA,1\r\rB,2\r");
    check_next(c, 2, "A", "1");
    check_next(c, 4, "B", "2");
    check_end(c);
}

LAC_TEST(a_file_without_a_header_has_the_names_it_is_given)
{
    lac_csv *c;
    double value;
    const char text[] = "/m/01,0.5\n/m/02,-1e3\n/m/03,5x\n/m/04,inf\n/m/05,\n";
    LAC_CHECK_STATUS(lac_csv_open(&c, put(text, sizeof text - 1), (const char *const[]){ "id", "score", NULL }));
    check_next(c, 1, "/m/01", "0.5");
    LAC_CHECK(lac_csv_number(c, 1, &value) == LAC_OK && value == .5);
    check_next(c, 2, "/m/02", "-1e3");
    LAC_CHECK(lac_csv_number(c, 1, &value) == LAC_OK && value == -1000);
    for (int line = 3; line <= 5; line++) {
        bool more;
        LAC_CHECK(lac_csv_next(c, &more) == LAC_OK && more);
        LAC_CHECK_FAILS(lac_csv_number(c, 1, &value), LAC_ERR_FORMAT, "'score' is '");
    }
    LAC_CHECK(strstr(lac_error_message(), "line 5: ") != NULL);
    check_end(c);
}

LAC_TEST(what_is_wrong_with_a_record_is_said_and_the_others_stay)
{
    lac_csv *c = open_text("name,text\n1\na,b\n2,x,y\n3,\"x\"y\nc,d\n4,x\"y\ne,f\n\"5\n\",\"\xff\n\"\ng,h\n6,\"x\ni,j\n");
    check_refused(c, "line 2: 1 field, expected 2");
    check_next(c, 3, "a", "b");
    check_refused(c, "line 4: 3 fields, expected 2");
    check_refused(c, "line 5: a quote inside");
    check_next(c, 6, "c", "d");
    check_refused(c, "line 7: a quote inside");
    check_next(c, 8, "e", "f");
    check_refused(c, "line 9: field 2 is no UTF-8");
    check_next(c, 12, "g", "h");
    check_refused(c, "line 13: a quote that is never closed");
    check_end(c);
    const char zero[] = "name,text\na,b\0c\nd,e\n";
    LAC_CHECK_STATUS(lac_csv_open(&c, put(zero, sizeof zero - 1), NULL));
    check_refused(c, "line 2: field 2 is no UTF-8, or holds a zero byte");
    check_next(c, 3, "d", "e");
    check_end(c);
}

/* A field of LAC_CSV_FIELD bytes is one; a longer one ends with its line, wherever pieces of the file do. */
LAC_TEST(fields_are_bounded)
{
    char *text = malloc(2 * LAC_CSV_FIELD);
    lac_csv *c;
    for (int surplus = 0; surplus < 2; surplus++) {
        size_t n = (size_t)sprintf(text, "name,text\na,");
        memset(text + n, 'x', LAC_CSV_FIELD + (size_t)(100000 * surplus));
        n += LAC_CSV_FIELD + (size_t)(100000 * surplus);
        n += (size_t)sprintf(text + n, "\nb,c\n");
        LAC_CHECK_STATUS(lac_csv_open(&c, put(text, n), NULL));
        if (surplus)
            check_refused(c, "line 2: a field of more than 1048576 bytes; reading goes on at line 3");
        else {
            bool more;
            LAC_CHECK(lac_csv_next(c, &more) == LAC_OK && more && strlen(lac_csv_text(c, 1)) == LAC_CSV_FIELD);
        }
        check_next(c, 3, "b", "c");
        check_end(c);
    }
    free(text);
}

LAC_TEST(files_that_are_no_tables_are_refused)
{
    lac_csv *c;
    int at;
    LAC_CHECK_FAILS(lac_csv_open(&c, "/nowhere/table.csv", NULL), LAC_ERR_IO, "cannot open '/nowhere/table.csv'");
    LAC_CHECK_FAILS(lac_csv_open(&c, lac_test_folder(), NULL), LAC_ERR_IO, "cannot read");
    LAC_CHECK_FAILS(lac_csv_open(&c, put("\n\n", 2), NULL), LAC_ERR_FORMAT, "is empty, expected a line that names its columns");
    LAC_CHECK_FAILS(lac_csv_open(&c, put("a,b,a\n", 6), NULL), LAC_ERR_FORMAT, "line 1: two columns are called 'a'");
    LAC_CHECK(c == NULL);
    c = open_text("a,b\n");
    LAC_CHECK_FAILS(lac_csv_find(c, "prompt", &at), LAC_ERR_FORMAT, "has no column 'prompt'; its columns are a, b");
    LAC_CHECK(lac_csv_find(c, "b", &at) == LAC_OK && at == 1);
    check_end(c);
}

LAC_TEST(memory_that_runs_out_ends_a_table_and_leaks_nothing)
{
    const char *path = put("name,text\na,\"b\nc\"\n", 18);
    lac_status s = LAC_ERR_MEM;
    for (int n = 0; s == LAC_ERR_MEM && n < 100; n++) {
        lac_csv *c;
        bool more = true;
        lac_alloc_fail_after(n);
        s = lac_csv_open(&c, path, NULL);
        for (int k = 0; s == LAC_OK && more && k < 4; k++)
            s = lac_csv_next(c, &more);
        lac_alloc_fail_after(-1);
        lac_csv_close(c);
    }
    LAC_CHECK_STATUS(s);
}

LAC_TEST(tables_read_as_pythons_csv_module_reads_them)
{
    char path[1024];
    json_t *wanted = json_load_file(lac_test_golden("csv.json"), 0, NULL);
    lac_csv *c;
    bool more;
    snprintf(path, sizeof path, "%s", lac_test_golden("csv.csv"));
    LAC_CHECK_STATUS(lac_csv_open(&c, path, NULL));
    LAC_CHECK(json_array_size(wanted) > 100);
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *row = json_array_get(wanted, i);
        LAC_CHECK(lac_csv_next(c, &more) == LAC_OK && more);
        for (size_t k = 0; k < json_array_size(row); k++)
            LAC_CHECK(strcmp(lac_csv_text(c, (int)k), json_string_value(json_array_get(row, k))) == 0);
    }
    check_end(c);
    json_decref(wanted);
}
