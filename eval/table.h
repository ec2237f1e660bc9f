/* eval/table.h -- methods by metrics, from one or several evaluation summaries (eval/summary.h), as text.
 *
 * Rows keep the order of adding, columns that of first sight. Values of different recipes never share a column, nor do
 * numbers from different pictures, masks or sizes share a table: adding those is LAC_ERR_STATE, saying what differs. */
#pragma once

#include "eval/bootstrap.h"

#include <jansson.h>

typedef struct lac_cell { bool present; lac_interval v; } lac_cell;
typedef struct lac_table_column { char *metric, *recipe; int digits; bool higher_is_better, no_direction; } lac_table_column;
/* Cells beyond n_cells are absent. source: where published numbers stand; NULL: measured here. */
typedef struct lac_table_row { char *name, *source; lac_cell *cell; int64_t n_cells; } lac_table_row;

typedef struct lac_table lac_table;
struct lac_table {
    lac_table_column *column;
    lac_table_row *row;
    int64_t n_columns, n_rows, column_capacity, row_capacity;
    char *manifest, *masks;         /* NULL until known */
    int64_t images, backgrounds, objects, height, width;
    lac_table *published;           /* what the authors of a protocol's methods printed, apart from what was measured; NULL: nothing */
};

/* Published rows come from a summary's "published": [{ "name", "source", "values": { METRIC: number } }], the first that has any. Nobody knows their
 * recipes, so they stand in a table of their own under the measured one, in every form; none is best. */

/* A zeroed table is an empty one. A row that is there already, name and values (a baseline that every run carries), is not repeated. */
lac_status lac_table_add(lac_table *t, const json_t *summary);
void lac_table_free(lac_table *t);

/* Fresh text, free() it. Markdown and HTML end with a line on how many pictures, backgrounds and objects were seen and what the
 * brackets mean; the best value of a column is bold, of three and more the next italic or underlined. LaTeX is a tabular with booktabs' rules. CSV has a line a value: method,metric,value,low,high,n,recipe. JSON is a list
 * of the same as objects. HTML is a fragment, to be put into a page. */
lac_status lac_table_markdown(const lac_table *t, char **text);
lac_status lac_table_csv(const lac_table *t, char **text);
lac_status lac_table_latex(const lac_table *t, char **text);
lac_status lac_table_html(const lac_table *t, char **text);
lac_status lac_table_json(const lac_table *t, json_t **list);
