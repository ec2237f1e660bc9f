#include "data/picture_list.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_LIST = 1 << 30, MAX_LINE = 4096 };

static bool is_picture(const char *name, size_t n)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png" };
    for (size_t i = 0; i < LAC_COUNT(endings); i++) {
        const size_t k = strlen(endings[i]);
        if (n > k && strncasecmp(name + n - k, endings[i], k) == 0)
            return true;
    }
    return false;
}

/* Without what stands behind a picture's name: blanks, a number, a carriage return. */
static size_t path_length(const char *text, size_t n)
{
    while (n > 0 && (text[n - 1] == '\r' || text[n - 1] == ' '))
        n--;
    size_t path = n;
    while (path > 0 && text[path - 1] >= '0' && text[path - 1] <= '9')
        path--;
    const size_t number = path;
    while (path > 0 && (text[path - 1] == ' ' || text[path - 1] == '\t'))
        path--;
    return path < number && number < n && is_picture(text, path) ? path : n;
}

static lac_status add(lac_picture_list *l, const char *path, int64_t line)
{
    LAC_TRY(lac_grow((void **)&l->line, l->paths.n, &l->capacity, sizeof *l->line));
    LAC_TRY(lac_paths_add(&l->paths, "", path));
    l->line[l->paths.n - 1] = line;
    return LAC_OK;
}

static lac_status read_lines(lac_picture_list *l, const char *path, char *text, size_t size)
{
    int64_t line = 1;
    for (char *at = text; at < text + size; line++) {
        char *end = memchr(at, '\n', (size_t)(text + size - at));
        end = end != NULL ? end : text + size;
        const size_t n = path_length(at, (size_t)(end - at));
        if (n > MAX_LINE || memchr(at, '\0', n) != NULL)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s', line %" PRId64 ": not a path", path, line);
        at[n] = '\0';
        if (n > 0)
            LAC_TRY(add(l, at, line));
        at = end + 1;
    }
    return LAC_OK;
}

/* ---- a path that stands there twice ---- */

static int by_path(const void *a, const void *b, void *context)
{
    const lac_picture_list *l = context;
    const int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
    const int order = strcmp(l->paths.item[i], l->paths.item[k]);
    return order != 0 ? order : (i > k) - (i < k);
}

static lac_status find_twice(lac_picture_list *l)
{
    int64_t *order;
    LAC_TRY(lac_calloc((void **)&l->before, (size_t)l->paths.n, sizeof *l->before));
    LAC_TRY(lac_malloc((void **)&order, (size_t)l->paths.n * sizeof *order));
    for (int64_t i = 0; i < l->paths.n; i++)
        order[i] = i;
    qsort_r(order, (size_t)l->paths.n, sizeof *order, by_path, l);
    for (int64_t i = 1; i < l->paths.n; i++)
        if (strcmp(l->paths.item[order[i - 1]], l->paths.item[order[i]]) == 0)
            l->before[order[i]] = l->line[order[i - 1]];
    free(order);
    return LAC_OK;
}

lac_status lac_picture_list_read(lac_picture_list *l, const char *path)
{
    char *text;
    size_t size;
    *l = (lac_picture_list){ 0 };
    LAC_TRY(lac_file_read(path, MAX_LIST, &text, &size));
    const lac_status s = read_lines(l, path, text, size);
    free(text);
    return s == LAC_OK ? find_twice(l) : s;
}

void lac_picture_list_free(lac_picture_list *l)
{
    lac_paths_free(&l->paths);
    free(l->line);
    free(l->before);
    *l = (lac_picture_list){ 0 };
}
