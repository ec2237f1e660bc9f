/* The renderer of data/scene against geometry in double: a sphere's outline is a conic, its shadow a cylinder along the light. */
#include "core/threads.h"
#include "data/scene/scene.h"
#include "data/scene/words.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 72 };

/* One sphere on a plain grey floor, hard light from the left. */
static lac_scene one_sphere(void)
{
    lac_scene s = { .camera = lac_camera_at(6, 0.07f, 0.5f, 2.2f), .n = 1, .light = { 0.8f, 0.8f, 0.8f }, .ambient = { 0.3f, 0.3f, 0.3f } };
    s.ground.colour[0] = s.ground.horizon = s.ground.zenith = (lac_vec3){ 0.4f, 0.4f, 0.4f };
    s.ground.period = s.ground.cosine = 1;
    s.to_light = v_unit((lac_vec3){ -0.9f, -0.2f, 0.6f });
    s.solid[0] = (lac_solid){ .shape = LAC_SOLID_SPHERE, .x = 0.3f, .y = -0.4f, .size = 0.9f, .cosine = 1 };
    return s;
}

/* The direction of (u, v) of the picture, in double; not of unit length. */
static void direction(const lac_camera *c, double u, double v, double d[3])
{
    d[0] = c->focal * (double)c->ahead.x + u * c->right.x + v * c->up.x;
    d[1] = c->focal * (double)c->ahead.y + u * c->right.y + v * c->up.y;
    d[2] = c->focal * (double)c->ahead.z + u * c->right.z + v * c->up.z;
}

static double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/* A ray from o along d meets a ball at m of radius r: (d m)^2 >= (d d)((m m) - r^2), a quadratic form in (u, v). */
static bool meets(const double o[3], const double d[3], const lac_solid *s)
{
    const double r = s->size, m[3] = { s->x - o[0], s->y - o[1], r - o[2] }, dm = dot(d, m);
    return dm > 0 && dm * dm >= dot(d, d) * (dot(m, m) - r * r);
}

/* How much of a pixel holds what is asked, over 16 x 16 places of it. */
static double share(const lac_scene *s, int64_t i, int64_t j, bool (*is)(const lac_scene *, const double *))
{
    int n = 0;
    for (int k = 0; k < 256; k++) {
        double d[3];
        direction(&s->camera, 2 * ((double)j + (k % 16 + 0.5) / 16) / SIZE - 1, 1 - 2 * ((double)i + (k / 16 + 0.5) / 16) / SIZE, d);
        n += is(s, d);
    }
    return n / 256.0;
}

static bool on_sphere(const lac_scene *s, const double *d)
{
    const double o[3] = { s->camera.from.x, s->camera.from.y, s->camera.from.z };
    return meets(o, d, &s->solid[0]);
}

static bool on_floor(const lac_scene *s, const double *d, double place[3])
{
    const double t = -s->camera.from.z / d[2];
    for (int k = 0; k < 3; k++)
        place[k] = (k == 0 ? s->camera.from.x : k == 1 ? s->camera.from.y : s->camera.from.z) + t * d[k];
    return d[2] < 0 && !on_sphere(s, d);
}

static bool in_shadow(const lac_scene *s, const double *d)
{
    double place[3];
    const double l[3] = { s->to_light.x, s->to_light.y, s->to_light.z };
    return on_floor(s, d, place) && meets(place, l, &s->solid[0]);
}

static bool far_from_foot(const lac_scene *s, const double *d)
{
    double place[3];
    return on_floor(s, d, place) && hypot(place[0] - s->solid[0].x, place[1] - s->solid[0].y) > 1.5 * s->solid[0].size;
}

LAC_TEST(a_spheres_mask_is_its_conic)
{
    const lac_scene s = one_sphere();
    lac_image picture, mask;
    int away = 0, inside = 0;
    LAC_CHECK_STATUS(lac_scene_render(&s, SIZE, &picture, &mask, NULL));
    for (int64_t k = 0; k < SIZE * SIZE; k++) {
        const double covered = share(&s, k / SIZE, k % SIZE, on_sphere);
        inside += covered > 0.5;
        away += (covered > 0.6 && mask.pixels[k] != 255) || (covered < 0.4 && mask.pixels[k] != 0);
    }
    LAC_CHECK(away == 0 && inside > 200);
    lac_image_free(&picture);
    lac_image_free(&mask);
}

/* Floor out of the light is ambient x reflecting, in the light ambient + light l_z; away from the foot there is nothing else. */
LAC_TEST(a_shadow_lies_where_the_light_is_in_the_way)
{
    const lac_scene s = one_sphere();
    lac_image picture, mask, without;
    int dark = 0;
    const double shade = sqrt(0.4 * 0.3) * 255, lit = sqrt(0.4 * (0.3 + 0.8 * (double)s.to_light.z)) * 255;
    LAC_CHECK_STATUS(lac_scene_render(&s, SIZE, &picture, &mask, &without));
    for (int64_t k = 0; k < SIZE * SIZE; k++) {
        if (share(&s, k / SIZE, k % SIZE, far_from_foot) < 1 || share(&s, k / SIZE, k % SIZE, on_sphere) > 0)
            continue;
        const double shadow = share(&s, k / SIZE, k % SIZE, in_shadow);
        double place[3], d[3];
        direction(&s.camera, 2.0 * ((double)(k % SIZE) + 0.5) / SIZE - 1, 1 - 2.0 * ((double)(k / SIZE) + 0.5) / SIZE, d);
        if (!on_floor(&s, d, place) || hypot(place[1] + 6, place[0]) > 12 || (shadow > 0 && shadow < 1))        /* haze, edges */
            continue;
        dark += shadow == 1;
        LAC_CHECK(fabs(picture.pixels[3 * k] - (shadow == 1 ? shade : lit)) < 1.01);
        LAC_CHECK(fabs(without.pixels[3 * k] - lit) < 1.01);
        LAC_CHECK(shadow == 1 || memcmp(&picture.pixels[3 * k], &without.pixels[3 * k], 3) == 0);
    }
    LAC_CHECK(dark > 60);
    lac_image_free(&picture);
    lac_image_free(&mask);
    lac_image_free(&without);
}

static void free_pictures(lac_image *image, int n)
{
    for (int k = 0; k < n; k++)
        lac_image_free(&image[k]);
}

/* Where a picture without a solid differs, the solid was there or its shadow or the dark around its foot; it is the picture of the scene without it. */
LAC_TEST(without_a_solid_the_picture_is_that_of_the_scene_without_it)
{
    for (uint32_t number = 0; number < 6; number++) {
        lac_scene s;
        lac_image picture, mask[LAC_SCENE_SOLIDS], without[LAC_SCENE_SOLIDS], again;
        lac_scene_draw(&s, &(lac_scene_rule){ .seed = 3, .split = "train", .number = number, .least = 2, .most = 4 });
        LAC_CHECK_STATUS(lac_scene_render(&s, 40, &picture, mask, without));
        for (int k = 0; k < s.n; k++) {
            lac_scene less = s;
            memmove(&less.solid[k], &less.solid[k + 1], (size_t)(LAC_SCENE_SOLIDS - 1 - k) * sizeof *less.solid);
            less.n--;
            LAC_CHECK_STATUS(lac_scene_render(&less, 40, &again, NULL, NULL));
            LAC_CHECK(memcmp(again.pixels, without[k].pixels, 3 * 40 * 40) == 0);
            LAC_CHECK(memcmp(again.pixels, picture.pixels, 3 * 40 * 40) != 0);
            lac_image_free(&again);
        }
        free_pictures(mask, s.n);
        free_pictures(without, s.n);
        lac_image_free(&picture);
    }
}

LAC_TEST(a_scene_has_the_same_bytes_at_any_number_of_threads)
{
    lac_scene s;
    lac_image one, two;
    const int threads = lac_threads();
    lac_scene_draw(&s, &(lac_scene_rule){ .seed = 5, .split = "val", .number = 2, .least = 5, .most = 5 });
    lac_threads_set(1);
    LAC_CHECK_STATUS(lac_scene_render(&s, 50, &one, NULL, NULL));
    lac_threads_set(2);
    LAC_CHECK_STATUS(lac_scene_render(&s, 50, &two, NULL, NULL));
    lac_threads_set(threads);
    LAC_CHECK(memcmp(one.pixels, two.pixels, 3 * 50 * 50) == 0);
    lac_image_free(&one);
    lac_image_free(&two);
}

/* As many solids as asked for, each an identity of its own side and of no other solid, and each seen. */
LAC_TEST(scenes_are_drawn_as_the_rule_says)
{
    int n_held = 0;
    for (int c = 0; c < LAC_SCENE_COLOURS; c++)
        for (int k = 0; k < LAC_SOLID_SHAPES; k++)
            n_held += lac_scene_held_out(c, (lac_solid_shape)k);
    LAC_CHECK(n_held == LAC_SCENE_COLOURS);
    for (uint32_t number = 0; number < 60; number++) {
        lac_scene s;
        lac_image picture, mask[LAC_SCENE_SOLIDS];
        const bool held_out = number % 2 == 1;
        const int most = number < 50 ? 4 : 8;
        lac_scene_draw(&s, &(lac_scene_rule){ .seed = 1, .split = "train", .number = number, .least = most - 1, .most = most, .held_out = held_out });
        LAC_CHECK(s.n == most || s.n == most - 1);
        LAC_CHECK_STATUS(lac_scene_render(&s, 64, &picture, mask, NULL));
        for (int k = 0; k < s.n; k++) {
            int seen = 0;
            LAC_CHECK(lac_scene_held_out(s.solid[k].colour, s.solid[k].shape) == held_out);
            for (int i = 0; i < k; i++)
                LAC_CHECK(s.solid[i].colour != s.solid[k].colour || s.solid[i].shape != s.solid[k].shape);
            for (int64_t p = 0; p < 64 * 64; p++)
                seen += mask[k].pixels[p] != 0;
            LAC_CHECK(seen >= (most == 4 ? 16 : 4));
        }
        free_pictures(mask, s.n);
        lac_image_free(&picture);
    }
}

LAC_TEST(relations_are_the_cameras)
{
    lac_scene s = one_sphere();
    s.n = 2;
    s.solid[1] = s.solid[0];
    s.solid[1].x += 1.0f;
    s.solid[1].y += 0.1f;
    LAC_CHECK(lac_scene_related(&s, 0, 1, LAC_LEFT_OF) && lac_scene_related(&s, 1, 0, LAC_RIGHT_OF) && !lac_scene_related(&s, 0, 1, LAC_RIGHT_OF));
    LAC_CHECK(!lac_scene_related(&s, 0, 1, LAC_IN_FRONT_OF) && !lac_scene_related(&s, 1, 0, LAC_BEHIND));
    s.solid[1].y += 1.0f;
    LAC_CHECK(lac_scene_related(&s, 0, 1, LAC_IN_FRONT_OF) && lac_scene_related(&s, 1, 0, LAC_BEHIND));
}
