#include "cli/resources.h"

#include "core/memory.h"

#include <lac_resources.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that only our own trees have: other folders have a "scripts" too. */
static const char mark[] = "data/stamps/manifest.tsv";

static lac_status program_folder(char folder[PATH_MAX])
{
    const ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (n <= 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot find out where this program lies (/proc/self/exe)");
    folder[n] = '\0';
    *strrchr(folder, '/') = '\0';
    return LAC_OK;
}

/* *path is NULL when there is no such thing. */
static lac_status find_below(char **path, const char *folder, const char *way, const char *name)
{
    char *joined;
    LAC_TRY(lac_format(&joined, "%s/%s/%s", folder, way, name));
    *path = realpath(joined, NULL);
    free(joined);
    return LAC_OK;
}

lac_status lac_resource(char **path, const char *name)
{
    static const char *const ways[] = { LAC_WAY_FROM_BUILD, LAC_WAY_FROM_BIN };
    char folder[PATH_MAX];
    *path = NULL;
    LAC_TRY(program_folder(folder));
    for (size_t i = 0; i < LAC_COUNT(ways) && *path == NULL; i++) {
        char *marked = NULL;
        LAC_TRY(find_below(&marked, folder, ways[i], mark));
        const bool ours = marked != NULL;
        free(marked);
        if (ours)
            LAC_TRY(find_below(path, folder, ways[i], name));
    }
    if (*path == NULL)
        return LAC_FAIL(LAC_ERR_IO, "'%s' is in neither '%s/%s' nor '%s/%s': the installation is not complete", name, folder, ways[0], folder, ways[1]);
    return LAC_OK;
}
