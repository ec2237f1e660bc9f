#include "data/scene/scene.h"

#include "core/philox.h"
#include "core/status.h"
#include "data/scene/words.h"

#include <stdio.h>

enum { ATTEMPTS = 40, TRIES = 60 };

static float between(lac_stream *r, float low, float high) { return low + (high - low) * lac_stream_uniform(r); }
static bool chance(lac_stream *r, float share) { return lac_stream_uniform(r) < share; }

lac_camera lac_camera_at(float distance, float pitch, float height, float focal)
{
    float sine, cosine;
    lac_sincos2pi(pitch, &sine, &cosine);
    return (lac_camera){ { 0, -distance * cosine, height + distance * sine }, { 1, 0, 0 }, { 0, sine, cosine }, { 0, cosine, -sine }, focal };
}

lac_vec3 lac_camera_see(const lac_camera *c, lac_vec3 place)
{
    const lac_vec3 away = v_sub(place, c->from);
    const float ahead = v_dot(away, c->ahead), k = c->focal / ahead;
    return (lac_vec3){ v_dot(away, c->right) * k, v_dot(away, c->up) * k, ahead };
}

/* ---- ground and light ---- */

/* Of little colour, so that solids stand out; as displayed. */
static lac_vec3 pale(lac_stream *r, float low, float high, float spread)
{
    const float grey = between(r, low, high);
    const lac_vec3 c = { grey + between(r, -spread, spread), grey + between(r, -spread, spread), grey + between(r, -spread, spread) };
    return v_times(c, c);
}

static void draw_floor(lac_ground *g, lac_stream *r)
{
    static const float period[LAC_FLOORS] = { 1, 1, 0.8f, 1.1f, 1, 0.9f };
    g->floor = (lac_floor)lac_stream_below(r, LAC_FLOORS);
    g->colour[0] = pale(r, 0.45f, 0.85f, 0.12f);
    g->colour[1] = v_scaled(v_mix(g->colour[0], pale(r, 0.45f, 0.85f, 0.12f), 0.4f), between(r, 0.3f, 0.6f));
    if (g->floor == LAC_FLOOR_WOODEN) {
        const float shade = between(r, 0.5f, 1.1f);
        g->colour[0] = v_scaled((lac_vec3){ 0.62f, 0.38f, 0.19f }, shade);
        g->colour[1] = v_scaled((lac_vec3){ 0.28f, 0.13f, 0.05f }, shade);
    }
    lac_sincos2pi(lac_stream_uniform(r), &g->sine, &g->cosine);
    g->period = period[g->floor] * between(r, 0.7f, 1.4f);
    for (int i = 0; i < LAC_GROUND_LATTICE; i++)
        for (int j = 0; j < LAC_GROUND_LATTICE; j++)
            g->lattice[i][j] = lac_stream_uniform(r);
}

static void draw_backdrop(lac_ground *g, lac_stream *r)
{
    if (chance(r, 0.4f)) {
        g->wall = between(r, 3.0f, 6.0f);
        g->horizon = pale(r, 0.35f, 0.8f, 0.15f);
        g->zenith = v_scaled(g->horizon, between(r, 0.6f, 1.3f));
    } else {
        g->wall = 0;
        g->horizon = pale(r, 0.7f, 0.95f, 0.05f);
        g->zenith = v_times(g->horizon, (lac_vec3){ between(r, 0.15f, 0.9f), between(r, 0.35f, 0.85f), between(r, 0.7f, 1.0f) });
    }
}

/* From either side of the camera, so that what is seen is lit and shadows fall beside what throws them. */
static void draw_light(lac_scene *s, lac_stream *r)
{
    float rise[2], turn[2];
    const float warmth = between(r, -0.12f, 0.12f), strength = between(r, 0.75f, 1.05f), rest = between(r, 0.25f, 0.45f);
    const float aside = between(r, 0.1f, 0.3f);
    lac_sincos2pi(between(r, 0.08f, 0.17f), &rise[0], &rise[1]);
    lac_sincos2pi(chance(r, 0.5f) ? 0.75f - aside : 0.75f + aside - (aside >= 0.25f), &turn[0], &turn[1]);          /* 3/4: from where the camera is */
    s->to_light = (lac_vec3){ rise[1] * turn[1], rise[1] * turn[0], rise[0] };
    s->light = v_scaled((lac_vec3){ 1 + warmth, 1, 1 - warmth }, strength);
    s->ambient = v_scaled((lac_vec3){ 1 - 0.5f * warmth, 1, 1 + 0.5f * warmth }, rest);
    s->softness = chance(r, 0.3f) ? 0.0f : between(r, 0.02f, 0.12f);
}

/* ---- solids ---- */

static void draw_identity(lac_scene *s, const lac_scene_rule *rule, lac_stream *r, lac_solid *solid)
{
    static const lac_finish finish[] = { LAC_FINISH_MATTE, LAC_FINISH_MATTE, LAC_FINISH_MATTE, LAC_FINISH_GLOSSY, LAC_FINISH_GLOSSY, LAC_FINISH_GLOSSY, LAC_FINISH_METAL,
                                         LAC_FINISH_METAL, LAC_FINISH_STRIPED, LAC_FINISH_CHECKED };
    for (bool fresh = false; !fresh;) {
        solid->colour = (int)lac_stream_below(r, LAC_SCENE_COLOURS);
        solid->shape = (lac_solid_shape)lac_stream_below(r, LAC_SOLID_SHAPES);
        fresh = lac_scene_held_out(solid->colour, solid->shape) == rule->held_out;
        for (int k = 0; k < s->n; k++)
            fresh &= s->solid[k].colour != solid->colour || s->solid[k].shape != solid->shape;
    }
    solid->finish = finish[lac_stream_below(r, LAC_COUNT(finish))];
}

/* A ring that stands is never seen from its edge. */
static void draw_pose(lac_stream *r, float scale, lac_solid *solid)
{
    static const float size[3][2] = { { 0.55f, 0.65f }, { 0.75f, 0.9f }, { 1.0f, 1.2f } };
    const uint32_t k = lac_stream_below(r, 3);
    solid->size = scale * between(r, size[k][0], size[k][1]);
    solid->lying = chance(r, 0.4f);
    const float turn = lac_stream_uniform(r);
    lac_sincos2pi(solid->shape == LAC_SOLID_RING && !solid->lying ? 0.12f * turn + (turn < 0.5f ? 0.0f : 0.88f) : turn, &solid->sine, &solid->cosine);
}

/* Where a place of the picture is on the floor. */
static bool on_floor(const lac_camera *c, float u, float v, lac_solid *solid)
{
    const lac_vec3 along = v_unit(v_along(v_along(v_scaled(c->ahead, c->focal), c->right, u), c->up, v));
    const float t = along.z < 0 ? -c->from.z / along.z : 1e9f;
    solid->x = c->from.x + along.x * t;
    solid->y = c->from.y + along.y * t;
    return t < 11.0f;
}

/* The circle of the picture that holds a solid: across, up, radius. */
static lac_vec3 circle_of(const lac_scene *s, const lac_solid *solid)
{
    const lac_solid_room room = lac_solid_room_of(solid);
    const lac_vec3 at = lac_camera_see(&s->camera, (lac_vec3){ solid->x, solid->y, room.height * solid->size });
    return (lac_vec3){ at.x, at.y, s->camera.focal * room.radius * solid->size / at.z };
}

static bool fits(const lac_scene *s, const lac_solid *solid, float scale)
{
    const float foot = lac_solid_room_of(solid).foot * solid->size;
    const lac_vec3 c = circle_of(s, solid);
    const float across = c.x < 0 ? -c.x : c.x, up = c.y < 0 ? -c.y : c.y;
    if (c.z < 0.15f * scale || across + c.z > 0.98f || up + c.z > 0.98f || (s->ground.wall > 0 && solid->y + foot > s->ground.wall - 0.1f))
        return false;
    for (int k = 0; k < s->n; k++) {
        const lac_solid *other = &s->solid[k];
        const lac_vec3 o = circle_of(s, other);
        const float x = solid->x - other->x, y = solid->y - other->y, apart = foot + lac_solid_room_of(other).foot * other->size + 0.05f;
        const float u = c.x - o.x, v = c.y - o.y, seen = 0.7f * (c.z + o.z);
        if (x * x + y * y < apart * apart || u * u + v * v < seen * seen)
            return false;
    }
    return true;
}

static bool draw_solid(lac_scene *s, const lac_scene_rule *rule, lac_stream *r, float scale)
{
    lac_solid *solid = &s->solid[s->n];
    draw_identity(s, rule, r, solid);
    for (int i = 0; i < TRIES; i++) {
        draw_pose(r, scale, solid);
        const float u = between(r, -0.85f, 0.85f), v = between(r, -0.9f, 0.5f);
        if (on_floor(&s->camera, u, v, solid) && fits(s, solid, scale))
            return s->n++, true;
    }
    return false;
}

void lac_scene_draw(lac_scene *s, const lac_scene_rule *rule)
{
    char purpose[64];
    snprintf(purpose, sizeof purpose, "scenes/%.40s", rule->split);
    lac_stream r = lac_stream_at(rule->seed, lac_purpose(purpose), rule->number, 0);
    *s = (lac_scene){ 0 };
    const int wanted = rule->least + (int)lac_stream_below(&r, (uint32_t)(rule->most - rule->least + 1));
    s->camera = lac_camera_at(between(&r, 5.0f, 6.5f), between(&r, 0.035f, 0.11f), 0.6f, between(&r, 2.1f, 2.4f));
    draw_floor(&s->ground, &r);
    draw_backdrop(&s->ground, &r);
    draw_light(s, &r);
    float scale = 1;
    for (int i = 0; i < ATTEMPTS && s->n < wanted; i++, scale *= 0.93f)         /* no room: all of them anew, smaller */
        for (s->n = 0; s->n < wanted && draw_solid(s, rule, &r, scale);)
            ;
}
