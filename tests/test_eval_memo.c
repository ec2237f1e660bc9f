/* What is run once: values by the hash of their input, and networks that features share. */
#include "eval/backbones.h"
#include "eval/memo.h"
#include "tests/harness/test.h"

#include <string.h>

enum { NUMBERS = 3 };

typedef struct counted { const int *input; int64_t runs, n; } counted;

static lac_status cubes(void *context, const int64_t *at, int64_t n, float *value)
{
    counted *c = context;
    c->runs++;
    c->n += n;
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < NUMBERS; k++)
            value[i * NUMBERS + k] = (float)(c->input[at[i]] * c->input[at[i]] * c->input[at[i]] + k);
    return c->input[at[0]] < 0 ? LAC_FAIL(LAC_ERR_ARG, "negative") : LAC_OK;
}

/* Asks for n inputs; how many of them were run. */
static int64_t ask(lac_memo *m, const int *input, int64_t n)
{
    counted c = { .input = input };
    lac_memo_key key[8] = { { { 0 } } };
    float value[8 * NUMBERS];
    for (int64_t i = 0; i < n; i++)
        lac_sha256_of(&input[i], sizeof input[i], key[i].digest);
    LAC_CHECK_STATUS(lac_memo_values(m, key, n, cubes, &c, value));
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < NUMBERS; k++)
            LAC_CHECK(value[i * NUMBERS + k] == (float)(input[i] * input[i] * input[i] + k));
    LAC_CHECK(c.runs == (c.n > 0));
    return c.n;
}

LAC_TEST(an_input_is_run_once_while_it_is_remembered)
{
    static const int first[] = { 3, 1, 3, 2 }, again[] = { 2, 3, 4 }, many[] = { 5, 6, 7, 8, 9, 3 }, bad[] = { -1 };
    lac_memo *m;
    lac_memo_key key = { { 1 } };
    float value[NUMBERS];
    LAC_CHECK_STATUS(lac_memo_new(&m, 4, NUMBERS));
    LAC_CHECK(ask(m, first, 4) == 3);
    LAC_CHECK(ask(m, again, 3) == 1);
    LAC_CHECK(ask(m, again, 3) == 0);
    LAC_CHECK(ask(m, many, 6) == 5);            /* more than it remembers */
    LAC_CHECK(ask(m, first, 4) == 3);
    LAC_CHECK(ask(m, NULL, 0) == 0);
    counted c = { .input = bad };
    LAC_CHECK_FAILS(lac_memo_values(m, &key, 1, cubes, &c, value), LAC_ERR_ARG, "negative");
    LAC_CHECK_FAILS(lac_memo_values(m, &key, 1, cubes, &c, value), LAC_ERR_ARG, "negative");      /* nothing was kept of it */
    lac_memo_free(m);
    lac_memo_free(NULL);
}

static int opened, closed;

static lac_status open_well(void **state, const lac_backend *b, const lac_eval_weights *weights)
{
    (void)b;
    (void)weights;
    opened++;
    *state = &opened;
    return LAC_OK;
}

static lac_status open_badly(void **state, const lac_backend *b, const lac_eval_weights *weights)
{
    open_well(state, b, weights);
    return LAC_FAIL(LAC_ERR_KEY, "no keys");
}

static void close_it(void *state)
{
    LAC_CHECK(state == &opened);
    closed++;
}

LAC_TEST(a_backbone_is_loaded_once_and_one_that_fails_is_closed)
{
    static const lac_backbone_def good = { "good", open_well, close_it }, bad = { "bad", open_badly, close_it };
    lac_backbones *all;
    void *a, *b;
    opened = closed = 0;
    LAC_CHECK_STATUS(lac_backbones_new(&all, NULL, NULL));
    LAC_CHECK_STATUS(lac_backbones_get(all, &good, &a));
    LAC_CHECK_FAILS(lac_backbones_get(all, &bad, &b), LAC_ERR_KEY, "network 'bad': no keys");
    LAC_CHECK(b == NULL && closed == 1 && opened == 2);
    LAC_CHECK_STATUS(lac_backbones_get(all, &good, &b));
    LAC_CHECK(a == b && opened == 2);
    lac_backbones_free(all);
    LAC_CHECK(closed == 2);
    lac_backbones_free(NULL);
}
