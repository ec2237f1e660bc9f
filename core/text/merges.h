/* core/text/merges.h -- byte-pair encoding: symbols that are merged in pairs, the pair of the lowest rank first, then the leftmost. */
#pragma once

#include "core/text/vocabulary.h"

typedef struct lac_merge { int32_t left, right, rank, id; } lac_merge;

typedef struct lac_merges {
    lac_merge *at;              /* by pair of ids */
    int64_t n, capacity;
} lac_merges;

/* merges.txt: a header, then "a b" a line; its rank is its place. *m starts as { 0 } and must be freed also after a failure.
 * LAC_ERR_FORMAT names the line: not two tokens, one of them or both together not in the vocabulary, the pair twice. */
lac_status lac_merges_read(lac_merges *m, const lac_text_files *f, const char *name, const lac_vocabulary *v);
void lac_merges_free(lac_merges *m);

/* One word. room for a longer one is kept from call to call; starts as { 0 }. */
typedef struct lac_symbol { int32_t id, previous, next; } lac_symbol;          /* previous, next: -1 at the ends; id -1: was merged */
typedef struct lac_candidate { int32_t rank, at, id; } lac_candidate;          /* of `at` and the next; id: what they make */
typedef struct lac_merge_work {
    lac_symbol *symbol;
    int64_t n, symbols_capacity;
    lac_candidate *heap;        /* the best first */
    int64_t n_heap, heap_capacity;
} lac_merge_work;

lac_status lac_merge_add(lac_merge_work *w, int32_t id);                       /* one more symbol at the end of the word */
/* Merges what can be merged; w->symbol[0], and so on along `next`, are what is left. n log n. */
lac_status lac_merge_word(const lac_merges *m, lac_merge_work *w);
void lac_merge_clear(lac_merge_work *w);                                        /* the next word */
void lac_merge_free(lac_merge_work *w);
