/* log.jsonl, TensorBoard events, Chrome traces and the progress line. */
#include "core/crc32c.h"
#include "core/file/atomic.h"
#include "tests/harness/test.h"
#include "train/log.h"
#include "train/progress.h"
#include "train/tensorboard.h"
#include "train/trace.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void at(char path[600], const char *name) { snprintf(path, 600, "%s/%s", lac_test_folder(), name); }

static void write_line(lac_log_file *l, int64_t step, double loss)
{
    json_t *line = json_pack("{s:I}", "step", (json_int_t)step);
    LAC_CHECK_STATUS(lac_log_number(line, "loss", loss));
    LAC_CHECK_STATUS(lac_log_write(l, line));
    json_decref(line);
}

LAC_TEST(logs_go_on_from_the_checkpoint_they_resume)
{
    char path[600], *text;
    size_t size;
    lac_log_file *l;
    at(path, "log.jsonl");
    LAC_CHECK_STATUS(lac_log_open(&l, path, 0));
    for (int step = 1; step <= 4; step++)
        write_line(l, step, step == 3 ? NAN : 0.5 * step);
    LAC_CHECK_STATUS(lac_log_close(l));
    FILE *f = fopen(path, "ab");
    fputs("{\"step\":2,\"lo", f);                                       /* torn by a kill */
    fclose(f);
    LAC_CHECK_STATUS(lac_log_open(&l, path, 3));
    write_line(l, 4, 0.125);
    LAC_CHECK_STATUS(lac_log_close(l));
    LAC_CHECK_STATUS(lac_file_read(path, 4096, &text, &size));
    LAC_CHECK(strcmp(text, "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":1.0}\n{\"step\":3,\"loss\":null}\n{\"step\":4,\"loss\":0.125}\n") == 0);
    free(text);
    LAC_CHECK_FAILS(lac_log_open(&l, "/nowhere/log.jsonl", 0), LAC_ERR_IO, "/nowhere/log.jsonl");
}

/* ---- TensorBoard: frames taken apart here; tests/golden/train_tensorboard.py shows the same file to TensorBoard itself ---- */

static char *only_file(const char *folder, size_t *size)
{
    char path[900] = "", *bytes;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strstr(e->d_name, "tfevents") != NULL)
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    closedir(d);
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &bytes, size));
    return bytes;
}

static uint32_t unmasked(const char *p)
{
    uint32_t x;
    memcpy(&x, p, 4);
    x -= 0xa282ead8u;
    return x >> 17 | x << 15;
}

/* Length of the record at p, after checking both sums. */
static uint64_t check_frame(const char *p, size_t left)
{
    uint64_t n;
    LAC_CHECK(left >= 16);
    memcpy(&n, p, 8);
    LAC_CHECK(n <= left - 16 && unmasked(p + 8) == lac_crc32c(0, p, 8) && unmasked(p + 12 + n) == lac_crc32c(0, p + 12, n));
    return n;
}

LAC_TEST(tensorboard_events_are_framed_and_encoded)
{
    const char *folder = lac_test_folder();
    lac_tensorboard *t;
    lac_image image;
    size_t size;
    LAC_CHECK_STATUS(lac_image_new(&image, 2, 3, 3));
    LAC_CHECK_STATUS(lac_tensorboard_open(&t, folder, 300));
    LAC_CHECK_STATUS(lac_tensorboard_scalar(t, 301, "loss", 1.5f));
    LAC_CHECK_STATUS(lac_tensorboard_image(t, 301, "samples", &image));
    LAC_CHECK_STATUS(lac_tensorboard_close(t));
    char *bytes = only_file(folder, &size), *p = bytes;
    int records = 0;
    for (uint64_t n; p < bytes + size; p += 16 + n, records++) {
        n = check_frame(p, (size_t)(bytes + size - p));
        const char *event = p + 12;                     /* 09 wall_time; 10 step */
        LAC_CHECK(event[0] == 0x09 && event[9] == 0x10);
        if (records == 0)
            LAC_CHECK(memcmp(event + 10, "\0\x1a\x0d" "brain.Event:2", 16) == 0 && n == 26);
        if (records == 1)
            LAC_CHECK(memcmp(event + 10, "\xad\x02\x3a\x02\x08\x01", 6) == 0 && n == 16);           /* step 301; START */
        if (records == 2)                               /* summary { value { tag: "loss" simple_value: 1.5 } } */
            LAC_CHECK(memcmp(event + 10, "\xad\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\xc0\x3f", 17) == 0);
    }
    LAC_CHECK(records == 4);
    free(bytes);
    lac_image_free(&image);
}

LAC_TEST(traces_nest_kernels_in_modules)
{
    char path[600];
    lac_trace *t;
    at(path, "trace.json");
    LAC_CHECK_STATUS(lac_trace_open(&t, path));
    lac_trace_sink(t, "/g/conv1", "conv2d", false, 1.0, 0.5, 1000, 2000000000);
    lac_trace_sink(t, "/g/conv1", "gate", false, 1.5, 0.25, 0, 0);
    lac_trace_sink(t, "/g/conv10", "conv2d", false, 2.0, 0, 0, 0);
    lac_trace_sink(t, "/g/conv10", "conv2d", true, 3.0, 1, 0, 0);
    lac_trace_sink(t, "", "add", true, 4.0, 1, 0, 0);
    LAC_CHECK_STATUS(lac_trace_close(t));
    json_t *j = json_load_file(path, 0, NULL);
    const json_t *events = json_object_get(j, "traceEvents");
    const char *want = "Bg Bconv1 Xconv2d Xgate Econv1 Bconv10 Xconv2d Econv10 Eg Bg Bconv10 Xconv2d Econv10 Eg Xadd ";
    char got[400] = "";
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *e = json_array_get(events, i);
        strcat(got, json_string_value(json_object_get(e, "ph")));
        strcat(got, json_string_value(json_object_get(e, "name")));
        strcat(got, " ");
    }
    LAC_CHECK(strcmp(got, want) == 0);
    const json_t *conv = json_array_get(events, 2), *args = json_object_get(conv, "args");
    LAC_CHECK(json_real_value(json_object_get(conv, "ts")) == 1e6 && json_real_value(json_object_get(conv, "dur")) == 5e5);
    LAC_CHECK(json_integer_value(json_object_get(args, "flop")) == 2000000000 && json_real_value(json_object_get(args, "GFLOP/s")) == 4);
    LAC_CHECK(json_real_value(json_object_get(json_array_get(events, 4), "ts")) == 1.75e6);      /* a module ends with its last kernel */
    json_decref(j);
}

static bool says(double seconds, const char *text)
{
    char s[40];
    return lac_duration(s, sizeof s, seconds) == strlen(text) && strcmp(s, text) == 0;
}

LAC_TEST(progress_lines_say_what_is_left)
{
    char s[200];
    LAC_CHECK(says(0, "0 s") && says(59.4, "59 s") && says(59.6, "1 min 0 s") && says(200, "3 min 20 s") && says(11520, "3 h 12 min"));
    LAC_CHECK(says(187200, "2 d 4 h") && says(-1, "?") && says(NAN, "?") && says(INFINITY, "?"));
    const lac_progress p = { .step = 1200, .steps = 40000, .loss = 0.03125, .images_per_second = 8.44, .seconds_per_step = 0.297 };
    LAC_CHECK(lac_progress_line(s, sizeof s, &p) == strlen(s));
    LAC_CHECK(strcmp(s, "step 1200/40000   loss 0.03125   8.44 images/s   ETA 3 h 12 min") == 0);
    LAC_CHECK(lac_progress_line(s, 10, &p) == 9 && strcmp(s, "step 1200") == 0);
    const lac_progress last = { .step = 5, .steps = 5, .loss = 1, .images_per_second = 100, .seconds_per_step = 1, .wait = 0.31 };
    lac_progress_line(s, sizeof s, &last);
    LAC_CHECK(strcmp(s, "step 5/5   loss 1   100 images/s   waits 31 % for data") == 0);
    const lac_progress first = { .step = 1, .steps = 1, .loss = NAN, .images_per_second = 100, .seconds_per_step = 1 };        /* not looked at yet */
    lac_progress_line(s, sizeof s, &first);
    LAC_CHECK(strcmp(s, "step 1/1   100 images/s") == 0);
}
