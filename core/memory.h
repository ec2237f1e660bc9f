/* core/memory.h -- allocation that reports instead of returning NULL. Free with free().
 *
 * Every allocation of the project goes through here, so a test can count them (lac_alloc_count) and make the
 * n-th one fail (lac_alloc_fail_after). Both are per process and meant for tests. */
#pragma once

#include "core/status.h"

lac_status lac_malloc(void **p, size_t size);                   /* size 0 gives a pointer that can be freed */
lac_status lac_calloc(void **p, size_t n, size_t size);         /* n * size is checked for overflow */
lac_status lac_realloc(void **p, size_t size);                  /* *p stands as it was on failure */
lac_status lac_aligned_alloc(void **p, size_t size);            /* 64 bytes; memory undefined */
lac_status lac_aligned_pages(void **p, size_t size, size_t alignment);      /* size a multiple of alignment, a power of 2 */
lac_status lac_strdup(char **p, const char *s);

/* "%s/%s" and the like into fresh memory. */
lac_status lac_format(char **p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for one more element in a growing array: doubles *capacity when n has reached it. */
lac_status lac_grow(void **array, int64_t n, int64_t *capacity, size_t element);

uint64_t lac_alloc_count(void);
void lac_alloc_fail_after(int64_t n);                           /* n < 0: never */
