#include "data/scene/scene.h"

#include "core/memory.h"
#include "core/threads.h"
#include "data/scene/words.h"

#include <stdlib.h>

enum { SUB = LAC_SCENE_SAMPLES, POINTS = SUB * SUB, FLOOR = -1, WALL = -2, SKY = -3 };
static const float lift = 2e-3f;                    /* rays to the light begin so far above a surface: a march ends 3e-4 before it */

typedef struct shot {
    const lac_scene *scene;
    int64_t size;
    lac_image *picture, *mask, *without;            /* the latter two NULL, or n of them */
    lac_vec3 light_point[POINTS];                   /* directions to the light, of unit length */
} shot;

/* A sample's colour, what was met first, and which solids had a part in it. */
typedef struct sample { lac_vec3 colour; int met; uint32_t touched; } sample;

/* ---- what a ray meets ---- */

static int nearest(const lac_scene *s, const lac_ray *ray, int skip, lac_hit *hit)
{
    int met = SKY;
    hit->t = 1e30f;
    if (ray->along.z < 0) {
        hit->t = -ray->from.z / ray->along.z;
        hit->normal = (lac_vec3){ 0, 0, 1 };
        met = FLOOR;
    }
    if (s->ground.wall > 0 && ray->along.y > 0 && (s->ground.wall - ray->from.y) / ray->along.y < hit->t) {
        hit->t = (s->ground.wall - ray->from.y) / ray->along.y;
        hit->normal = (lac_vec3){ 0, -1, 0 };
        met = WALL;
    }
    for (int k = 0; k < s->n; k++)
        if (k != skip && lac_solid_hit(&s->solid[k], ray, hit->t, hit))
            met = k;
    return met;
}

static bool sees_light(const lac_scene *s, lac_vec3 place, lac_vec3 to_light, int skip, uint32_t *touched)
{
    const lac_ray ray = { place, to_light };
    lac_hit hit;
    for (int k = 0; k < s->n; k++)
        if (k != skip && lac_solid_hit(&s->solid[k], &ray, 1e30f, &hit)) {
            *touched |= 1u << k;
            return false;
        }
    return true;
}

/* What solids take of the light from all around, at a place of the floor. */
static float near_solids(const lac_scene *s, lac_vec3 place, int skip, uint32_t *touched)
{
    float near = 1;
    for (int k = 0; k < s->n; k++) {
        const lac_solid *solid = &s->solid[k];
        const float x = place.x - solid->x, y = place.y - solid->y, reach = 1.5f * lac_solid_room_of(solid).foot * solid->size;
        const float left = 1.0f - (x * x + y * y) / (reach * reach);
        if (k == skip || left <= 0)
            continue;
        near *= 1.0f - 0.55f * left * left;
        *touched |= 1u << k;
    }
    return near;
}

/* ---- what it looks like there ---- */

static int whole(float x) { return (int)x - (x < (float)(int)x); }

/* A band or check is 0.52 of a size: faces of cubes and cylinders end in the middle of one. */
static lac_vec3 painted(const lac_solid *s, lac_vec3 own)
{
    const float k = 1.923f;
    const bool striped = s->finish == LAC_FINISH_STRIPED, checked = s->finish == LAC_FINISH_CHECKED;
    const float along = s->shape == LAC_SOLID_RING ? own.x : own.z;
    const int cell = striped ? whole(k * along) : checked ? whole(k * own.x) + whole(k * own.y) + whole(k * own.z) : 0;
    return (cell & 1) != 0 ? lac_scene_second_colour(s->colour) : lac_scene_colour(s->colour);
}

static lac_vec3 floor_colour(const lac_scene *s, lac_vec3 place, float far)
{
    const float fade = far / 16.0f;
    return lac_ground_floor(&s->ground, place.x, place.y, 1.0f / (1.0f + fade * fade * fade * fade));
}

/* What a mirror shows: floor in full light, or sky. */
static lac_vec3 around(const lac_scene *s, lac_vec3 place, lac_vec3 along)
{
    if (along.z >= 0)
        return lac_ground_sky(&s->ground, along);
    const float t = -place.z / along.z;
    const lac_vec3 lit = v_along(s->ambient, s->light, LAC_MAX(s->to_light.z, 0.0f));
    return v_times(floor_colour(s, v_along(place, along, t), t), lit);
}

static float power_64(float x)
{
    for (int i = 0; i < 6; i++)
        x *= x;
    return x;
}

static lac_vec3 finished(const lac_scene *s, const lac_solid *solid, lac_vec3 matte, lac_vec3 place, lac_vec3 n, lac_vec3 along, lac_vec3 to_light, bool seen)
{
    if (solid->finish != LAC_FINISH_GLOSSY && solid->finish != LAC_FINISH_METAL)
        return matte;
    const bool metal = solid->finish == LAC_FINISH_METAL;
    const float facing = -v_dot(n, along), grazing = 1.0f - LAC_MAX(facing, 0.0f), g2 = grazing * grazing;
    const lac_vec3 mirrored = around(s, place, v_along(along, n, 2.0f * facing));
    const float highlight = seen ? power_64(LAC_MAX(v_dot(n, v_unit(v_sub(to_light, along))), 0.0f)) : 0.0f;
    const lac_vec3 tint = metal ? v_scaled(lac_scene_colour(solid->colour), 0.85f) : (lac_vec3){ 0.04f, 0.04f, 0.04f };
    const lac_vec3 share = v_mix(tint, (lac_vec3){ 1, 1, 1 }, 0.7f * g2 * g2 * grazing);                /* Schlick, 1994 */
    const lac_vec3 c = v_add(v_scaled(matte, metal ? 0.35f : 1.0f), v_times(share, mirrored));
    return v_along(c, s->light, (metal ? 0.9f : 0.6f) * highlight);
}

static lac_vec3 surface(const lac_scene *s, int met, const lac_hit *hit, lac_vec3 place)
{
    if (met >= 0)
        return painted(&s->solid[met], hit->own);
    return met == FLOOR ? floor_colour(s, place, hit->t) : lac_ground_wall(&s->ground, place.z);
}

static sample take(const lac_scene *s, const lac_ray *ray, lac_vec3 to_light, int skip)
{
    lac_hit hit;
    sample at = { .met = nearest(s, ray, skip, &hit) };
    if (at.met == SKY) {
        at.colour = lac_ground_sky(&s->ground, ray->along);
        return at;
    }
    const lac_vec3 place = v_along(ray->from, ray->along, hit.t), above = v_along(place, hit.normal, lift);
    const float facing = v_dot(hit.normal, to_light);
    at.touched = at.met >= 0 ? 1u << at.met : 0;
    const bool seen = facing > 0 && sees_light(s, above, to_light, skip, &at.touched);
    const float near = at.met == FLOOR ? near_solids(s, place, skip, &at.touched) : 1.0f;
    const lac_vec3 all_around = v_scaled(s->ambient, (0.6f + 0.4f * hit.normal.z) * near);
    const lac_vec3 arriving = seen ? v_along(all_around, s->light, facing) : all_around;
    at.colour = v_times(surface(s, at.met, &hit, place), arriving);
    if (at.met >= 0)
        at.colour = finished(s, &s->solid[at.met], at.colour, place, hit.normal, ray->along, to_light, seen);
    else if (at.met == FLOOR && s->ground.wall <= 0)                 /* haze: the floor ends in the horizon */
        at.colour = v_mix(at.colour, s->ground.horizon, LAC_MIN(1.0f, LAC_MAX(0.0f, (hit.t - 14.0f) / 40.0f)));
    return at;
}

/* ---- the picture ---- */

static void add(lac_vec3 *sum, lac_vec3 c) { *sum = v_add(*sum, (lac_vec3){ LAC_MIN(c.x, 1.0f), LAC_MIN(c.y, 1.0f), LAC_MIN(c.z, 1.0f) }); }

static void put(lac_image *to, int64_t pixel, lac_vec3 sum)
{
    const float part[3] = { sum.x, sum.y, sum.z };
    for (int i = 0; i < 3; i++)
        to->pixels[3 * pixel + i] = (uint8_t)(lac_sqrt(part[i] * (1.0f / POINTS)) * 255.0f + 0.5f);
}

static lac_ray ray_of(const shot *f, int64_t i, int64_t j, int k)
{
    const lac_camera *c = &f->scene->camera;
    const float u = 2.0f * ((float)j + ((float)(k % SUB) + 0.5f) / SUB) / (float)f->size - 1.0f;
    const float v = 1.0f - 2.0f * ((float)i + ((float)(k / SUB) + 0.5f) / SUB) / (float)f->size;
    return (lac_ray){ c->from, v_unit(v_along(v_along(v_scaled(c->ahead, c->focal), c->right, u), c->up, v)) };
}

static void take_pixel(const shot *f, int64_t i, int64_t j)
{
    const lac_scene *s = f->scene;
    lac_vec3 sum = { 0 }, sum_without[LAC_SCENE_SOLIDS] = { { 0 } };
    int met[LAC_SCENE_SOLIDS] = { 0 };
    for (int k = 0; k < POINTS; k++) {
        const lac_ray ray = ray_of(f, i, j, k);
        const sample all = take(s, &ray, f->light_point[k], SKY);
        add(&sum, all.colour);
        if (all.met >= 0)
            met[all.met]++;
        for (int w = 0; f->without != NULL && w < s->n; w++)
            add(&sum_without[w], (all.touched >> w & 1) != 0 ? take(s, &ray, f->light_point[k], w).colour : all.colour);
    }
    put(f->picture, i * f->size + j, sum);
    for (int w = 0; w < s->n; w++) {
        if (f->without != NULL)
            put(&f->without[w], i * f->size + j, sum_without[w]);
        if (f->mask != NULL)
            f->mask[w].pixels[i * f->size + j] = 2 * met[w] > POINTS ? 255 : 0;
    }
}

/* Over the light's disc: a sunflower's seeds, which fill it evenly. */
static void place_light(shot *f)
{
    const lac_vec3 l = f->scene->to_light;
    const lac_vec3 side = v_unit(v_cross(l, (lac_vec3){ l.y, l.z, l.x + 0.5f })), other = v_cross(l, side);
    for (int k = 0; k < POINTS; k++) {
        const float turn = 0.381966f * (float)k, r = f->scene->softness * lac_sqrt(((float)k + 0.5f) / POINTS);
        float sine, cosine;
        lac_sincos2pi(turn - (float)(int)turn, &sine, &cosine);
        f->light_point[k] = v_unit(v_along(v_along(l, side, r * cosine), other, r * sine));
    }
}

static void free_all(shot *f)
{
    lac_image_free(f->picture);
    for (int w = 0; w < f->scene->n; w++) {
        if (f->mask != NULL)
            lac_image_free(&f->mask[w]);
        if (f->without != NULL)
            lac_image_free(&f->without[w]);
    }
}

static lac_status new_all(shot *f)
{
    lac_status s = lac_image_new(f->picture, f->size, f->size, 3);
    for (int w = 0; w < f->scene->n; w++) {
        if (s == LAC_OK && f->mask != NULL)
            s = lac_image_new(&f->mask[w], f->size, f->size, 1);
        if (s == LAC_OK && f->without != NULL)
            s = lac_image_new(&f->without[w], f->size, f->size, 3);
    }
    if (s != LAC_OK)
        free_all(f);
    return s;
}

lac_status lac_scene_render(const lac_scene *s, int64_t size, lac_image *picture, lac_image *mask, lac_image *without)
{
    shot f = { .scene = s, .size = size, .picture = picture, .mask = mask, .without = without };
    *picture = (lac_image){ 0 };
    for (int w = 0; w < s->n; w++) {
        if (mask != NULL)
            mask[w] = (lac_image){ 0 };
        if (without != NULL)
            without[w] = (lac_image){ 0 };
    }
    LAC_TRY(new_all(&f));
    place_light(&f);
    #pragma omp parallel for schedule(dynamic, 1) num_threads(lac_threads())
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < size; j++)
            take_pixel(&f, i, j);
    return LAC_OK;
}
