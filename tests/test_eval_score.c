/* Scores, summary, bins and tables on a set small enough to work out by hand. */
#include "core/file/atomic.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "eval/baseline.h"
#include "eval/bins.h"
#include "eval/score.h"
#include "eval/summary.h"
#include "eval/table.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 10, PIXELS = SIDE * SIDE, ITEMS = 4 };

/* Item i is a picture of the one grey 100 + 10 i, with 10 (i + 1) hole pixels; item 3 stands on the background of item 2. */
typedef struct toy_set { uint8_t reference[3 * PIXELS], mask[PIXELS]; } toy_set;

static lac_status read_item(void *context, int64_t i, lac_eval_item *item)
{
    static const char *const id[] = { "a", "b", "c", "d" }, *const background[] = { "x", "y", "z", "z" };
    toy_set *set = context;
    memset(set->reference, 100 + 10 * (int)i, sizeof set->reference);
    for (int k = 0; k < PIXELS; k++)
        set->mask[k] = k < 10 * (i + 1);
    *item = (lac_eval_item){ id[i], background[i], i == 1 ? NULL : "coin", SIDE, SIDE, set->reference, set->mask };
    return LAC_OK;
}

/* Sets the hole to 100, so item 0 is right and item i is 10 i off; the truth must not have been given. */
static lac_status complete(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture)
{
    (void)context;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < item[i].height * item[i].width; k++)
            if (item[i].mask[k]) {
                LAC_CHECK(item[i].reference == NULL && picture[i][3 * k] == LAC_HOLE_GREY);
                memset(picture[i] + 3 * k, 100, 3);
            }
    return LAC_OK;
}

static const char *const metrics[] = { "l1@hole", "psnr@hole", "tv" };

static void score(lac_score *s)
{
    static toy_set set;
    const lac_eval_method methods[] = { { "hundred", complete, NULL }, lac_eval_baseline("mean-colour") };
    const char *const names[] = { methods[0].name, methods[1].name };
    LAC_CHECK_STATUS(lac_score_new(s, metrics, 3, names, 2, NULL));
    LAC_CHECK_STATUS(lac_score_run(s, read_item, &set, ITEMS, methods, 1));
}

static json_t *summary_of(const lac_score *s)
{
    json_t *summary;
    const lac_score_origin origin = { "toy", "test", "abc", "hand-made", 7 };
    LAC_CHECK_STATUS(lac_score_summary(s, &origin, &summary));
    return summary;
}

static double real_of(const json_t *o, const char *key) { return json_number_value(json_object_get(o, key)); }
static int64_t int_of(const json_t *o, const char *key) { return json_integer_value(json_object_get(o, key)); }

static const json_t *metric_of(const json_t *summary, const char *method, const char *metric)
{
    const json_t *m = json_object_get(json_object_get(summary, "methods"), method);
    return json_object_get(json_object_get(m, "metrics"), metric);
}

LAC_TEST(a_summary_says_value_count_interval_and_what_is_undefined)
{
    lac_score s;
    score(&s);
    json_t *summary = summary_of(&s);
    LAC_CHECK(int_of(summary, "images") == 4 && int_of(summary, "backgrounds") == 3 && int_of(summary, "objects") == 1);
    LAC_CHECK(int_of(summary, "height") == SIDE && strcmp(json_string_value(json_object_get(summary, "manifest")), "abc") == 0);
    LAC_CHECK(json_string_value(json_object_get(summary, "revision")) != NULL);
    const json_t *l1 = metric_of(summary, "hundred", "l1@hole"), *psnr = metric_of(summary, "hundred", "psnr@hole");
    LAC_CHECK(fabs(real_of(l1, "value") - 15.0 / 255) < 1e-12 && int_of(l1, "n") == 4);
    LAC_CHECK(real_of(l1, "low") >= 0 && real_of(l1, "low") < real_of(l1, "value") && real_of(l1, "high") <= 25.0 / 255 + 1e-12);
    LAC_CHECK(strcmp(json_string_value(json_object_get(l1, "recipe")), "l1{range=1,region=hole}") == 0);
    LAC_CHECK(int_of(psnr, "n") == 3 && int_of(psnr, "backgrounds") == 2);
    const json_t *bad = json_array_get(json_object_get(psnr, "undefined"), 0);
    LAC_CHECK(strcmp(json_string_value(json_object_get(bad, "id")), "a") == 0);
    LAC_CHECK(strcmp(json_string_value(json_object_get(bad, "reason")), "equal pictures") == 0);
    psnr = metric_of(summary, "mean colour", "psnr@hole");     /* right everywhere: no value at all */
    LAC_CHECK(json_is_null(json_object_get(psnr, "value")) && json_is_null(json_object_get(psnr, "low")) && int_of(psnr, "n") == 0);
    json_decref(summary);
    lac_score_free(&s);
}

LAC_TEST(a_summary_pairs_methods_and_bins_areas)
{
    lac_score s;
    score(&s);
    json_t *summary = summary_of(&s);
    const json_t *list = json_object_get(summary, "differences"), *l1 = json_array_get(list, 0);
    LAC_CHECK(json_array_size(list) == 3);
    LAC_CHECK(strcmp(json_string_value(json_object_get(l1, "a")), "hundred") == 0);
    LAC_CHECK(fabs(real_of(l1, "value") - 15.0 / 255) < 1e-12 && int_of(l1, "n") == 4);    /* the other is 0 everywhere */
    const json_t *area = json_object_get(json_object_get(json_object_get(summary, "methods"), "hundred"), "area");
    LAC_CHECK(json_array_size(area) == 4);
    const json_t *bin = json_array_get(area, 2);
    LAC_CHECK(real_of(bin, "from") == 0.3 && int_of(bin, "images") == 1);
    bin = json_object_get(json_object_get(bin, "metrics"), "l1@hole");
    LAC_CHECK(fabs(real_of(bin, "mean") - 20.0 / 255) < 1e-12 && json_is_null(json_object_get(bin, "std")));
    json_decref(summary);
    lac_score_free(&s);
}

LAC_TEST(bins_are_ten_and_the_last_takes_the_whole)
{
    LAC_CHECK(lac_bin_of(0, 100) == 0 && lac_bin_of(9, 100) == 0 && lac_bin_of(10, 100) == 1 && lac_bin_of(30, 100) == 3);
    LAC_CHECK(lac_bin_of(7, 10) == 7 && lac_bin_of(99, 100) == 9 && lac_bin_of(100, 100) == 9);
    const double value[] = { 1, 3, 8, NAN };
    const int bin_of[] = { 2, 2, 5, 5 };
    lac_bin bin[LAC_BINS];
    lac_bin_values(bin, value, bin_of, 4);
    LAC_CHECK(bin[2].n == 2 && bin[2].mean == 2 && fabs(bin[2].std - sqrt(2)) < 1e-12);
    LAC_CHECK(bin[5].n == 1 && bin[5].mean == 8 && isnan(bin[5].std) && bin[0].n == 0 && isnan(bin[0].mean));
}

static int lines_in(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

LAC_TEST(scores_are_saved_as_a_summary_and_a_line_a_picture_and_method)
{
    lac_score s;
    char path[256], *bytes;
    size_t size;
    const char *folder = lac_test_folder();
    const lac_score_origin origin = { "toy", "test", NULL, "hand-made", 7 };
    score(&s);
    snprintf(path, sizeof path, "%s/far", folder);
    LAC_CHECK_STATUS(lac_score_save(&s, &origin, path));
    snprintf(path, sizeof path, "%s/far.images.jsonl", folder);
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &bytes, &size));
    LAC_CHECK(lines_in(bytes) == 8);
    json_t *line = json_loads(bytes, JSON_DISABLE_EOF_CHECK, NULL);
    LAC_CHECK(line != NULL && real_of(line, "area") == 0.1 && json_is_null(json_object_get(json_object_get(line, "values"), "psnr@hole")));
    LAC_CHECK(strcmp(json_string_value(json_object_get(json_object_get(line, "undefined"), "psnr@hole")), "equal pictures") == 0);
    json_decref(line);
    free(bytes);
    snprintf(path, sizeof path, "%s/far.json", folder);
    json_t *summary = json_load_file(path, 0, NULL);
    LAC_CHECK(summary != NULL && json_is_null(json_object_get(summary, "manifest")));
    json_decref(summary);
    lac_score_free(&s);
}

LAC_TEST(tables_print_every_way_and_repeat_no_row)
{
    lac_score s;
    lac_table t = { 0 };
    char *text;
    json_t *list;
    score(&s);
    json_t *summary = summary_of(&s);
    LAC_CHECK_STATUS(lac_table_add(&t, summary));
    LAC_CHECK_STATUS(lac_table_add(&t, summary));
    LAC_CHECK(t.n_rows == 2 && t.n_columns == 3);
    LAC_CHECK_STATUS(lac_table_markdown(&t, &text));
    LAC_CHECK(strstr(text, "| method | l1@hole ↓ | psnr@hole ↑ | tv |\n|---|---:|---:|---:|\n| hundred | 0.0588 [0.00") == text);
    LAC_CHECK(strstr(text, "| mean colour | **0.0000** [0.0000, 0.0000] | - | ") != NULL);
    LAC_CHECK(strstr(text, "4 pictures of 10x10, 3 backgrounds, 1 objects") != NULL);
    free(text);
    LAC_CHECK_STATUS(lac_table_csv(&t, &text));
    LAC_CHECK(lines_in(text) == 7 && strstr(text, "\"mean colour\",psnr@hole,,,,0,\"psnr{range=255,mean=per-image,region=hole}\",,,") != NULL);
    free(text);
    LAC_CHECK_STATUS(lac_table_html(&t, &text));
    LAC_CHECK(strstr(text, "<tr><th>hundred</th><td data-value=\"0.058823529411764705\" title=\"n 4\">0.0588 <span class=\"range\">[") != NULL && strstr(text, "<b>0.0000</b>") != NULL);
    free(text);
    LAC_CHECK_STATUS(lac_table_origin_html(&t, &text));
    LAC_CHECK(strstr(text, "<dt>l1@hole</dt><dd><span> <code>l1{range=1,region=hole}</code></span>\n<span>n 4</span>") != NULL && strstr(text, "<dt>hundred, mean colour</dt>") != NULL);
    free(text);
    LAC_CHECK_STATUS(lac_table_latex(&t, &text));
    LAC_CHECK(strstr(text, "\\begin{tabular}{lrrr}\n\\toprule\nmethod & l1@hole $\\downarrow$ & psnr@hole $\\uparrow$ & tv \\\\\n") == text);
    LAC_CHECK(strstr(text, "mean colour & \\textbf{0.0000} {\\scriptsize [0.0000, 0.0000]} & - & ") != NULL);
    free(text);
    LAC_CHECK_STATUS(lac_table_json(&t, &list));
    LAC_CHECK(json_array_size(list) == 6);
    const json_t *first = json_array_get(list, 0);
    LAC_CHECK(json_integer_value(json_object_get(first, "seed")) == json_integer_value(json_object_get(summary, "seed")) && json_integer_value(json_object_get(first, "width")) == 10);
    LAC_CHECK(strcmp(json_string_value(json_object_get(first, "masks")), "hand-made") == 0 && json_string_value(json_object_get(first, "version")) != NULL);
    json_decref(list);
    json_decref(summary);
    lac_table_free(&t);
    lac_score_free(&s);
}

static json_t *row_of(const char *name, double value)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:{s:{s:{s:{s:f, s:i, s:s}}}}}", "manifest", "ab", "masks", "m", "images", 4, "backgrounds", 4,
                     "objects", 0, "height", 8, "width", 8, "methods", name, "metrics", "psnr", "value", value, "n", 4, "recipe", "r");
}

LAC_TEST(of_three_rows_the_best_and_the_next_are_marked)
{
    lac_table t = { 0 };
    char *text;
    const char *const name[] = { "50% & a_b", "second", "first" };
    for (int i = 0; i < 3; i++) {
        json_t *summary = row_of(name[i], 20 + i);
        LAC_CHECK_STATUS(lac_table_add(&t, summary));
        json_decref(summary);
    }
    LAC_CHECK_STATUS(lac_table_markdown(&t, &text));
    LAC_CHECK(strstr(text, "| 50% & a_b | 20.00 |") && strstr(text, "| second | _21.00_ |") && strstr(text, "| first | **22.00** |"));
    free(text);
    LAC_CHECK_STATUS(lac_table_latex(&t, &text));
    LAC_CHECK(strstr(text, "50\\% \\& a\\_b & 20.00") && strstr(text, "second & \\underline{21.00}") && strstr(text, "first & \\textbf{22.00}"));
    free(text);
    LAC_CHECK_STATUS(lac_table_html(&t, &text));
    LAC_CHECK(strstr(text, "<th>50% &amp; a_b</th>") && strstr(text, "<u>21.00</u>") && strstr(text, "<b>22.00</b>"));
    free(text);
    lac_table_free(&t);
}

LAC_TEST(published_rows_stand_apart_in_every_form)
{
    lac_table t = { 0 };
    char *text;
    json_t *list, *summary = row_of("ours", 20);
    json_object_set_new(summary, "published", json_pack("[{s:s, s:s, s:{s:f}}]", "name", "Theirs & co", "source", "arXiv:1", "values", "psnr", 99.0));
    LAC_CHECK_STATUS(lac_table_add(&t, summary));
    LAC_CHECK_STATUS(lac_table_add(&t, summary));
    LAC_CHECK(t.n_rows == 1 && t.published->n_rows == 1);
    LAC_CHECK_STATUS(lac_table_markdown(&t, &text));
    LAC_CHECK(strstr(text, "| ours | 20.00 |") && strstr(text, "| published | psnr ↑ | source |\n|---|---:|---|\n| Theirs & co | 99.00 | arXiv:1 |\n\n- As published, not measured here"));
    free(text);
    LAC_CHECK_STATUS(lac_table_latex(&t, &text));
    LAC_CHECK(strstr(text, "\\begin{tabular}{lrl}\n\\toprule\npublished & psnr $\\uparrow$ & source \\\\") && strstr(text, "Theirs \\& co & 99.00 & arXiv:1 \\\\"));
    free(text);
    LAC_CHECK_STATUS(lac_table_html(&t, &text));
    LAC_CHECK(strstr(text, "<th>Theirs &amp; co</th><td data-value=\"99\">99.00</td><td class=\"text\">arXiv:1</td>"));
    free(text);
    LAC_CHECK_STATUS(lac_table_csv(&t, &text));
    LAC_CHECK(strstr(text, "\"Theirs & co\",psnr,99,,,0,\"published: arXiv:1\",,,,"));
    free(text);
    LAC_CHECK_STATUS(lac_table_json(&t, &list));
    LAC_CHECK(json_array_size(list) == 2 && strcmp(json_string_value(json_object_get(json_array_get(list, 1), "recipe")), "published: arXiv:1") == 0);
    json_decref(list);
    json_object_set_new(summary, "published", json_pack("[{s:s, s:s, s:{s:s}}]", "name", "x", "source", "y", "values", "psnr", "many"));
    lac_table_free(&t);
    LAC_CHECK_FAILS(lac_table_add(&t, summary), LAC_ERR_FORMAT, "'psnr' of 'x' is no number");
    lac_table_free(&t);
    json_decref(summary);
}

static void refused(const lac_table *have, json_t *summary, const char *message)
{
    LAC_CHECK_FAILS(lac_table_add((lac_table *)have, summary), LAC_ERR_STATE, message);
}

LAC_TEST(tables_refuse_other_recipes_masks_and_pictures)
{
    lac_score s;
    lac_table t = { 0 };
    score(&s);
    json_t *summary = summary_of(&s);
    LAC_CHECK_STATUS(lac_table_add(&t, summary));
    json_t *other = json_deep_copy(summary);
    json_object_set_new(other, "masks", json_string("others"));
    refused(&t, other, "masks 'others' cannot share a table with 'hand-made'");
    json_object_set_new(other, "masks", json_string("hand-made"));
    json_object_set_new(other, "view", json_string("squash"));
    refused(&t, other, "view 'squash' cannot share a table with ''");
    json_object_del(other, "view");
    json_object_set_new((json_t *)metric_of(other, "hundred", "tv"), "recipe", json_string("tv{range=255}"));
    refused(&t, other, "tv: recipe 'tv{range=255}' cannot share a column with 'tv{range=1,dx+dy,region=whole}'");
    json_object_set_new(other, "manifest", json_string("abd"));
    refused(&t, other, "manifest 'abd'");
    json_object_del(other, "methods");
    LAC_CHECK_FAILS(lac_table_add(&t, other), LAC_ERR_FORMAT, "not an evaluation summary");
    json_decref(other);
    json_decref(summary);
    lac_table_free(&t);
    lac_score_free(&s);
}

static lac_status fail_on_c(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture)
{
    (void)context, (void)picture;
    for (int64_t i = 0; i < n; i++)
        if (item[i].id[0] == 'c')
            return LAC_FAIL(LAC_ERR_LIBRARY, "no");
    return LAC_OK;
}

LAC_TEST(items_at_once_change_no_value)
{
    static toy_set set;
    const lac_eval_method methods[] = { { "hundred", complete, NULL }, lac_eval_baseline("mean-colour") };
    lac_score s;
    score(&s);
    json_t *one = summary_of(&s);
    for (int batch = 2; batch <= ITEMS + 1; batch++) {
        lac_score_clear(&s);
        LAC_CHECK_STATUS(lac_score_run(&s, read_item, &set, ITEMS, methods, batch));
        json_t *several = summary_of(&s);
        LAC_CHECK(json_equal(one, several));
        json_decref(several);
    }
    json_decref(one);
    lac_score_free(&s);
}

LAC_TEST(a_failure_names_item_and_method)
{
    static toy_set set;
    lac_score s;
    const lac_eval_method method = { "broken", fail_on_c, NULL };
    const char *const twice[] = { "l1", "l1" }, *const name[] = { "broken" };
    LAC_CHECK_STATUS(lac_score_new(&s, metrics, 3, name, 1, NULL));
    LAC_CHECK_FAILS(lac_score_run(&s, read_item, &set, ITEMS, &method, 1), LAC_ERR_LIBRARY, "broken on 'c': no");
    LAC_CHECK(s.n_rows == 2);
    LAC_CHECK_FAILS(lac_score_run(&s, read_item, &set, ITEMS, &method, 4), LAC_ERR_LIBRARY, "broken on 'a' to 'd': no");
    lac_score_free(&s);
    LAC_CHECK_FAILS(lac_score_new(&s, twice, 2, name, 1, NULL), LAC_ERR_ARG, "metric 'l1' is named twice");
    LAC_CHECK(lac_eval_baseline("telea").name == NULL);
}

static lac_status score_and_save(const char *path)
{
    static toy_set set;
    lac_score s;
    const lac_eval_method methods[] = { lac_eval_baseline("mean-colour"), lac_eval_baseline("laplace") };
    const char *const names[] = { methods[0].name, methods[1].name };
    const lac_score_origin origin = { "toy", "test", NULL, NULL, 7 };
    LAC_TRY(lac_score_new(&s, metrics, 3, names, 2, NULL));
    lac_status status = lac_score_run(&s, read_item, &set, ITEMS, methods, 3);
    if (status == LAC_OK)
        status = lac_score_save(&s, &origin, path);
    lac_score_free(&s);
    return status;
}

LAC_TEST(each_missing_allocation_is_reported)       /* one after the other; the sanitizer build sees what leaks */
{
    char path[256];
    lac_status status = LAC_ERR_MEM;
    int64_t n = 0;
    snprintf(path, sizeof path, "%s/toy", lac_test_folder());
    for (; status != LAC_OK && n < 2000; n++) {
        lac_alloc_fail_after(n);
        status = score_and_save(path);
        LAC_CHECK(status == LAC_OK || status == LAC_ERR_MEM);
    }
    lac_alloc_fail_after(-1);
    LAC_CHECK(status == LAC_OK && n > 50);
}
