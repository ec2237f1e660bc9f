#include "core/text/merges.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void lac_merges_free(lac_merges *m)
{
    free(m->at);
    *m = (lac_merges){ 0 };
}

static int by_pair(const void *a, const void *b)
{
    const lac_merge *x = a, *y = b;
    const int order = (x->left > y->left) - (x->left < y->left);
    return order != 0 ? order : (x->right > y->right) - (x->right < y->right);
}

static lac_status add(lac_merges *m, const lac_vocabulary *v, char *line, size_t length)
{
    char *blank = memchr(line, ' ', length);
    const size_t left = blank != NULL ? (size_t)(blank - line) : 0, right = length - left - (blank != NULL);
    if (left == 0 || right == 0 || memchr(blank + 1, ' ', right) != NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%.64s' is not two tokens with one blank between", line);
    lac_merge merge = { .rank = (int32_t)m->n };
    merge.left = lac_vocabulary_find(v, line, left);
    merge.right = lac_vocabulary_find(v, blank + 1, right);
    if (merge.left < 0 || merge.right < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%.64s' is of a token that the vocabulary does not have", line);
    memmove(blank, blank + 1, right);
    merge.id = lac_vocabulary_find(v, line, left + right);
    if (merge.id < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "it makes '%.*s', which the vocabulary does not have", (int)LAC_MIN(left + right, 64), line);
    LAC_TRY(lac_grow((void **)&m->at, m->n, &m->capacity, sizeof *m->at));
    m->at[m->n++] = merge;
    return LAC_OK;
}

static lac_status finish(lac_merges *m)
{
    if (m->n == 0)
        return LAC_OK;
    qsort(m->at, (size_t)m->n, sizeof *m->at, by_pair);
    for (int64_t i = 1; i < m->n; i++)
        if (by_pair(&m->at[i - 1], &m->at[i]) == 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "lines %d and %d merge the same pair", m->at[i - 1].rank + 2, m->at[i].rank + 2);
    return LAC_OK;
}

static lac_status parse(lac_merges *m, const lac_vocabulary *v, char *text, size_t size)
{
    size_t length;
    char *rest = text, *line = lac_text_line(&rest, text + size, &length);
    if (line == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "the file is empty: no header");
    for (int64_t number = 2, blank = 0; (line = lac_text_line(&rest, text + size, &length)) != NULL; number++) {
        if (length > 0 && blank > 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "line %lld is empty", (long long)blank);
        if (length == 0)                /* the file may end with empty lines */
            blank = blank > 0 ? blank : number;
        else
            LAC_TRY(lac_context(add(m, v, line, length), "line %lld", (long long)number));
    }
    return finish(m);
}

lac_status lac_merges_read(lac_merges *m, const lac_text_files *f, const char *name, const lac_vocabulary *v)
{
    char *text;
    size_t size;
    LAC_TRY(lac_text_files_copy(f, name, &text, &size));
    const lac_status s = parse(m, v, text, size);
    free(text);
    return lac_context(s, "'%s/%s'", f->where, name);
}

static const lac_merge *find(const lac_merges *m, int32_t left, int32_t right)
{
    const lac_merge key = { .left = left, .right = right };
    return m->n > 0 ? bsearch(&key, m->at, (size_t)m->n, sizeof key, by_pair) : NULL;
}

static bool before(const lac_candidate *a, const lac_candidate *b) { return a->rank < b->rank || (a->rank == b->rank && a->at < b->at); }

static lac_status push(lac_merge_work *w, lac_candidate c)
{
    LAC_TRY(lac_grow((void **)&w->heap, w->n_heap, &w->heap_capacity, sizeof *w->heap));
    int64_t i = w->n_heap++;
    for (; i > 0 && before(&c, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = c;
    return LAC_OK;
}

static lac_candidate pop(lac_merge_work *w)
{
    const lac_candidate best = w->heap[0], last = w->heap[--w->n_heap];
    int64_t i = 0;
    for (int64_t child = 1; child < w->n_heap; child = 2 * i + 1) {
        child += child + 1 < w->n_heap && before(&w->heap[child + 1], &w->heap[child]);
        if (!before(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return best;
}

/* The symbol at `at` with the next one, if there is a merge of them. */
static lac_status consider(const lac_merges *m, lac_merge_work *w, int32_t at)
{
    const int32_t next = at >= 0 ? w->symbol[at].next : -1;
    const lac_merge *merge = next >= 0 ? find(m, w->symbol[at].id, w->symbol[next].id) : NULL;
    return merge != NULL ? push(w, (lac_candidate){ merge->rank, at, merge->id }) : LAC_OK;
}

/* Symbols may have changed since it was pushed: it holds while they still make the same token. */
static bool still_holds(const lac_merges *m, const lac_merge_work *w, const lac_candidate *c)
{
    const int32_t next = w->symbol[c->at].next;
    if (w->symbol[c->at].id < 0 || next < 0)
        return false;
    const lac_merge *merge = find(m, w->symbol[c->at].id, w->symbol[next].id);
    return merge != NULL && merge->id == c->id;
}

static void join(lac_merge_work *w, const lac_candidate *c)
{
    lac_symbol *left = &w->symbol[c->at], *right = &w->symbol[left->next];
    left->id = c->id;
    left->next = right->next;
    right->id = -1;
    if (left->next >= 0)
        w->symbol[left->next].previous = c->at;
}

lac_status lac_merge_add(lac_merge_work *w, int32_t id)
{
    const int32_t at = (int32_t)w->n;
    LAC_TRY(lac_grow((void **)&w->symbol, w->n, &w->symbols_capacity, sizeof *w->symbol));
    w->symbol[w->n++] = (lac_symbol){ id, at - 1, -1 };
    if (at > 0)
        w->symbol[at - 1].next = at;
    return LAC_OK;
}

lac_status lac_merge_word(const lac_merges *m, lac_merge_work *w)
{
    for (int64_t i = 0; i + 1 < w->n; i++)
        LAC_TRY(consider(m, w, (int32_t)i));
    while (w->n_heap > 0) {
        const lac_candidate c = pop(w);
        if (!still_holds(m, w, &c))
            continue;
        join(w, &c);
        LAC_TRY(consider(m, w, w->symbol[c.at].previous));
        LAC_TRY(consider(m, w, c.at));
    }
    return LAC_OK;
}

void lac_merge_clear(lac_merge_work *w) { w->n = w->n_heap = 0; }

void lac_merge_free(lac_merge_work *w)
{
    free(w->symbol);
    free(w->heap);
    *w = (lac_merge_work){ 0 };
}
