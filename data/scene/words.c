#include "data/scene/words.h"

#include <stdio.h>

/* As displayed; `light` colours have black beside them in a pattern, others white. */
static const struct { const char *name; float red, green, blue; bool light; } colours[LAC_SCENE_COLOURS] = {
    { "red", 0.85f, 0.12f, 0.12f, false }, { "orange", 0.96f, 0.52f, 0.08f, true },  { "yellow", 0.96f, 0.88f, 0.12f, true }, { "green", 0.12f, 0.62f, 0.18f, false },
    { "cyan", 0.15f, 0.82f, 0.85f, true }, { "blue", 0.14f, 0.26f, 0.86f, false }, { "purple", 0.55f, 0.18f, 0.72f, false }, { "white", 0.94f, 0.94f, 0.94f, true } };
static const char *const shapes[LAC_SOLID_SHAPES] = { "sphere", "cube", "cylinder", "cone", "ring" };
static const char *const finishes[LAC_FINISHES] = { "", "", "metal ", "striped ", "checked " };
static const char *const floors[LAC_FLOORS] = { "plain", "checked", "striped", "tiled", "speckled", "wooden" };
static const char *const relations[LAC_RELATIONS] = { "left of", "right of", "in front of", "behind" };

lac_vec3 lac_scene_colour(int colour)
{
    const lac_vec3 c = { colours[colour].red, colours[colour].green, colours[colour].blue };
    return v_times(c, c);
}

lac_vec3 lac_scene_second_colour(int colour)
{
    const float grey = colours[colour].light ? 0.01f : 0.88f;
    return (lac_vec3){ grey, grey, grey };
}

bool lac_scene_held_out(int colour, lac_solid_shape shape) { return (int)shape == 2 * colour % LAC_SOLID_SHAPES; }

void lac_scene_label(const lac_solid *s, char label[LAC_SCENE_LABEL])
{
    snprintf(label, LAC_SCENE_LABEL, "%s%s %s", finishes[s->finish], colours[s->colour].name, shapes[s->shape]);
}

void lac_scene_names(const lac_scene *s, char text[LAC_SCENE_CAPTION])
{
    int n = 0;
    text[0] = '\0';
    for (int i = 0; i < s->n; i++) {
        char label[LAC_SCENE_LABEL];
        lac_scene_label(&s->solid[i], label);
        n += snprintf(text + n, (size_t)(LAC_SCENE_CAPTION - n), "%s%s", i > 0 ? " and " : "", label);
    }
}

static const char *size_word(const lac_scene *s, int i)
{
    float largest = 0;
    for (int k = 0; k < s->n; k++)
        largest = largest > s->solid[k].size ? largest : s->solid[k].size;
    return s->n == 1 ? "" : s->solid[i].size < 0.7f * largest ? "small " : s->solid[i].size > 0.9f * largest ? "large " : "";
}

void lac_scene_sentence(const lac_scene *s, char text[LAC_SCENE_CAPTION])
{
    char label[2][LAC_SCENE_LABEL];
    int r = 0;
    const char *const floor = floors[s->ground.floor];
    for (int i = 0; i < 2 && i < s->n; i++)
        lac_scene_label(&s->solid[i], label[i]);
    while (s->n > 1 && r < LAC_RELATIONS && !lac_scene_related(s, 0, 1, (lac_relation)r))
        r++;
    if (s->n == 0)
        snprintf(text, LAC_SCENE_CAPTION, "a %s floor", floor);
    else if (s->n == 1)
        snprintf(text, LAC_SCENE_CAPTION, "a %s on a %s floor", label[0], floor);
    else
        snprintf(text, LAC_SCENE_CAPTION, "a %s%s %s a %s%s on a %s floor", size_word(s, 0), label[0], r < LAC_RELATIONS ? relations[r] : "beside", size_word(s, 1),
                 label[1], floor);
}

const char *lac_scene_relation_name(lac_relation r) { return relations[r]; }

bool lac_scene_related(const lac_scene *s, int subject, int object, lac_relation r)
{
    const lac_solid *a = &s->solid[subject], *b = &s->solid[object];
    const lac_vec3 away = { a->x - b->x, a->y - b->y, 0 };
    const float right = v_dot(away, s->camera.right), ahead = v_dot(away, s->camera.ahead), by = 0.4f;
    const float far[LAC_RELATIONS] = { -right, right, -ahead, ahead };
    return far[r] >= by;
}
