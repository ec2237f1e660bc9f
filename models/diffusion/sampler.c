#include "models/diffusion/sampler.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/ranged_noise/ranged_noise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- moves ---- */

lac_move *lac_moves_to(lac_sampler_moves *m, int slot)
{
    lac_move *move = &m->move[m->n++];
    *move = (lac_move){ .to = slot };
    return move;
}

void lac_move_add(lac_move *m, int slot, double a)
{
    int i = 0;
    while (i < m->n && m->from[i] != slot)
        i++;
    if (a == 0)
        return;
    if (i == m->n) {
        m->from[m->n++] = slot;
        m->a[i] = 0;
    }
    m->a[i] += a;
}

void lac_move_add_estimate(lac_move *m, lac_estimate e, double a)
{
    lac_move_add(m, LAC_SLOT_SAMPLE, a * e.x);
    lac_move_add(m, LAC_SLOT_OUTPUT, a * e.output);
}

static lac_sampler_moves moves_of(const lac_sampler *s, int64_t k)
{
    lac_sampler_moves m = { .n = 0 };
    s->def->step(s, k, &m);
    return m;
}

/* Slots that a step reads as it found them, a bit each. */
static unsigned reads(const lac_sampler_moves *m)
{
    unsigned read = 1u << LAC_SLOT_SAMPLE, written = 0;
    for (int i = 0; i < m->n; i++) {
        for (int k = 0; k < m->move[i].n; k++)
            read |= 1u << m->move[i].from[k] & ~written;
        written |= 1u << m->move[i].to;
    }
    return read;
}

/* ---- what a sampler says of its steps ---- */

bool lac_sampler_draws(const lac_sampler *s, int64_t k)
{
    const lac_sampler_moves m = moves_of(s, k);
    return (reads(&m) & 1u << LAC_SLOT_NOISE) != 0;
}

bool lac_sampler_is_random(const lac_sampler *s) { return s->def->is_random != NULL && s->def->is_random(s); }

bool lac_sampler_learns_variance(const lac_sampler *s)
{
    lac_variance_range range;
    return s->def->variance != NULL && s->def->variance(s, 0, &range);
}

bool lac_sampler_remembers(const lac_sampler *s)
{
    const unsigned kept = (1u << LAC_SLOTS_KEPT) - 1 - (1u << LAC_SLOT_SAMPLE);
    for (int64_t k = 0; k < s->n; k++) {
        const lac_sampler_moves m = moves_of(s, k);
        if (reads(&m) & kept)
            return true;
    }
    return false;
}

double lac_sampler_input_scale(const lac_sampler *s, int64_t k) { return s->def->scales_input ? 1 / sqrt(s->sigma[k] * s->sigma[k] + 1) : 1; }

lac_mixture lac_sampler_level(const lac_sampler *s, int64_t k)
{
    if (k >= s->n)
        return (lac_mixture){ 1, 0 };
    if (s->def->scales_input)
        return (lac_mixture){ 1, s->sigma[k] };
    return lac_mix_sample(s->sigma[0] > 0 ? 1 / (1 + s->sigma[k] * s->sigma[k]) : s->schedule.alpha_bar[(int64_t)s->timestep[k]]);
}

void lac_sampler_pattern(const lac_sampler *s, int64_t k, char *text, size_t size)
{
    const lac_sampler_moves m = moves_of(s, k);
    char buffer[2 + LAC_STEP_MOVES * (LAC_MOVE_TERMS + 3) + 1];
    size_t n = 0;
    buffer[n++] = s->def->scales_input ? '/' : ' ';
    buffer[n++] = lac_sampler_learns_variance(s) ? 'v' : ' ';
    for (int i = 0; i < m.n; i++) {
        buffer[n++] = (char)('A' + m.move[i].to);
        buffer[n++] = m.move[i].clip > 0 ? '|' : '=';
        for (int j = 0; j < m.move[i].n; j++)
            buffer[n++] = (char)('A' + m.move[i].from[j]);
        buffer[n++] = m.move[i].n == 1 && m.move[i].a[0] == 1 ? '.' : ';';
    }
    buffer[n] = '\0';
    snprintf(text, size, "%s", buffer);
}

void lac_sampler_skip(lac_sampler *s, int64_t first)
{
    const int64_t left = s->n - first;
    memmove(s->timestep, s->timestep + first, (size_t)left * sizeof *s->timestep);
    memmove(s->sigma, s->sigma + first, (size_t)(s->steps + 1 - first) * sizeof *s->sigma);
    s->n = left;
    if (first > 0 && s->def->skipped != NULL)
        s->def->skipped(s);
}

/* ---- the state ---- */

void lac_sampler_begin_at(lac_sampler_state *st, int64_t k, lac_tensor *x)
{
    *st = (lac_sampler_state){ .k = k };
    st->slot[LAC_SLOT_SAMPLE] = x;
}

void lac_sampler_begin(const lac_sampler *s, lac_sampler_state *st, lac_tensor *x)
{
    lac_sampler_begin_at(st, 0, x);
    for (int64_t i = 0; s->init_sigma != 1 && i < lac_numel(x); i++)
        ((float *)x->data)[i] *= (float)s->init_sigma;
}

void lac_sampler_state_free(lac_sampler_state *st)
{
    for (int i = 0; i < LAC_SLOTS_KEPT; i++) {
        lac_tensor_free(st->slot[i]);
        lac_tensor_free(st->next[i]);
    }
    *st = (lac_sampler_state){ 0 };
}

/* ---- a step ---- */

/* sum of a[i] x[i], the coefficients by way of `lie`, which outlives the region. */
static lac_tensor *combine(lac_tape *t, const double *a, double scale, float *lie, lac_tensor *const *x, int n)
{
    lac_tensor host = { .data = lie };
    lac_tensor_shape(&host, LAC_F32, 1, (int64_t[]){ n });
    for (int i = 0; i < n; i++)
        lie[i] = (float)(a[i] * scale);
    return lac_lincomb(t, lac_tape_input(t, &host, LAC_F32), x, n, LAC_F32);
}

lac_tensor *lac_sampler_input(lac_tape *t, const lac_sampler *s, lac_sampler_state *st)
{
    memset(st->on_tape, 0, sizeof st->on_tape);
    st->written = 0;
    if (lac_tape_status(t) != LAC_OK)
        return NULL;
    if (st->k >= s->n)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "%s has no step %lld of %lld", s->def->name, (long long)st->k, (long long)s->n));
    const lac_sampler_moves m = moves_of(s, st->k);
    const unsigned read = reads(&m);
    for (int i = 0; i < LAC_SLOTS_KEPT; i++)
        if (read & 1u << i) {
            if (st->slot[i] == NULL)
                return lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "%s cannot begin with step %lld: what it remembers is missing", s->def->name, (long long)st->k));
            st->on_tape[i] = lac_tape_input(t, st->slot[i], LAC_F32);
        }
    const double scale = lac_sampler_input_scale(s, st->k);
    return s->def->scales_input ? combine(t, &scale, 1, st->a[LAC_STEP_MOVES], st->on_tape, 1) : st->on_tape[LAC_SLOT_SAMPLE];
}

/* A copy is the slot itself: lac_keep makes f32 of it. */
static lac_tensor *moved(lac_tape *t, lac_sampler_state *st, const lac_move *m, int i)
{
    lac_tensor *x[LAC_MOVE_TERMS];
    for (int k = 0; k < m->n; k++)
        x[k] = st->on_tape[m->from[k]];
    if (m->n == 1 && m->a[0] == 1 && m->clip == 0)
        return x[0];
    lac_tensor *y = combine(t, m->a, m->clip > 0 ? 1 / m->clip : 1, st->a[i], x, m->n);
    return m->clip > 0 ? combine(t, &m->clip, 1, &st->unclip[i], (lac_tensor *[]){ lac_activation(t, y, LAC_ACT_CLIP) }, 1) : y;
}

/* The step's noise; with the deviation that the network says where it says one. */
static lac_tensor *noise_of(lac_tape *t, const lac_sampler *s, lac_sampler_state *st, lac_tensor *variance, lac_tensor *noise)
{
    lac_variance_range range;
    lac_tensor host = { .data = st->range };
    if (noise == NULL || s->def->variance == NULL || !s->def->variance(s, st->k, &range))
        return noise;
    if (variance == NULL)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "%s wants the variance that the network says in step %lld, got none", s->def->name, (long long)st->k));
    lac_tensor_shape(&host, LAC_F32, 1, (int64_t[]){ 2 });
    st->range[0] = (float)range.least;
    st->range[1] = (float)range.most;
    return lac_ranged_noise(t, noise, variance, lac_tape_input(t, &host, LAC_F32));
}

lac_tensor *lac_sampler_step(lac_tape *t, const lac_sampler *s, lac_sampler_state *st, lac_tensor *output, lac_tensor *variance, lac_tensor *noise)
{
    if (lac_tape_status(t) != LAC_OK)
        return NULL;
    const lac_sampler_moves m = moves_of(s, st->k);
    if (reads(&m) & 1u << LAC_SLOT_NOISE && noise == NULL)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "%s adds noise in step %lld, got none", s->def->name, (long long)st->k));
    st->on_tape[LAC_SLOT_OUTPUT] = output;
    st->on_tape[LAC_SLOT_NOISE] = noise_of(t, s, st, variance, noise);
    for (int i = 0; i < m.n; i++) {
        st->on_tape[m.move[i].to] = moved(t, st, &m.move[i], i);
        st->written |= 1u << m.move[i].to;
    }
    return st->on_tape[LAC_SLOT_SAMPLE];
}

lac_status lac_sampler_keep(lac_tape *t, lac_sampler_state *st, lac_tensor *sample)
{
    LAC_TRY(lac_tape_status(t));
    st->on_tape[LAC_SLOT_SAMPLE] = sample;
    st->written |= 1u << LAC_SLOT_SAMPLE;
    for (int i = 0; i < LAC_SLOTS_KEPT; i++) {
        lac_tensor_free(st->next[i]);
        st->next[i] = NULL;
        if (st->written & 1u << i)
            LAC_TRY(lac_keep(t, st->on_tape[i], &st->next[i]));
    }
    return LAC_OK;
}

void lac_sampler_next(lac_sampler_state *st)
{
    for (int i = 0; i < LAC_SLOTS_KEPT; i++)
        if (st->written & 1u << i) {
            lac_tensor_free(st->slot[i]);
            st->slot[i] = st->next[i];
            st->next[i] = NULL;
        }
    st->written = 0;
    st->k++;
}
