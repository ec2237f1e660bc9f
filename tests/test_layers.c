/* Includes follow the layers of docs/architecture.md: core <- autograd <- models <- {train, eval} <- cli, core <- data <- {train, eval}. */
#include "core/file/atomic.h"
#include "tests/harness/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static const struct { const char *layer, *may; } layers[] = {
    { "core", " core " },
    { "autograd", " core autograd " },
    { "models", " core autograd models " },
    { "data", " core data " },
    { "train", " core autograd models data train " },
    { "eval", " core autograd models data eval " },
    { "cli", " core autograd models data train eval cli " },
};
static int n_files, n_wrong;

/* "core/tensor.h" begins in layer "core"; -1 for what is in none. */
static int layer_of(const char *path)
{
    const size_t n = strcspn(path, "/");
    for (int i = 0; i < (int)LAC_COUNT(layers); i++)
        if (strlen(layers[i].layer) == n && strncmp(layers[i].layer, path, n) == 0)
            return i;
    return -1;
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), k = strlen(ending);
    return n >= k && strcmp(path + n - k, ending) == 0;
}

/* An op's ref.c and test.c are tests, and may include anything. */
static bool is_ours(const char *path)
{
    return (ends_in(path, ".c") || ends_in(path, ".h") || ends_in(path, ".def") || ends_in(path, ".cu")) && !ends_in(path, "/test.c") &&
           !ends_in(path, "/ref.c");
}

static void look_at(const char *file, int layer, const char *include)
{
    char to[32];
    const int at = layer_of(include);
    snprintf(to, sizeof to, " %.20s ", at >= 0 ? layers[at].layer : "?");
    if (at >= 0 && strstr(layers[layer].may, to) != NULL)
        return;
    print_error("%s includes \"%.*s\", which %s\n", file, (int)strcspn(include, "\""), include,
                at >= 0 ? "goes against the layers" : "is not named from the root of a layer");
    n_wrong++;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *w)
{
    char *text;
    size_t size;
    const char *file = path + strlen(LAC_SOURCE_DIR) + 1;
    (void)st, (void)w;
    if (type != FTW_F || !is_ours(path))
        return 0;
    if (lac_file_read(path, 1 << 24, &text, &size) != LAC_OK)
        return 1;
    n_files++;
    for (const char *at = text; (at = strstr(at, "#include \"")) != NULL; at++)
        if (at == text || at[-1] == '\n')
            look_at(file, layer_of(file), at + strlen("#include \""));
    free(text);
    return 0;
}

LAC_TEST(includes_follow_the_layers)
{
    char root[512];
    for (size_t i = 0; i < LAC_COUNT(layers); i++) {
        snprintf(root, sizeof root, "%s/%s", LAC_SOURCE_DIR, layers[i].layer);
        LAC_CHECK(nftw(root, visit, 16, FTW_PHYS) == 0);
    }
    LAC_CHECK(n_files > 100);
    LAC_CHECK(n_wrong == 0);
}
