#include "tests/harness/cli.h"

#include "autograd/ops/backend_cpu.h"
#include "core/file/atomic.h"
#include "tests/harness/pictures.h"

#include <fcntl.h>

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

char *lac_cli_model(const char *folder, const char *name, const char *given, bool bgr, uint64_t seed)
{
    const lac_backend *b;
    lac_inpainter ip;
    json_t *g = json_loads(given, 0, NULL), *config;
    char *path = lac_cli_path(folder, name);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_config_resolve(&config, lac_inpainter_deepfill.keys, g, NULL, NULL));
    LAC_CHECK_STATUS(lac_inpainter_open(&ip, &lac_inpainter_deepfill, config, b, LAC_F32));
    LAC_CHECK_STATUS(lac_params_init(ip.params, seed));
    LAC_CHECK_STATUS(lac_model_save(path, ip.params, "deepfill", config, bgr, LAC_F32));
    lac_inpainter_close(&ip);
    json_decref(g);
    json_decref(config);
    return path;
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
