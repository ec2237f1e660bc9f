/* Between the project's layouts and those of published checkpoints. */
#include "autograd/params.h"

#include <string.h>

/* Border axis k is our axis map[k]: OIHW from [O, h, w, I], IOHW from [O, h, w, I]. */
static const int *axes(lac_role role)
{
    static const int conv[4] = { 0, 3, 1, 2 }, transposed[4] = { 3, 0, 1, 2 };
    return role == LAC_ROLE_CONV ? conv : role == LAC_ROLE_CONV_TRANSPOSED ? transposed : NULL;
}

lac_shape lac_border_shape(lac_role role, const lac_shape *ours)
{
    const int *map = ours->ndim == 4 ? axes(role) : NULL;
    lac_shape s = *ours;
    for (int i = 0; map != NULL && i < 4; i++)
        s.dim[i] = ours->dim[map[i]];
    return s;
}

lac_shape lac_inner_shape(lac_role role, const lac_shape *border)
{
    const int *map = border->ndim == 4 ? axes(role) : NULL;
    lac_shape s = *border;
    for (int i = 0; map != NULL && i < 4; i++)
        s.dim[map[i]] = border->dim[i];
    return s;
}

/* Walks the border's elements in order and hands each one's place in our layout to the copy. */
static void reorder(float *to, const float *from, lac_role role, const lac_shape *ours, bool outwards)
{
    const int *map = ours->ndim == 4 ? axes(role) : NULL;
    if (map == NULL) {
        memcpy(to, from, (size_t)lac_shape_numel(ours) * sizeof *to);
        return;
    }
    const lac_shape b = lac_border_shape(role, ours);
    int64_t stride[4] = { 0, 0, 0, 1 }, at = 0;
    for (int i = 2; i >= 0; i--)
        stride[i] = stride[i + 1] * ours->dim[i + 1];
    for (int64_t i = 0; i < b.dim[0]; i++)
        for (int64_t j = 0; j < b.dim[1]; j++)
            for (int64_t k = 0; k < b.dim[2]; k++)
                for (int64_t l = 0; l < b.dim[3]; l++, at++) {
                    const int64_t inner = i * stride[map[0]] + j * stride[map[1]] + k * stride[map[2]] + l * stride[map[3]];
                    to[outwards ? at : inner] = from[outwards ? inner : at];
                }
}

void lac_to_border(float *to, const float *from, lac_role role, const lac_shape *ours) { reorder(to, from, role, ours, true); }
void lac_from_border(float *to, const float *from, lac_role role, const lac_shape *ours) { reorder(to, from, role, ours, false); }
