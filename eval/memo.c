#include "eval/memo.h"

#include "core/memory.h"
#include "eval/feature_store.h"

#include <stdlib.h>
#include <string.h>

struct lac_memo {
    int64_t most, n, numbers, next;     /* a ring: the next one to go */
    lac_memo_key *key;
    float *value;
    lac_feature_store *store;           /* NULL: none */
};

lac_status lac_memo_new(lac_memo **m, int64_t most, int64_t n)
{
    lac_memo *fresh;
    *m = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    fresh->most = most;
    fresh->numbers = n;
    lac_status s = lac_calloc((void **)&fresh->key, (size_t)most, sizeof *fresh->key);
    if (s == LAC_OK)
        s = lac_calloc((void **)&fresh->value, (size_t)most, (size_t)n * sizeof(float));
    if (s == LAC_OK)
        *m = fresh;
    else
        lac_memo_free(fresh);
    return s;
}

void lac_memo_free(lac_memo *m)
{
    if (m == NULL)
        return;
    lac_feature_store_close(m->store);
    free(m->key);
    free(m->value);
    free(m);
}

void lac_memo_keep(lac_memo *m, lac_feature_store *store) { m->store = store; }

static int64_t find(const lac_memo_key *list, int64_t n, const lac_memo_key *key)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&list[i], key, sizeof *key) == 0)
            return i;
    return -1;
}

static void remember(lac_memo *m, const lac_memo_key *key, const float *value)
{
    m->key[m->next] = *key;
    memcpy(m->value + m->next * m->numbers, value, (size_t)m->numbers * sizeof *value);
    m->next = (m->next + 1) % m->most;
    m->n = LAC_MIN(m->n + 1, m->most);
}

/* Inputs that must be run, at[], and of each input where its numbers are: below m->most in the ring, behind that among those run. */
typedef struct sorted { int64_t n, *at, *from; lac_memo_key *fresh; float *value; } sorted;

static lac_status sort(const lac_memo *m, const lac_memo_key *key, int64_t n, sorted *s)
{
    LAC_TRY(lac_calloc((void **)&s->at, (size_t)n, sizeof *s->at));
    LAC_TRY(lac_calloc((void **)&s->from, (size_t)n, sizeof *s->from));
    LAC_TRY(lac_calloc((void **)&s->fresh, (size_t)n, sizeof *s->fresh));
    for (int64_t i = 0; i < n; i++) {
        int64_t k = find(m->key, m->n, &key[i]);
        if (k < 0) {
            k = find(s->fresh, s->n, &key[i]);
            if (k < 0) {
                k = s->n;
                s->at[s->n] = i;
                s->fresh[s->n++] = key[i];
            }
            k += m->most;
        }
        s->from[i] = k;
    }
    return lac_calloc((void **)&s->value, (size_t)s->n, (size_t)m->numbers * sizeof(float));
}

/* Fresh inputs left[0 .. n) are run, and kept. */
static lac_status run_left(lac_memo *m, lac_memo_run *run, void *context, sorted *s, int64_t n, const int64_t *left, int64_t *at, float *made)
{
    for (int64_t i = 0; i < n; i++)
        at[i] = s->at[left[i]];
    LAC_TRY(run(context, at, n, made));
    for (int64_t i = 0; i < n; i++) {
        memcpy(s->value + left[i] * m->numbers, made + i * m->numbers, (size_t)m->numbers * sizeof *made);
        if (m->store != NULL)
            LAC_TRY(lac_feature_store_put(m->store, &s->fresh[left[i]], made + i * m->numbers));
    }
    return LAC_OK;
}

/* All that is fresh: out of the store what is there. */
static lac_status make(lac_memo *m, lac_memo_run *run, void *context, sorted *s)
{
    int64_t *left, n = 0;
    float *made = NULL;
    LAC_TRY(lac_calloc((void **)&left, (size_t)s->n, 2 * sizeof *left));
    for (int64_t i = 0; i < s->n; i++)
        if (m->store == NULL || !lac_feature_store_get(m->store, &s->fresh[i], s->value + i * m->numbers))
            left[n++] = i;
    lac_status status = lac_calloc((void **)&made, (size_t)n, (size_t)m->numbers * sizeof *made);
    if (status == LAC_OK && n > 0)
        status = run_left(m, run, context, s, n, left, left + s->n, made);
    free(made);
    free(left);
    return status;
}

static lac_status find_values(lac_memo *m, const lac_memo_key *key, int64_t n, lac_memo_run *run, void *context, sorted *s, float *value)
{
    LAC_TRY(sort(m, key, n, s));
    if (s->n > 0)
        LAC_TRY(make(m, run, context, s));
    for (int64_t i = 0; i < n; i++) {
        const float *from = s->from[i] < m->most ? m->value + s->from[i] * m->numbers : s->value + (s->from[i] - m->most) * m->numbers;
        memcpy(value + i * m->numbers, from, (size_t)m->numbers * sizeof *value);
    }
    for (int64_t i = 0; i < s->n; i++)
        remember(m, &s->fresh[i], s->value + i * m->numbers);
    return LAC_OK;
}

lac_status lac_memo_values(lac_memo *m, const lac_memo_key *key, int64_t n, lac_memo_run *run, void *context, float *value)
{
    sorted s = { .n = 0 };
    const lac_status status = find_values(m, key, n, run, context, &s, value);
    free(s.at);
    free(s.from);
    free(s.fresh);
    free(s.value);
    return status;
}
