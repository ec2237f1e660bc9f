/* The pictures in a page: which, whose, and that nothing in a name leads out of the folder or out of the script. */
#include "core/file/atomic.h"
#include "core/image/image.h"
#include "eval/difference.h"
#include "eval/gallery.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 30 };

static void put(const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text)));
}

static void put_picture(const char *folder, const char *name, const char *id, int64_t side, int channels)
{
    char *path, *slash;
    lac_image image;
    LAC_CHECK_STATUS(lac_kept_path(&path, folder, name, id));
    slash = strrchr(path, '/');
    *slash = '\0';
    LAC_CHECK_STATUS(lac_make_folders(path));
    *slash = '/';
    LAC_CHECK_STATUS(lac_image_new(&image, side, side, channels));
    LAC_CHECK_STATUS(lac_image_save_png(&image, path));
    lac_image_free(&image);
    free(path);
}

/* FOLDER/e.json with N pictures "p00" .. of which p-i has psnr 20 + i. */
static void put_evaluation(const char *folder, int64_t side)
{
    char text[N * 120] = "", kept[300];
    snprintf(kept, sizeof kept, "%s/e", folder);
    for (int i = 0; i < N; i++) {
        char id[8];
        snprintf(id, sizeof id, "p%02d", i);
        snprintf(text + strlen(text), sizeof text - strlen(text), "{\"id\":\"%s\",\"method\":\"m\",\"object\":null,\"area\":0.25,\"values\":{\"tv\":1,\"psnr\":%d}}\n",
                 id, 20 + i);
        put_picture(kept, "m", id, side, 3);
        put_picture(kept, "reference", id, side, 3);
        put_picture(kept, "masks", id, side, 1);
    }
    put(folder, "e.images.jsonl", text);
}

static lac_status add(lac_pictures *p, const char *folder, const char *summary)
{
    char stem[300];
    snprintf(stem, sizeof stem, "%s/e", folder);
    json_t *j = json_loads(summary, 0, NULL);
    LAC_CHECK(j != NULL);
    const lac_status s = lac_pictures_add(p, j, stem);
    json_decref(j);
    return s;
}

static char *html_of(const char *folder, int64_t most)
{
    lac_pictures p = { NULL };
    char *html;
    LAC_CHECK_STATUS(add(&p, folder, "{\"pictures\":\"e\"}"));
    LAC_CHECK_STATUS(lac_gallery_html(&p, most, &html));
    lac_pictures_free(&p);
    return html;
}

static bool shows(const char *html, int i)
{
    char id[24];
    snprintf(id, sizeof id, "{\"id\":\"p%02d\"", i);
    return strstr(html, id) != NULL;
}

LAC_TEST(a_page_of_some_holds_the_worst_the_best_and_some_between)
{
    const char *f = lac_test_folder();
    put_evaluation(f, 4);
    char *html = html_of(f, 9);
    int n = 0, between = 0;
    for (int i = 0; i < N; i++) {
        n += shows(html, i);
        between += i >= 3 && i < N - 3 && shows(html, i);
        LAC_CHECK((i >= 3 && i < N - 3) || shows(html, i));
    }
    LAC_CHECK(n == 9 && between == 3 && strstr(html, "\"of\":30"));
    LAC_CHECK(strstr(html, "{\"name\":\"tv\",\"better\":0,") && strstr(html, "{\"name\":\"psnr\",\"better\":1,"));
    free(html);
    html = html_of(f, 100);
    for (int i = 0; i < N; i++)
        LAC_CHECK(shows(html, i));
    free(html);
    LAC_CHECK(html_of(f, 0) == NULL);
}

LAC_TEST(large_pictures_are_shrunk_to_jpeg_and_missing_ones_left_out)
{
    const char *f = lac_test_folder();
    char path[300];
    put_evaluation(f, 4);
    snprintf(path, sizeof path, "%s/e", f);
    put_picture(path, "m", "p07", 500, 3);
    snprintf(path, sizeof path, "%s/e/m/p08.png", f);
    remove(path);
    char *html = html_of(f, N), *picture = strstr(html, "{\"id\":\"p07\"");
    LAC_CHECK(strstr(picture, "\"images\":[\"data:image/jpeg;base64,") < strstr(picture, "{\"id\":\"p08\""));
    LAC_CHECK(strstr(strstr(html, "{\"id\":\"p08\""), "\"images\":[null]") != NULL);
    free(html);
}

/* Folders are named as seen from the result; ids have lost their endings. */
LAC_TEST(finished_pictures_are_found_where_the_result_says)
{
    static const char lines[] = "{\"id\":\"p/a\",\"values\":{\"psnr\":20},\"area\":0.25,\"object\":\"cat\",\"prompt\":\"a cat\"}\n"
                                "{\"id\":\"p/b\",\"values\":{\"psnr\":null},\"undefined\":{\"psnr\":\"equal pictures\"}}\n";
    const char *f = lac_test_folder();
    char folder[300];
    lac_pictures p = { NULL };
    snprintf(folder, sizeof folder, "%s/in", f);
    put_picture(folder, "ours", "p/a", 8, 3);
    put_picture(folder, "truth", "p/a", 8, 3);
    put_picture(folder, "holes", "p/a", 8, 1);
    put_picture(folder, "ours", "p/b", 8, 3);
    put(f, "e.images.jsonl", lines);
    LAC_CHECK_STATUS(add(&p, f, "{\"method\":\"m\",\"folders\":{\"images\":\"in/ours\",\"reference\":\"in/truth\",\"masks\":\"in/holes\"}}"));
    char *html, *a, *b;
    LAC_CHECK_STATUS(lac_gallery_html(&p, 5, &html));
    a = strstr(html, "{\"id\":\"p\\/a\"");
    b = strstr(html, "{\"id\":\"p\\/b\"");           /* without a value: as if it were the worst */
    LAC_CHECK(b != NULL && b < a && strstr(b, "\"values\":[[null]],\"images\":[\"data:image") < a && strstr(b, "\"truth\"") > a);
    LAC_CHECK(strstr(a, "\"prompt\":\"a cat\"") && strstr(a, "\"object\":\"cat\"") && strstr(a, "\"known\":\"data:image") && strstr(a, "\"mask\":\"data:image"));
    free(html);
    lac_pictures_free(&p);
    LAC_CHECK_STATUS(add(&p, f, "{\"method\":\"m\",\"folders\":{\"images\":\"gone\"}}"));         /* moved away since: no pictures, and no failure */
    LAC_CHECK_STATUS(lac_gallery_html(&p, 5, &html));
    LAC_CHECK(html == NULL);
    lac_pictures_free(&p);
}

LAC_TEST(names_lead_nowhere)
{
    static const char *const bad[][3] = {
        { "a/b", "../../x", "f/a_b/_./_./x.png" }, { "..", "/etc/x", "f/_./_etc/x.png" }, { ".m", "a/../b", "f/_m/a/_./b.png" }, { "m", "a/.b.png", "f/m/a/_b.png.png" },
    };
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        char *path;
        LAC_CHECK_STATUS(lac_kept_path(&path, "f", bad[i][0], bad[i][1]));
        LAC_CHECK(strcmp(path, bad[i][2]) == 0);
        free(path);
    }
    const char *f = lac_test_folder();
    put(f, "e.images.jsonl", "{\"id\":\"</script><b>\",\"method\":\"</script>\",\"object\":\"</script>\",\"area\":0.5,\"values\":{\"</script>\":1}}\n");
    char *html = html_of(f, 5), *end = strstr(html, "</script>");
    LAC_CHECK(end != NULL && strcmp(end, "</script></div>\n") == 0);
    free(html);
}

LAC_TEST(what_is_no_line_is_named)
{
    static const char *const bad[][2] = {
        { "{\"id\":\"a\",\"method\":\"m\",\"values\":{}}\nnot\n", "line 2: not JSON" }, { "{\"method\":\"m\",\"values\":{}}\n", "line 1: no 'id'" },
        { "{\"id\":\"a\",\"values\":{}}\n", "line 1: no 'method'" },
    };
    const char *f = lac_test_folder();
    lac_pictures p = { NULL };
    LAC_CHECK_STATUS(add(&p, f, "{}"));                 /* no lines at all */
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        put(f, "e.images.jsonl", bad[i][0]);
        LAC_CHECK_FAILS(add(&p, f, "{}"), LAC_ERR_FORMAT, bad[i][1]);
        lac_pictures_free(&p);
    }
}

/* Of methods one and two, three pictures on two backgrounds: differences 1, 2 on the first, 6 on the second. Resamples of two groups hold the first
 * twice, both, or the second twice, so the interval's ends are means of those: 1.5 and 6. */
LAC_TEST(differences_are_paired_and_resample_backgrounds)
{
    const char *f = lac_test_folder();
    lac_pictures p = { NULL };
    lac_interval v;
    lac_table t;
    char *html;
    put(f, "e.images.jsonl", "{\"id\":\"a\",\"method\":\"one\",\"background\":\"x\",\"values\":{\"psnr\":3,\"tv\":1}}\n"
                             "{\"id\":\"b\",\"method\":\"one\",\"background\":\"x\",\"values\":{\"psnr\":5,\"tv\":1}}\n"
                             "{\"id\":\"c\",\"method\":\"one\",\"background\":\"y\",\"values\":{\"psnr\":9,\"tv\":1}}\n"
                             "{\"id\":\"d\",\"method\":\"one\",\"background\":\"y\",\"values\":{\"psnr\":null,\"tv\":1}}\n"
                             "{\"id\":\"a\",\"method\":\"two\",\"background\":\"x\",\"values\":{\"psnr\":2,\"tv\":1}}\n"
                             "{\"id\":\"b\",\"method\":\"two\",\"background\":\"x\",\"values\":{\"psnr\":3,\"tv\":1}}\n"
                             "{\"id\":\"c\",\"method\":\"two\",\"background\":\"y\",\"values\":{\"psnr\":3,\"tv\":1}}\n"
                             "{\"id\":\"d\",\"method\":\"two\",\"background\":\"y\",\"values\":{\"psnr\":3,\"tv\":1}}\n");
    LAC_CHECK_STATUS(add(&p, f, "{\"interval\":{\"seed\":3},\"differences\":[{\"metric\":\"tv\",\"a\":\"one\",\"b\":\"two\",\"value\":7,\"low\":null,\"high\":null,\"n\":4}]}"));
    LAC_CHECK_STATUS(lac_difference(&p, "one", "two", "psnr", &v));
    LAC_CHECK(v.value == 3 && v.n == 3 && v.n_groups == 2 && v.low == 1.5 && v.high == 6);
    LAC_CHECK_STATUS(lac_difference(&p, "two", "one", "psnr", &v));
    LAC_CHECK(v.value == -3 && v.low == -6 && v.high == -1.5);
    LAC_CHECK_STATUS(lac_difference_table(&p, &(lac_table){ .n_rows = 0 }, &t));
    LAC_CHECK_STATUS(lac_table_html(&t, &html));
    LAC_CHECK(strstr(html, "<tr><th>one − two</th><td data-value=\"3\" title=\"n 3\" class=\"for\"><b>+3.00</b> <span class=\"range\">[1.50, 6.00]</span></td>"
                           "<td data-value=\"7\" title=\"n 4\">+7.0000</td></tr>"));
    free(html);
    LAC_CHECK_STATUS(lac_table_markdown(&t, &html));
    LAC_CHECK(strstr(html, "| difference | psnr | tv |") && strstr(html, "| one − two | **+3.00** [1.50, 6.00] | +7.0000 |"));
    free(html);
    LAC_CHECK_STATUS(lac_table_latex(&t, &html));
    LAC_CHECK(strstr(html, "one $-$ two & \\textbf{+3.00} {\\scriptsize [1.50, 6.00]} & +7.0000 \\\\") != NULL);
    lac_table_free(&t);
    free(html);
    lac_pictures_free(&p);
}
