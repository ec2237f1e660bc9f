#include "core/cuda/library.h"

#include "core/cuda/nccl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define CUBLASLT "libcublasLt.so." TEXT(CUBLAS_VER_MAJOR)
#define CUDNN "libcudnn.so." TEXT(CUDNN_MAJOR)

typedef struct lac_library { bool tried; void *handle; char reason[512]; } lac_library;

/* name in each folder of a list separated by colons. */
static void *open_in(const char *folders, const char *name)
{
    char path[4096];
    for (const char *at = folders; at != NULL && *at != '\0'; at += strcspn(at, ":"), at += *at == ':') {
        snprintf(path, sizeof path, "%.*s/%s", (int)strcspn(at, ":"), at, name);
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (handle != NULL)
            return handle;
    }
    return NULL;
}

static lac_status open_library(lac_library *l, const char *name)
{
    if (!l->tried) {
        l->tried = true;
        l->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        if (l->handle == NULL)
            snprintf(l->reason, sizeof l->reason, "%s", dlerror());
        if (l->handle == NULL)
            l->handle = open_in(getenv("LACUNA_CUDA_PATH"), name);
        if (l->handle == NULL)
            l->handle = open_in(LAC_CUDA_LIBRARIES, name);
    }
    return l->handle != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_LIBRARY, "device 'cuda': %s; name its folder in LD_LIBRARY_PATH or LACUNA_CUDA_PATH", l->reason);
}

/* ISO C has no conversion from an object pointer to a function's; POSIX says that this one works. */
static lac_status find_call(lac_library *l, const char *library, const char *name, void *to)
{
    void *p = dlsym(l->handle, name);
    if (p == NULL) {
        snprintf(l->reason, sizeof l->reason, "%s has no %s", library, name);
        l->handle = NULL;
        return LAC_FAIL(LAC_ERR_LIBRARY, "device 'cuda': %s", l->reason);
    }
    memcpy(to, &p, sizeof p);
    return LAC_OK;
}

/* In a function that has `library`, `name` and `found`. */
#define FIND(call) LAC_TRY(find_call(&library, name, #call, &found.call));

lac_status lac_cublaslt_open(const lac_cublaslt **calls)
{
    static const char name[] = CUBLASLT;
    static lac_library library;
    static lac_cublaslt found;
    const bool first = !library.tried;
    LAC_TRY(open_library(&library, name));
    if (first) {
        LAC_CUBLASLT_CALLS(FIND)
    }
    *calls = &found;
    return LAC_OK;
}

lac_status lac_cudnn_open(const lac_cudnn **calls)
{
    static const char name[] = CUDNN;
    static lac_library library;
    static lac_cudnn found;
    const bool first = !library.tried;
    if (getenv("LACUNA_CUDNN") != NULL && strcmp(getenv("LACUNA_CUDNN"), "off") == 0)
        return LAC_FAIL(LAC_ERR_LIBRARY, "device 'cuda': cuDNN is left alone (LACUNA_CUDNN=off)");
    LAC_TRY(open_library(&library, name));
    if (first) {
        LAC_CUDNN_CALLS(FIND)
    }
    *calls = &found;
    return LAC_OK;
}

lac_status lac_nccl_open(const lac_nccl **calls)
{
    static const char name[] = "libnccl.so.2";
    static lac_library library;
    static lac_nccl found;
    const bool first = !library.tried;
    LAC_TRY(open_library(&library, name));
    if (first) {
#define FIND_NCCL(result, call, parameters) FIND(call)
        LAC_NCCL_CALLS(FIND_NCCL)
    }
    *calls = &found;
    return LAC_OK;
}
