/* eval/table.h -- methods by metrics, from one or several evaluation summaries (eval/summary.h), as text.
 *
 * Rows keep the order of adding, columns that of first sight. Values of different recipes never share a column, nor do
 * numbers from different pictures, views of them, masks or sizes share a table: adding those is LAC_ERR_STATE, saying what differs. */
#pragma once

#include "eval/bootstrap.h"

#include <jansson.h>

/* spread: the standard deviation over the row's runs, NaN where it has fewer than two; reason: why there is no value; NULL: not said. */
typedef struct lac_cell { bool present; lac_interval v; double spread; char *reason; } lac_cell;
/* weights: the hashes of the metric's files by name, as a summary has them; NULL: none. */
typedef struct lac_table_column { char *metric, *recipe; json_t *weights; int digits; bool higher_is_better, no_direction; } lac_table_column;
/* Cells beyond n_cells are absent. source: where published numbers stand; NULL: measured here, in the evaluation `origin`. */
typedef struct lac_table_row { char *name, *source; lac_cell *cell; int64_t n_cells, origin; json_t *area; int64_t runs; } lac_table_row;
/* area: as in a summary; NULL: not said. runs: whose mean it is, 0: one method's own. */

/* Values of methods; differences between two (eval/difference.h); means by size of the hole, a column each. */
typedef enum { LAC_TABLE_SCORES, LAC_TABLE_DIFFERENCES, LAC_TABLE_BINS } lac_table_kind;

typedef struct lac_table lac_table;
struct lac_table {
    lac_table_column *column;
    lac_table_row *row;
    int64_t n_columns, n_rows, column_capacity, row_capacity;
    char *manifest, *masks, *view;  /* NULL until known */
    int64_t images, backgrounds, objects, height, width;
    bool of_pairs;                  /* intervals are over pictures, of which no background is known */
    bool of_rounds;                 /* times: `images` is how many rounds there were, "intervals" are the least and the greatest */
    lac_table_kind kind;
    json_t *origin;                 /* of each summary what its values depend on: "set", "manifest", "seed", "version", ... */
    lac_table *published;           /* what the authors of a protocol's methods printed, apart from what was measured; NULL: nothing */
};

/* Published rows come from a summary's "published": [{ "name", "source", "values": { METRIC: number } }], the first that has any. Nobody knows their
 * recipes, so they stand in a table of their own under the measured one, in every form; none is best. */

lac_status lac_table_add_published(lac_table *t, const json_t *rows);

/* A zeroed table is an empty one. A row that is there already, name and values (a baseline that every run carries), is not repeated. A summary that is refused
 * leaves the table as it was. Of a metric that this program does not know, its "better" (1, -1 or 0) says what is good. */
lac_status lac_table_add(lac_table *t, const json_t *summary);
void lac_table_free(lac_table *t);

/* Fresh text, free() it. Markdown and HTML end with notes on how many pictures were seen, what the brackets mean and what is undefined; Markdown and LaTeX say
 * recipes there. The best value of a column is bold, of three and more the next italic or underlined; of differences, those whose interval leaves out 0.
 * LaTeX is a tabular with booktabs' rules. CSV has a line a value, with all that it depends on; JSON is a list of the same as objects. HTML is a fragment, to
 * be put into a page, and so are _origin_html: recipes, weights, n, and what each evaluation was of; and _bins_html: means by size of the hole, NULL where none are known. */
lac_status lac_table_markdown(const lac_table *t, char **text);
lac_status lac_table_csv(const lac_table *t, char **text);
lac_status lac_table_latex(const lac_table *t, char **text);
lac_status lac_table_html(const lac_table *t, char **text);
lac_status lac_table_origin_html(const lac_table *t, char **text);
lac_status lac_table_bins_html(const lac_table *t, char **text);
lac_status lac_table_json(const lac_table *t, json_t **list);

/* To make a table otherwise: a column (fields as they shall be, texts copied); a row, with cells to come. */
lac_status lac_table_new_column(lac_table *t, const lac_table_column *like);
int64_t lac_table_column_named(const lac_table *t, const char *metric);         /* -1: none */
lac_status lac_table_new_row(lac_table *t, const char *name, lac_table_row **row);
lac_status lac_table_set(lac_table_row *row, int64_t column, const lac_interval *v, const char *reason);
