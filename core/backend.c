#include "core/backend.h"

#include "core/memory.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BACKENDS = 4, PATH = 4096 };
static const lac_backend *known[MAX_BACKENDS];
static int n_known;

static const lac_backend *find(const char *name)
{
    for (int i = 0; i < n_known; i++)
        if (strcmp(known[i]->name, name) == 0)
            return known[i];
    return NULL;
}

lac_status lac_backend_register(const lac_backend *b)
{
    if (n_known > 0 && b->abi != known[0]->abi)
        return LAC_FAIL(LAC_ERR_STATE, "the %s backend is of another build (interface %016llx, this program has %016llx)", b->name,
                        (unsigned long long)b->abi, (unsigned long long)known[0]->abi);
    if (find(b->name) != NULL)
        return LAC_OK;
    if (n_known == MAX_BACKENDS)
        return LAC_FAIL(LAC_ERR_STATE, "no room for the %s backend: %d are registered", b->name, MAX_BACKENDS);
    known[n_known++] = b;
    return LAC_OK;
}

/* Where liblacuna-cuda.so may lie, from the folder of the executable: in a build, beside a bundle, after an installation. */
static bool find_object(char path[PATH])
{
    static const char *const ways[] = { "", "lib/lacuna/", "../lib/lacuna/" };
    char folder[PATH - 64];
    const ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (n <= 0)
        return false;
    folder[n] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < LAC_COUNT(ways); i++) {
        snprintf(path, PATH, "%s/%sliblacuna-cuda.so", folder, ways[i]);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static lac_status open_object(const lac_backend **b)
{
    char path[PATH];
    if (!find_object(path))
        return LAC_FAIL(LAC_ERR_ARG, "this build has no liblacuna-cuda.so");
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "%s", dlerror());
    const lac_backend *(*table)(void) = (const lac_backend *(*)(void))dlsym(object, "lac_backend_cuda");
    if (table == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "'%s' has no lac_backend_cuda", path);
    LAC_TRY(lac_backend_register(table()));
    *b = table();
    return LAC_OK;
}

/* Loaded once; a failure stays, with its reason. */
const lac_backend *lac_backend_load(void)
{
    static bool tried;
    static const lac_backend *cuda;
    static char reason[512];
    if (!tried) {
        tried = true;
        if (open_object(&cuda) != LAC_OK)
            snprintf(reason, sizeof reason, "%s", lac_error_message());
    }
    if (cuda == NULL)
        (void)LAC_FAIL(LAC_ERR_ARG, "%s", reason);
    return cuda;
}

static lac_status get_cuda(const lac_backend **b)
{
    const lac_backend *cuda = find("cuda") != NULL ? find("cuda") : lac_backend_load();
    if (cuda == NULL)
        return lac_context(LAC_ERR_ARG, "device 'cuda' is not there");
    if (cuda->start != NULL)
        LAC_TRY(cuda->start());
    *b = cuda;
    return LAC_OK;
}

lac_status lac_backend_get(const lac_backend **b, const char *name)
{
    const bool any = strcmp(name, "auto") == 0;
    *b = NULL;
    if (any || strcmp(name, "cuda") == 0) {
        const lac_status s = get_cuda(b);
        if (s == LAC_OK || !any)
            return s;
        lac_error_clear();
    }
    *b = find(any ? "cpu" : name);
    if (*b == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "device '%s' is not there: this program has cpu and cuda", name);
    return LAC_OK;
}
