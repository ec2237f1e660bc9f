/* The baselines on pictures whose answer can be said beforehand. */
#include "eval/baseline.h"
#include "tests/harness/test.h"

enum { SIDE = 16 };
typedef struct scene { uint8_t before[3 * SIDE * SIDE], after[3 * SIDE * SIDE], mask[SIDE * SIDE]; } scene;

/* Red grows to the right, green downwards, blue stands; the hole is a box inside. */
static void make(scene *s)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        s->before[3 * i] = (uint8_t)(10 * (i % SIDE));
        s->before[3 * i + 1] = (uint8_t)(5 * (i / SIDE));
        s->before[3 * i + 2] = 77;
        s->mask[i] = i / SIDE >= 4 && i / SIDE < 12 && i % SIDE >= 4 && i % SIDE < 12 ? 255 : 0;
    }
    memcpy(s->after, s->before, sizeof s->after);
}

static void fill(scene *s, const char *name)
{
    const lac_baseline *b = lac_baseline_find(name);
    LAC_CHECK(b != NULL);
    LAC_CHECK_STATUS(b->fill(s->after, SIDE, SIDE, s->mask));
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        LAC_CHECK(s->mask[i / 3] || s->after[i] == s->before[i]);
}

static void hole_is(const scene *s, uint8_t r, uint8_t g, uint8_t b)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        if (s->mask[i])
            LAC_CHECK(s->after[3 * i] == r && s->after[3 * i + 1] == g && s->after[3 * i + 2] == b);
}

LAC_TEST(copy_nothing_leaves_grey)
{
    scene s;
    make(&s);
    fill(&s, "copy-nothing");
    hole_is(&s, 128, 128, 128);
}

LAC_TEST(mean_colour_is_that_of_the_known_pixels)      /* by symmetry 75 and 37.5, which rounds up */
{
    scene s;
    make(&s);
    for (int i = 0; i < SIDE * SIDE; i++)
        if (s.mask[i])
            s.before[3 * i] = s.after[3 * i] = 255;     /* what is in the hole must not count */
    fill(&s, "mean-colour");
    hole_is(&s, 75, 38, 77);
}

LAC_TEST(laplace_continues_a_slope)
{
    scene s;
    make(&s);
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        s.after[i] = s.mask[i / 3] ? 0 : s.after[i];
    fill(&s, "laplace");
    LAC_CHECK(memcmp(s.after, s.before, sizeof s.after) == 0);
}

LAC_TEST(a_picture_that_is_all_hole_becomes_grey)
{
    for (const lac_baseline *b = lac_baselines; b->name != NULL; b++) {
        scene s;
        make(&s);
        memset(s.mask, 1, sizeof s.mask);
        fill(&s, b->name);
        hole_is(&s, 128, 128, 128);
    }
    LAC_CHECK(lac_baseline_find("telea") == NULL);
}
