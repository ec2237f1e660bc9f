#include "cli/locate.h"

#include "core/memory.h"
#include "core/resource.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_png(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".png") == 0;
}

static lac_status own_mask(const char *name, char **path)
{
    char *file;
    LAC_TRY(lac_format(&file, "data/masks/%s%s", name, is_png(name) ? "" : ".png"));
    const lac_status s = lac_resource(path, file);
    free(file);
    return s;
}

lac_status lac_locate(void *context, const char *name, char **path)
{
    const char *sets = getenv("LACUNA_SETS");
    const char *const folder[] = { sets != NULL && sets[0] != '\0' ? sets : "sets", "sets" };
    (void)context;
    if (access(name, F_OK) == 0)
        return lac_strdup(path, name);
    for (int i = 0; i < 2; i++) {
        LAC_TRY(lac_format(path, "%s/%s.h5", folder[i], name));
        if (access(*path, F_OK) == 0)
            return LAC_OK;
        free(*path);
    }
    return own_mask(name, path) == LAC_OK ? LAC_OK
         : LAC_FAIL(LAC_ERR_IO, "there is no set or mask file '%s': neither a file of that name, nor '%s/%s.h5', nor data/masks/%s%s "
                    "among the program's files", name, folder[0], name, name, is_png(name) ? "" : ".png");
}
