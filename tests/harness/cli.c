#include "tests/harness/cli.h"

#include "autograd/ops/backend_cpu.h"
#include "cli/locate.h"
#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "data/mask_file.h"
#include "data/pack_folder.h"
#include "tests/harness/pictures.h"
#include "tests/harness/sampler.h"
#include "train/run.h"

#include <fcntl.h>
#include <stdlib.h>

enum { LAC_CLI_WORDS = 32 };

static int divert(FILE *stream, int fd)
{
    const int old = dup(fd), aside = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    fflush(stream);
    dup2(aside, fd);
    close(aside);
    return old;
}

static void restore(FILE *stream, int fd, int old, char text[LAC_CLI_TEXT])
{
    fflush(stream);
    const ssize_t n = pread(fd, text, LAC_CLI_TEXT - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    dup2(old, fd);
    close(old);
}

int lac_cli(int command(int argc, char **argv), lac_cli_said *said, const char *const *words)
{
    char *argv[LAC_CLI_WORDS];
    int argc = 0;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    for (; words[argc] != NULL && argc + 1 < LAC_CLI_WORDS; argc++)
        argv[argc] = (char *)words[argc];
    argv[argc] = NULL;
    const int out = divert(stdout, STDOUT_FILENO), err = divert(stderr, STDERR_FILENO);
    const int status = command(argc, argv);
    restore(stdout, STDOUT_FILENO, out, said->out);
    restore(stderr, STDERR_FILENO, err, said->err);
    return status;
}

bool lac_cli_complains(const lac_cli_said *said, const char *text)
{
    const char *end = strchr(said->err, '\n');
    return end != NULL && end[1] == '\0' && strstr(said->err, text) != NULL;
}

char *lac_cli_path(const char *folder, const char *name)
{
    static char path[64][256];
    static int turn;
    char text[256], *p = path[turn++ & 63];
    snprintf(text, sizeof text, "%s/%s", folder, name);     /* folder may itself lie in `path` */
    return strcpy(p, text);
}

void lac_cli_copy(const char *from, const char *to, double share)
{
    char *bytes;
    size_t n;
    LAC_CHECK_STATUS(lac_file_read(from, 1 << 24, &bytes, &n));
    LAC_CHECK_STATUS(lac_file_write(to, bytes, (size_t)((double)n * share)));
    free(bytes);
}

bool lac_cli_same_file(const char *a, const char *b)
{
    char *x, *y;
    size_t n, m;
    LAC_CHECK_STATUS(lac_file_read(a, 64 << 20, &x, &n));
    LAC_CHECK_STATUS(lac_file_read(b, 64 << 20, &y, &m));
    const bool same = n == m && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return same;
}

void lac_cli_has(const char *path, const char *key, int ndim, const int64_t *dim)
{
    lac_weights *w;
    LAC_CHECK_STATUS(lac_weights_open(&w, path));
    const int64_t at = lac_weights_find(w, key);
    LAC_CHECK(at >= 0);
    const lac_shape s = lac_weights_shape(w, at);
    LAC_CHECK(s.ndim == ndim && memcmp(s.dim, dim, (size_t)ndim * sizeof *dim) == 0);
    lac_weights_close(w);
}

float *lac_cli_values(const char *path, const char *key)
{
    lac_weights *w;
    float *x;
    LAC_CHECK_STATUS(lac_weights_open(&w, path));
    const int64_t at = lac_weights_find(w, key);
    LAC_CHECK(at >= 0);
    const lac_shape s = lac_weights_shape(w, at);
    LAC_CHECK_STATUS(lac_malloc((void **)&x, (size_t)lac_shape_numel(&s) * sizeof *x));
    LAC_CHECK_STATUS(lac_weights_read_f32(w, at, x));
    lac_weights_close(w);
    return x;
}

char *lac_cli_strip(const char *from, const char *folder, const char *name, const char *const *change)
{
    lac_weights *w;
    lac_weights_writer *to;
    float *data[256];
    char *path = lac_cli_path(folder, name);
    LAC_CHECK_STATUS(lac_weights_open(&w, from));
    LAC_CHECK_STATUS(lac_weights_writer_new(&to));
    const int64_t n = lac_weights_count(w);
    for (int64_t i = 0; i < n; i++) {
        lac_shape s = lac_weights_shape(w, i);
        bool drop = false;
        data[i] = lac_cli_values(from, lac_weights_name(w, i));
        for (const char *const *c = change; c != NULL && *c != NULL; c++) {
            drop |= strncmp(*c, "drop ", 5) == 0 && strcmp(*c + 5, lac_weights_name(w, i)) == 0;
            if (strncmp(*c, "flatten ", 8) == 0 && strcmp(*c + 8, lac_weights_name(w, i)) == 0)
                s = (lac_shape){ 1, { lac_shape_numel(&s) } };
        }
        if (!drop)
            LAC_CHECK_STATUS(lac_weights_writer_add(to, lac_weights_name(w, i), LAC_F32, s.ndim, s.dim, data[i]));
    }
    for (const char *const *c = change; c != NULL && *c != NULL; c++)
        if (strncmp(*c, "add ", 4) == 0)
            LAC_CHECK_STATUS(lac_weights_writer_add(to, *c + 4, LAC_F32, 1, (int64_t[]){ 1 }, data[0]));
    LAC_CHECK_STATUS(lac_weights_writer_finish(to, path));
    lac_weights_writer_free(to);
    lac_weights_close(w);
    for (int64_t i = 0; i < n; i++)
        free(data[i]);
    return path;
}

void lac_cli_same_tensors(const char *a, const char *b)
{
    lac_weights *w, *v;
    LAC_CHECK_STATUS(lac_weights_open(&w, a));
    LAC_CHECK_STATUS(lac_weights_open(&v, b));
    LAC_CHECK(lac_weights_count(w) == lac_weights_count(v));
    for (int64_t i = 0; i < lac_weights_count(w); i++) {
        const char *name = lac_weights_name(w, i);
        const lac_shape s = lac_weights_shape(w, i);
        lac_cli_has(b, name, s.ndim, s.dim);
        float *x = lac_cli_values(a, name), *y = lac_cli_values(b, name);
        LAC_CHECK(memcmp(x, y, (size_t)lac_shape_numel(&s) * sizeof *x) == 0);
        free(x);
        free(y);
    }
    lac_weights_close(w);
    lac_weights_close(v);
}

char *lac_cli_network(const char *network, const char *folder, const char *name, const char *given, bool bgr, uint64_t seed)
{
    const lac_network_def *def;
    const lac_backend *b;
    lac_network n;
    json_t *g = json_loads(given, 0, NULL);
    char *path = lac_cli_path(folder, name);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_network_find(&def, network));
    LAC_CHECK_STATUS(lac_network_open(&n, def, g, b, LAC_F32));
    LAC_CHECK_STATUS(lac_params_init(n.params, seed));
    n.bgr = bgr;
    LAC_CHECK_STATUS(lac_network_save(path, &n, LAC_F32));
    lac_network_close(&n);
    json_decref(g);
    return path;
}

char *lac_cli_model(const char *folder, const char *name, const char *given, bool bgr, uint64_t seed)
{
    return lac_cli_network("deepfill", folder, name, given, bgr, seed);
}

char *lac_cli_sampler(const char *folder, const char *name, uint64_t seed)
{
    LAC_CHECK_STATUS(lac_test_sampler_register());
    return lac_cli_network("sampler", folder, name, "{}", false, seed);
}

char *lac_cli_mask(const char *folder, const char *name, int64_t height, int64_t width, int64_t top, int64_t left, int64_t h, int64_t w)
{
    lac_image m = { 0 };
    char *path = lac_cli_path(folder, name);
    LAC_CHECK_STATUS(lac_image_new(&m, height, width, 1));
    for (int64_t y = top; y < top + h; y++)
        memset(m.pixels + y * width + left, 255, (size_t)w);
    LAC_CHECK_STATUS(lac_image_save_png(&m, path));
    lac_image_free(&m);
    return path;
}

char *lac_cli_picture(const char *folder, const char *name, int64_t height, int64_t width, uint64_t seed)
{
    char *path = lac_cli_path(folder, name);
    LAC_CHECK_STATUS(lac_test_picture_file(path, height, width, seed));
    return path;
}

enum { N_TRAIN = 3, N_VAL = 5, N_MASKS = 3, SIDE = 32 };

void lac_cli_set(const char *folder)
{
    char name[32];
    uint8_t masks[N_MASKS * SIDE * SIDE] = { 0 };
    lac_pack_counts packed;
    const char *pictures = lac_cli_path(folder, "pictures");
    const lac_pack_options options = { .title = "toys", .strict = true, .own = &(lac_pack_folder_own){ .split_by_place = true } };
    LAC_CHECK_STATUS(lac_make_folders(lac_cli_path(pictures, "train")));
    LAC_CHECK_STATUS(lac_make_folders(lac_cli_path(pictures, "val")));
    for (int i = 0; i < N_TRAIN + N_VAL; i++) {
        snprintf(name, sizeof name, "%s/%d.%s", i < N_TRAIN ? "train" : "val", i, i % 2 ? "png" : "jpg");
        lac_cli_picture(pictures, name, 40 + 3 * i, 50 + i, (uint64_t)i);
    }
    for (int k = 0; k < N_MASKS; k++)
        for (int i = 0; i < SIDE * SIDE; i++)
            masks[k * SIDE * SIDE + i] = i / SIDE >= 4 + 3 * k && i / SIDE < 18 + 3 * k && i % SIDE > 8 && i % SIDE < 20 + k;
    LAC_CHECK_STATUS(lac_mask_file_save(lac_cli_path(folder, "masks.png"), masks, N_MASKS, SIDE));
    LAC_CHECK_STATUS(lac_pack_run(&lac_format_folder, &pictures, 1, lac_cli_path(folder, "set.h5"), &options, &packed));
    LAC_CHECK(packed.pictures == N_TRAIN + N_VAL && packed.skipped == 0);
}

char *lac_cli_run_config(const char *folder)
{
    char *text;
    LAC_CHECK_STATUS(lac_format(&text,
        "{\"name\": \"tiny\", \"runs\": \"%s/runs\", \"recipe\": \"deepfill\", \"steps\": 1, \"precision\": \"f32\", \"batch\": {\"global\": 2},"
        " \"data\": {\"train\": {\"set\": \"%s/set.h5\", \"size\": 32},"
        "            \"eval\": {\"set\": \"%s/set.h5\", \"split\": \"val\", \"size\": 32, \"mask\": \"file:%s/masks.png\"}},"
        " \"model\": {\"generator\": {\"cnum\": 4}, \"discriminator\": {\"width\": 4}},"
        " \"optim\": {\"generator\": {\"lr\": 0.01, \"ema\": 0.5}}, \"log\": {\"tensorboard\": false}}", folder, folder, folder, folder));
    return text;
}

static void say(void *context, const char *line) { (void)context, (void)line; }
static void progress(void *context, const lac_progress *p) { (void)context, (void)p; }
static bool stop(void *context) { return context != NULL; }
static lac_status begun(void *context, const char *folder, const lac_stages *stages) { return (void)context, (void)folder, (void)stages, LAC_OK; }

char *lac_cli_run(const char *folder)
{
    const lac_run_hooks hooks = { .say = say, .progress = progress, .stop = stop, .locate = lac_locate, .begun = begun, .code = "test" };
    char *text = lac_cli_run_config(folder), *path = lac_cli_path(folder, "runs/tiny");
    json_t *given = json_loads(text, 0, NULL);
    lac_stages stages;
    lac_comm *comm;
    lac_cli_set(folder);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, given, NULL, NULL));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    LAC_CHECK_STATUS(lac_run(&stages, path, comm, &hooks));
    lac_comm_free(comm);
    lac_stages_free(&stages);
    json_decref(given);
    free(text);
    return path;
}
