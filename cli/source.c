#include "cli/source.h"

#include "cli/lua_host.h"
#include "core/memory.h"
#include "core/resource.h"

#include <stdlib.h>

lac_status lac_source_of(const char *name, char **how)
{
    char *path;
    lac_experiment e;
    *how = NULL;
    LAC_TRY(lac_resource(&path, "configs-lua/sources.lua"));
    lac_status s = lac_experiment_open(&e, path);
    free(path);
    LAC_TRY(s);
    const char *said = json_string_value(json_object_get(e.config, name));
    if (said != NULL)
        s = lac_strdup(how, said);
    lac_experiment_free(&e);
    return s;
}
