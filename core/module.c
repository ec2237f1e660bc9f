#include "core/module.h"

#include "core/memory.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

lac_status lac_program_folder(char **folder)
{
    char path[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot find out where this program lies (/proc/self/exe)");
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return lac_strdup(folder, path);
}

/* *path is NULL when it is in neither place. */
static lac_status find(const char *module, const char *folder, char **path)
{
    static const char *const ways[] = { ".", "../lib/lacuna" };
    for (size_t i = 0; i < LAC_COUNT(ways); i++) {
        LAC_TRY(lac_format(path, "%s/%s/liblacuna-%s.so", folder, ways[i], module));
        if (access(*path, R_OK) == 0)
            return LAC_OK;
        free(*path);
    }
    *path = NULL;
    return LAC_OK;
}

static lac_status load(const char *module, const char *symbol, const char *folder, void **entry)
{
    char *path;
    LAC_TRY(find(module, folder, &path));
    if (path == NULL)
        return LAC_FAIL(LAC_ERR_LIBRARY, "this build has no liblacuna-%s.so in '%s' or '%s/../lib/lacuna'", module, folder, folder);
    /* global: MPI's own plug-ins look for its symbols there */
    void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    *entry = handle != NULL ? dlsym(handle, symbol) : NULL;
    free(path);
    return *entry != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_LIBRARY, "liblacuna-%s.so does not load: %s", module, dlerror());
}

lac_status lac_module_symbol(const char *module, const char *symbol, void **entry)
{
    char *folder;
    LAC_TRY(lac_program_folder(&folder));
    const lac_status s = load(module, symbol, folder, entry);
    free(folder);
    return s;
}
