/* report.html: well-formed, complete, and finished whatever the numbers are. */
#include "core/file/atomic.h"
#include "core/html.h"
#include "core/image/image.h"
#include "tests/harness/test.h"
#include "train/chart.h"
#include "train/report.h"

#include <stdio.h>
#include <stdlib.h>

static void put_text(const char *folder, const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text)));
}

static char *get_text(const char *folder, const char *name)
{
    char path[600], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 22, &text, &size));
    return text;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

/* Every tag that opens closes: what a browser would forgive is counted here. */
static bool balanced(const char *text)
{
    static const char *const tags[] = { "div", "figure", "svg", "ul", "li", "pre", "details", "dl", "table", "html", "body", "style", "h2" };
    for (size_t i = 0; i < LAC_COUNT(tags); i++) {
        char open[20], open_with[20], close[20];
        snprintf(open, sizeof open, "<%s>", tags[i]);
        snprintf(open_with, sizeof open_with, "<%s ", tags[i]);
        snprintf(close, sizeof close, "</%s>", tags[i]);
        if (count(text, open) + count(text, open_with) != count(text, close))
            return false;
    }
    return true;
}

static void put_picture(const char *folder, int step)
{
    char path[600];
    lac_image image;
    LAC_CHECK_STATUS(lac_image_new(&image, 4, 4, 3));
    snprintf(path, sizeof path, "%s/samples/step-%06d.png", folder, step);
    LAC_CHECK_STATUS(lac_image_save_png(&image, path));
    lac_image_free(&image);
}

static const lac_report_fact facts[] = { { "seed", "1" }, { "code", "<0.1>" } };
static const lac_report_section sections[] = { { "Scores", "<table><tr><td>0.27</td></tr></table>" } };
static const lac_report report = { .title = "a & b", .facts = facts, .n_facts = 2, .sections = sections, .n_sections = 1 };

LAC_TEST(reports_show_what_a_run_left)
{
    const char *folder = lac_test_folder();
    char path[600];
    snprintf(path, sizeof path, "%s/samples", folder);
    LAC_CHECK_STATUS(lac_make_folders(path));
    for (int step = 1; step <= 9; step++)
        put_picture(folder, step * 100);
    put_text(folder, "config.lua", "return { name = \"<x>\" }\n");
    put_text(folder, "log.jsonl", "{\"step\":1,\"loss\":{\"d\":1,\"g\":-2},\"lr\":0.1}\ngarbage\n{\"step\":2,\"loss\":{\"d\":0.5,\"g\":null},\"lr\":0.1,"
                                  "\"validate\":{\"loss\":{\"d\":0.7},\"psnr\":20}}\n");
    snprintf(path, sizeof path, "%s/report.html", folder);
    LAC_CHECK_STATUS(lac_report_run(&report, folder, path));
    char *text = get_text(folder, "report.html");
    LAC_CHECK(balanced(text) && strstr(text, "<h1>a &amp; b</h1>") && strstr(text, "&lt;0.1&gt;") && strstr(text, "&lt;x&gt;"));
    LAC_CHECK(count(text, "<svg") == 3 && count(text, "<polyline") == 5);           /* loss with d, g and validation; lr; psnr */
    LAC_CHECK(count(text, "data:image/png;base64,iVBORw0KGgo") == 6 && strstr(text, "step 000900") < strstr(text, "step 000100"));
    LAC_CHECK(strstr(text, "<td>0.27</td>") && strstr(text, "<script") == NULL && strstr(text, "http") == NULL);
    free(text);
}

LAC_TEST(reports_of_an_empty_folder_say_so)
{
    const char *folder = lac_test_folder();
    char path[600];
    snprintf(path, sizeof path, "%s/report.html", folder);
    LAC_CHECK_STATUS(lac_report_run(&report, folder, path));
    char *text = get_text(folder, "report.html");
    LAC_CHECK(balanced(text) && strstr(text, "No step has been logged yet."));
    free(text);
    LAC_CHECK_FAILS(lac_report_run(&report, folder, "/nowhere/report.html"), LAC_ERR_IO, "/nowhere/report.html");
}

LAC_TEST(reports_compare_runs_curve_by_curve)
{
    const char *folder = lac_test_folder(), *other = lac_test_folder();
    char path[600];
    put_text(folder, "log.jsonl", "{\"step\":1,\"loss\":1,\"lr\":1}\n{\"step\":2,\"loss\":2,\"validate\":{\"psnr\":20}}\n");
    put_text(other, "log.jsonl", "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":2}\n");
    snprintf(path, sizeof path, "%s/compare.html", folder);
    const lac_report_entry runs[] = { { "gated", folder }, { "vanilla", other } };
    LAC_CHECK_STATUS(lac_report_compare(&report, runs, 2, path));
    char *text = get_text(folder, "compare.html");
    LAC_CHECK(balanced(text) && count(text, "<svg") == 2 && count(text, "<polyline") == 3 && strstr(text, "vanilla"));
    free(text);
}

/* Constants up to rounding, one value, the ends of double: each chart must come to an end and stay small. */
LAC_TEST(charts_end_whatever_the_numbers_are)
{
    double x[500], y[500];
    const double level[] = { 1e-4, 1.2e9, 0, 1e300, -1e300, 5e-324, 1.7e308 };
    for (size_t i = 0; i < LAC_COUNT(level); i++)
        for (int n = 1; n <= 500; n = n * 5 + 1)
            for (int kind = 0; kind < 3; kind++) {
                char *text = NULL;
                size_t size = 0;
                FILE *f = open_memstream(&text, &size);
                for (int k = 0; k < n; k++) {
                    x[k] = kind == 2 ? 1e15 + k : k;
                    y[k] = kind == 0 ? level[i] : k % 2 ? level[i] * (1 - 1e-16 * k) : -level[i] * 0.999;
                }
                lac_series s = { .name = (char *)"s", .x = x, .y = y, .n = n };
                LAC_CHECK_STATUS(lac_chart_print(f, "t", &(lac_curve){ "s", &s, 0, n < 20 }, 1, 480, 220));
                fclose(f);
                LAC_CHECK(size < 40000 && count(text, "<svg") == 1);
                free(text);
            }
}

LAC_TEST(base64_gives_the_published_answers)        /* RFC 4648, section 10 */
{
    char text[32] = "";
    FILE *f = fmemopen(text, sizeof text, "w");
    lac_html_base64(f, "f", 1);
    lac_html_base64(f, "fo", 2);
    lac_html_base64(f, "foobar", 6);
    fclose(f);
    LAC_CHECK(strcmp(text, "Zg==Zm8=Zm9vYmFy") == 0);
}
