#include "core/backend.h"

#include "core/memory.h"
#include "core/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- blank ---- */

enum { ALIGN = 2 << 20 };

static size_t whole(size_t size) { return (LAC_MAX(size, 1) + ALIGN - 1) / ALIGN * ALIGN; }

/* What lies before and behind the aligned part goes back. */
static lac_status reserve(void **p, size_t size)
{
    const size_t bytes = whole(size);
    char *all = mmap(NULL, bytes + ALIGN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return LAC_FAIL(LAC_ERR_MEM, "out of addresses: %zu bytes", bytes);
    const size_t before = (ALIGN - (uintptr_t)all % ALIGN) % ALIGN;
    if (before > 0)
        munmap(all, before);
    munmap(all + before + bytes, ALIGN - before);
    *p = all + before;
    return LAC_OK;
}

static void give_back(void *p, size_t size)
{
    if (p != NULL)
        munmap(p, whole(size));
}

static lac_status copy_nothing(void *to, const void *from, size_t size)
{
    (void)to, (void)from, (void)size;
    return LAC_OK;
}

static lac_status zero_nothing(void *to, size_t size)
{
    (void)to, (void)size;
    return LAC_OK;
}

static lac_status convert_nothing(lac_tensor *to, const lac_tensor *from)
{
    (void)to, (void)from;
    return LAC_OK;
}

lac_backend lac_backend_blank(const lac_backend *of)
{
    lac_backend b = *of;
    b.blank = true;
    b.alloc = reserve;
    b.free = give_back;
    b.copy = copy_nothing;
    b.fill_zero = zero_nothing;
    b.add = b.convert = convert_nothing;
    return b;
}

/* ---- those that there are ---- */

enum { MAX_BACKENDS = 4 };
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

static lac_status load(const lac_backend **b)
{
    void *entry;
    const lac_backend *(*table)(void);
    LAC_TRY(lac_module_symbol("cuda", "lac_backend_cuda", &entry));
    memcpy(&table, &entry, sizeof table);       /* ISO C has no conversion to a function's address; POSIX has */
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
        if (load(&cuda) != LAC_OK)
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
    if (*b == NULL && n_known == 0)
        return LAC_FAIL(LAC_ERR_STATE, "no backend is registered yet: call lac_backend_cpu_register (autograd/ops/backend_cpu.h) first");
    if (*b == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "unknown device '%s': cpu, cuda or auto", name);
    return LAC_OK;
}

lac_status lac_backend_write(const lac_backend *b, lac_tensor *x, const float *from)
{
    void *own;
    if (x->dtype == LAC_F32)
        return b->copy(x->data, from, lac_bytes(x));
    LAC_TRY(lac_malloc(&own, lac_bytes(x)));
    lac_from_f32(own, x->dtype, from, lac_numel(x));
    const lac_status s = b->copy(x->data, own, lac_bytes(x));
    free(own);
    return s;
}

lac_status lac_backend_read(const lac_backend *b, const lac_tensor *x, float *to)
{
    void *own;
    if (x->dtype == LAC_F32)
        return b->copy(to, x->data, lac_bytes(x));
    LAC_TRY(lac_malloc(&own, lac_bytes(x)));
    const lac_status s = b->copy(own, x->data, lac_bytes(x));
    if (s == LAC_OK)
        lac_to_f32(to, own, x->dtype, lac_numel(x));
    free(own);
    return s;
}
