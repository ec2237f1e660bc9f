#include "eval/lines.h"

#include "core/csv_write.h"
#include "core/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static lac_status open_one(lac_atomic *a, const char *stem, const char *ending)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s.images.%s", stem, ending));
    const lac_status s = lac_atomic_open(a, path);
    free(path);
    return s;
}

static void print_head(const lac_lines *l)
{
    FILE *f = l->csv.stream;
    fputs("id", f);
    for (const char *const *w = l->word; *w != NULL; w++)
        fprintf(f, ",%s", *w);
    for (int64_t k = 0; k < l->n_metrics; k++)
        if (lac_metric_of_pictures(l->metric[k].def)) {
            fputc(',', f);
            lac_csv_put_text(f, l->name[k]);
        }
    fputc('\n', f);
}

lac_status lac_lines_open(lac_lines *l, const char *stem, const char *const *word, const lac_metric *metric, const char *const *name, int64_t n_metrics)
{
    *l = (lac_lines){ .word = word, .name = name, .metric = metric, .n_metrics = n_metrics };
    LAC_TRY(open_one(&l->jsonl, stem, "jsonl"));
    const lac_status s = open_one(&l->csv, stem, "csv");
    if (s == LAC_OK)
        print_head(l);
    else
        lac_atomic_abandon(&l->jsonl);
    return s;
}

static void print_cell(FILE *f, const json_t *value)
{
    fputc(',', f);
    if (json_is_string(value))
        lac_csv_put_text(f, json_string_value(value));
    else if (json_is_number(value))
        lac_csv_put_number(f, json_number_value(value));
}

static lac_status put(lac_lines *l, const json_t *line)
{
    const json_t *values = json_object_get(line, "values");
    if (line == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for a picture's line");
    lac_csv_put_text(l->csv.stream, json_string_value(json_object_get(line, "id")));
    for (const char *const *w = l->word; *w != NULL; w++)
        print_cell(l->csv.stream, json_object_get(line, *w));
    for (int64_t k = 0; k < l->n_metrics; k++)
        if (lac_metric_of_pictures(l->metric[k].def))
            print_cell(l->csv.stream, json_object_get(values, l->name[k]));
    fputc('\n', l->csv.stream);
    const bool written = json_dumpf(line, l->jsonl.stream, JSON_COMPACT) == 0 && fputc('\n', l->jsonl.stream) != EOF && !ferror(l->csv.stream);
    return written ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot write '%s': %s", l->jsonl.path, strerror(errno));
}

lac_status lac_lines_put(lac_lines *l, json_t *line)
{
    const lac_status s = put(l, line);
    json_decref(line);
    return s;
}

lac_status lac_lines_close(lac_lines *l, lac_status s)
{
    if (s == LAC_OK)
        s = lac_atomic_commit(&l->jsonl);
    if (s == LAC_OK)
        s = lac_atomic_commit(&l->csv);
    lac_atomic_abandon(&l->jsonl);
    lac_atomic_abandon(&l->csv);
    return s;
}
