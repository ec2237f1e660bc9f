#include "data/scene/solid.h"

#include "core/status.h"

static const float cube_half = 0.78f, cylinder_radius = 0.72f, cylinder_height = 1.6f, cone_radius = 0.9f, cone_height = 1.9f, ring_radius = 0.72f,
                   ring_tube = 0.28f;
enum { MARCH = 64 };

lac_solid_room lac_solid_room_of(const lac_solid *s)
{
    static const lac_solid_room room[LAC_SOLID_SHAPES] = { { 1, 1, 1 }, { 0.78f, 1.352f, 1.104f }, { 0.8f, 1.077f, 0.72f }, { 0.75f, 1.172f, 0.9f }, { 1, 1, 1 } };
    return s->shape == LAC_SOLID_RING && s->lying ? (lac_solid_room){ 0.28f, 1, 1 } : room[s->shape];
}

/* a t^2 + 2 b t + c = 0, low <= high. */
static bool roots(float a, float b, float c, float *low, float *high)
{
    const float d = b * b - a * c;
    if (d < 0 || a == 0)
        return false;
    const float root = lac_sqrt(d), first = (-b - root) / a, second = (-b + root) / a;
    *low = LAC_MIN(first, second);
    *high = LAC_MAX(first, second);
    return true;
}

/* ---- in the solid's own frame ---- */

static bool hit_sphere(lac_vec3 o, lac_vec3 d, float before, lac_hit *hit)
{
    float low, high;
    o.z -= 1;
    if (!roots(1, v_dot(o, d), v_dot(o, o) - 1, &low, &high) || low <= 0 || low >= before)
        return false;
    hit->t = low;
    hit->normal = v_unit(v_along(o, d, low));
    return true;
}

/* Through the slab |p| <= half along one axis: entry and exit, and the side of entry. */
static void through(float o, float d, float half, int axis, float *in, float *out, int *side)
{
    const float inverse = 1.0f / (d != 0 ? d : 1e-20f), a = (-half - o) * inverse, b = (half - o) * inverse;
    const float enter = LAC_MIN(a, b);
    if (enter > *in) {
        *in = enter;
        *side = axis;
    }
    *out = LAC_MIN(*out, LAC_MAX(a, b));
}

static bool hit_cube(lac_vec3 o, lac_vec3 d, float before, lac_hit *hit)
{
    float in = -1e30f, out = 1e30f;
    int side = 0;
    o.z -= cube_half;
    through(o.x, d.x, cube_half, 0, &in, &out, &side);
    through(o.y, d.y, cube_half, 1, &in, &out, &side);
    through(o.z, d.z, cube_half, 2, &in, &out, &side);
    if (in >= out || in <= 0 || in >= before)
        return false;
    hit->t = in;
    hit->normal = (lac_vec3){ side == 0 ? (d.x > 0 ? -1.0f : 1.0f) : 0, side == 1 ? (d.y > 0 ? -1.0f : 1.0f) : 0, side == 2 ? (d.z > 0 ? -1.0f : 1.0f) : 0 };
    return true;
}

static bool hit_cylinder(lac_vec3 o, lac_vec3 d, float before, lac_hit *hit)
{
    float low, high;
    const float square = cylinder_radius * cylinder_radius, cap = (cylinder_height - o.z) / (d.z != 0 ? d.z : 1e-20f);
    const lac_vec3 top = v_along(o, d, cap);
    const bool on_top = cap > 0 && cap < before && d.z < 0 && top.x * top.x + top.y * top.y <= square;
    if (on_top) {
        hit->t = cap;
        hit->normal = (lac_vec3){ 0, 0, 1 };
        return true;
    }
    if (!roots(d.x * d.x + d.y * d.y, o.x * d.x + o.y * d.y, o.x * o.x + o.y * o.y - square, &low, &high) || low <= 0 || low >= before)
        return false;
    const lac_vec3 p = v_along(o, d, low);
    if (p.z < 0 || p.z > cylinder_height)
        return false;
    hit->t = low;
    hit->normal = (lac_vec3){ p.x / cylinder_radius, p.y / cylinder_radius, 0 };
    return true;
}

static bool hit_cone(lac_vec3 o, lac_vec3 d, float before, lac_hit *hit)
{
    float root[2];
    const float slope = cone_radius / cone_height, k = slope * slope, down = cone_height - o.z;         /* x^2 + y^2 = k (height - z)^2 */
    if (!roots(d.x * d.x + d.y * d.y - k * d.z * d.z, o.x * d.x + o.y * d.y + k * down * d.z, o.x * o.x + o.y * o.y - k * down * down, &root[0], &root[1]))
        return false;
    for (int i = 0; i < 2; i++) {
        const lac_vec3 p = v_along(o, d, root[i]);
        if (root[i] <= 0 || root[i] >= before || p.z < 0 || p.z > cone_height)
            continue;
        hit->t = root[i];
        hit->normal = v_unit((lac_vec3){ p.x, p.y, k * (cone_height - p.z) });
        return true;
    }
    return false;
}

/* From the middle of a torus about z: how far its surface is, and the nearest place of the circle inside it. */
static float to_ring(lac_vec3 p, lac_vec3 *core)
{
    const float across = lac_sqrt(p.x * p.x + p.y * p.y), share = ring_radius / LAC_MAX(across, 1e-6f);
    *core = (lac_vec3){ p.x * share, p.y * share, 0 };
    const lac_vec3 away = v_sub(p, *core);
    return lac_sqrt(v_dot(away, away)) - ring_tube;
}

static bool march(lac_vec3 o, lac_vec3 d, float from, float to, lac_hit *hit)
{
    float t = from;
    for (int i = 0; i < MARCH && t < to; i++) {
        lac_vec3 core;
        const lac_vec3 p = v_along(o, d, t);
        const float distance = to_ring(p, &core);
        if (distance < 3e-4f) {
            hit->t = t;
            hit->normal = v_unit(v_sub(p, core));
            return true;
        }
        t += distance;
    }
    return false;
}

static bool hit_ring(lac_vec3 o, lac_vec3 d, bool lying, float before, lac_hit *hit)
{
    float low, high;
    o.z -= lying ? ring_tube : ring_radius + ring_tube;
    if (!lying) {                                           /* its axis to z: y and z change places */
        o = (lac_vec3){ o.x, o.z, o.y };
        d = (lac_vec3){ d.x, d.z, d.y };
    }
    if (!roots(1, v_dot(o, d), v_dot(o, o) - 1, &low, &high) || high <= 0 || !march(o, d, LAC_MAX(low, 0), LAC_MIN(high, before), hit))
        return false;
    if (!lying)
        hit->normal = (lac_vec3){ hit->normal.x, hit->normal.z, hit->normal.y };
    return true;
}

static bool hit_own(const lac_solid *s, lac_vec3 o, lac_vec3 d, float before, lac_hit *hit)
{
    switch (s->shape) {
    case LAC_SOLID_SPHERE: return hit_sphere(o, d, before, hit);
    case LAC_SOLID_CUBE: return hit_cube(o, d, before, hit);
    case LAC_SOLID_CYLINDER: return hit_cylinder(o, d, before, hit);
    case LAC_SOLID_CONE: return hit_cone(o, d, before, hit);
    default: return hit_ring(o, d, s->lying, before, hit);
    }
}

/* ---- in the scene ---- */

static lac_vec3 turned(const lac_solid *s, lac_vec3 a) { return (lac_vec3){ s->cosine * a.x + s->sine * a.y, s->cosine * a.y - s->sine * a.x, a.z }; }
static lac_vec3 turned_back(const lac_solid *s, lac_vec3 a) { return (lac_vec3){ s->cosine * a.x - s->sine * a.y, s->cosine * a.y + s->sine * a.x, a.z }; }

bool lac_solid_hit(const lac_solid *s, const lac_ray *ray, float before, lac_hit *hit)
{
    const lac_solid_room room = lac_solid_room_of(s);
    const float inverse = 1.0f / s->size;
    const lac_vec3 from = { (ray->from.x - s->x) * inverse, (ray->from.y - s->y) * inverse, ray->from.z * inverse };
    const lac_vec3 middle = { from.x, from.y, from.z - room.height };
    const float b = v_dot(middle, ray->along), c = v_dot(middle, middle) - room.radius * room.radius;
    if ((c > 0 && b > 0) || b * b < c)                      /* the ball around it lies behind, or beside */
        return false;
    const lac_vec3 o = turned(s, from), d = turned(s, ray->along);
    if (!hit_own(s, o, d, before * inverse, hit))
        return false;
    hit->own = v_along(o, d, hit->t);
    hit->own.z -= room.height;
    hit->normal = turned_back(s, hit->normal);
    hit->t *= s->size;
    return true;
}
