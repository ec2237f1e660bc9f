#include "core/backend.h"

#include <string.h>

enum { MAX_BACKENDS = 4 };
static const lac_backend *known[MAX_BACKENDS];
static int n_known;

/* What a table of another build would disagree about. */
uint64_t lac_backend_abi(void)
{
    const uint64_t facts[] = { sizeof(lac_backend), sizeof(lac_tensor), LAC_MAX_DIMS, LAC_N_DTYPES };
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < LAC_COUNT(facts); i++)
        h = (h ^ facts[i]) * 1099511628211u;
    return h;
}

static const lac_backend *find(const char *name)
{
    for (int i = 0; i < n_known; i++)
        if (strcmp(known[i]->name, name) == 0)
            return known[i];
    return NULL;
}

lac_status lac_backend_register(const lac_backend *b)
{
    if (find(b->name) != NULL)
        return LAC_OK;
    if (b->abi != lac_backend_abi())
        return LAC_FAIL(LAC_ERR_STATE, "the %s backend is of another build (interface %016llx, this program has %016llx)", b->name,
                        (unsigned long long)b->abi, (unsigned long long)lac_backend_abi());
    if (n_known == MAX_BACKENDS)
        return LAC_FAIL(LAC_ERR_STATE, "no room for the %s backend: %d are registered", b->name, MAX_BACKENDS);
    known[n_known++] = b;
    return LAC_OK;
}

lac_status lac_backend_get(const lac_backend **b, const char *name)
{
    *b = strcmp(name, "auto") == 0 && find("cuda") != NULL ? find("cuda") : find(strcmp(name, "auto") == 0 ? "cpu" : name);
    if (*b == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "device '%s' is not there: this program has %s", name, find("cuda") ? "cpu and cuda" : "cpu alone");
    return LAC_OK;
}
