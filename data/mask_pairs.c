#include "data/mask_pairs.h"

#include <stdio.h>
#include <string.h>

static const char word[] = "_mask";

/* Where the last "_mask" of the last name begins; NULL: there is none. */
static const char *mark_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *from = slash != NULL ? slash + 1 : path, *mark = NULL;
    for (const char *at = from; (at = strstr(at, word)) != NULL; at++)
        mark = at;
    return mark != from ? mark : NULL;
}

bool lac_is_mask(const char *path) { return mark_of(path) != NULL; }

/* The first path that is not before `text`. */
static int64_t place_of(const lac_paths *found, const char *text)
{
    int64_t from = 0, to = found->n;
    while (from < to) {
        const int64_t middle = (from + to) / 2;
        if (strcmp(found->item[middle], text) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

int64_t lac_mask_picture(const lac_paths *found, int64_t i)
{
    char text[4096];
    const char *path = found->item[i];
    const int n = snprintf(text, sizeof text, "%.*s.", (int)(mark_of(path) - path), path);
    for (int64_t k = n < (int)sizeof text ? place_of(found, text) : found->n; k < found->n && strncmp(found->item[k], text, (size_t)n) == 0; k++)
        if (strchr(found->item[k] + n, '.') == NULL && strchr(found->item[k] + n, '/') == NULL)
            return k;
    return -1;
}

bool lac_picture_has_mask(const lac_paths *found, int64_t i)
{
    char text[4096];
    const char *path = found->item[i], *dot = strrchr(path, '.');
    const int n = snprintf(text, sizeof text, "%.*s%s", (int)(dot - path), path, word);
    for (int64_t k = n < (int)sizeof text ? place_of(found, text) : found->n; k < found->n && strncmp(found->item[k], text, (size_t)n) == 0; k++)
        if (mark_of(found->item[k]) == found->item[k] + n - strlen(word))
            return true;
    return false;
}
