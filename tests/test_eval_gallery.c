/* The pictures in a page: which, whose, and that nothing in a name leads out of the folder or out of the script. */
#include "core/file/atomic.h"
#include "core/image/image.h"
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
    put(folder, "e.json", "{\"methods\":{},\"pictures\":\"e\"}");
}

static char *html_of(const char *folder, int64_t most)
{
    lac_gallery g = { NULL };
    char stem[300], *html;
    snprintf(stem, sizeof stem, "%s/e", folder);
    LAC_CHECK_STATUS(lac_gallery_add(&g, stem));
    LAC_CHECK_STATUS(lac_gallery_html(&g, most, &html));
    lac_gallery_free(&g);
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
    put(f, "e.json", "{\"methods\":{},\"pictures\":\"e\"}");
    char *html = html_of(f, 5), *end = strstr(html, "</script>");
    LAC_CHECK(end != NULL && strcmp(end, "</script></div>\n") == 0);
    free(html);
}

LAC_TEST(what_is_no_evaluation_is_one_line)
{
    const char *f = lac_test_folder();
    lac_gallery g = { NULL };
    char stem[300];
    snprintf(stem, sizeof stem, "%s/e", f);
    put(f, "e.json", "{\"methods\":{},\"pictures\":\"e\"}");
    LAC_CHECK_FAILS(lac_gallery_add(&g, stem), LAC_ERR_IO, "e.images.jsonl");
    put(f, "e.images.jsonl", "{\"id\":\"a\",\"method\":\"m\",\"values\":{}}\nnot\n");
    LAC_CHECK_FAILS(lac_gallery_add(&g, stem), LAC_ERR_FORMAT, "line 2: not JSON");
    lac_gallery_free(&g);
    put(f, "e.images.jsonl", "{\"method\":\"m\",\"values\":{}}\n");
    LAC_CHECK_FAILS(lac_gallery_add(&g, stem), LAC_ERR_FORMAT, "line 1: no 'id'");
    put(f, "e.json", "{\"methods\":{},\"pictures\":null}");
    LAC_CHECK_STATUS(lac_gallery_add(&g, stem));
    lac_gallery_free(&g);
}
