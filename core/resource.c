#include "core/resource.h"

#include "core/memory.h"
#include "core/module.h"

#include <lac_resources.h>
#include <stdlib.h>

/* A file that only our own trees have: other folders have a "scripts" too. */
static const char mark[] = "data/stamps/manifest.tsv";

/* *path is NULL when there is no such thing. */
static lac_status find_below(char **path, const char *folder, const char *way, const char *name)
{
    char *joined;
    LAC_TRY(lac_format(&joined, "%s/%s/%s", folder, way, name));
    *path = realpath(joined, NULL);
    free(joined);
    return LAC_OK;
}

static lac_status find(char **path, const char *folder, const char *name)
{
    static const char *const ways[] = { LAC_WAY_FROM_BUILD, LAC_WAY_FROM_BIN };
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

lac_status lac_resource(char **path, const char *name)
{
    char *folder;
    *path = NULL;
    LAC_TRY(lac_program_folder(&folder));
    const lac_status s = find(path, folder, name);
    free(folder);
    return s;
}
