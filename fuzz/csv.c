/* Any bytes at all as a table of comma-separated text: records of as many fields as there are columns, in UTF-8, or errors of one line; and an end. */
#include "core/csv.h"
#include "core/utf8.h"
#include "fuzz/file.h"

static void check_record(const lac_csv *c, int columns, int64_t *line)
{
    double value;
    if (lac_csv_line(c) <= *line)
        abort();
    *line = lac_csv_line(c);
    for (int k = 0; k < columns; k++) {
        const char *text = lac_csv_text(c, k);
        if (strlen(text) > LAC_CSV_FIELD || !lac_utf8_valid(text, strlen(text)))
            abort();
        fuzz_check(lac_csv_number(c, k, &value));
    }
}

static void read_table(const char *path, const char *const *names, int columns, size_t size)
{
    lac_csv *c;
    bool more = true;
    int64_t line = 0;
    size_t calls = 0;
    const lac_status opened = lac_csv_open(&c, path, names);
    fuzz_check(opened);
    while (opened == LAC_OK && more) {
        const lac_status s = lac_csv_next(c, &more);
        fuzz_check(s);
        if (s == LAC_OK && more)
            check_record(c, columns, &line);
        more |= s == LAC_ERR_FORMAT;
        if (calls++ > size + 2)             /* every call takes a byte at least */
            abort();
    }
    lac_csv_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file("table.csv", bytes, size);
    lac_error_clear();
    read_table(path, NULL, 0, size);
    read_table(path, (const char *const[]){ "a", NULL }, 1, size);
    read_table(path, (const char *const[]){ "a", "b", "c", NULL }, 3, size);
    return 0;
}
