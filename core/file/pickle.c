#include "core/file/pickle.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 2 * 1000 * 1000, MAX_GLOBAL = 500 };

/* An unfinished pickle: Python's virtual machine, with its stack, the places of marks in it, and the memo. */
typedef struct machine {
    lac_pickle *p;
    const uint8_t *bytes;
    size_t size, at;
    lac_pickled **stack, **memo;
    int64_t n, capacity, n_memo, memo_capacity, n_put;
    int64_t *mark, n_marks, marks_capacity;
} machine;

/* ---- values ---- */

const lac_pickled *lac_pickle_value(const lac_pickle *p, int64_t i) { return &p->block[i / LAC_PICKLE_BLOCK][i % LAC_PICKLE_BLOCK]; }

static lac_status new_value(machine *m, lac_pickled_kind kind, lac_pickled **v)
{
    lac_pickle *p = m->p;
    if (p->n >= MAX_VALUES)
        return LAC_FAIL(LAC_ERR_FORMAT, "the pickle has more than %d values", MAX_VALUES);
    if (p->n % LAC_PICKLE_BLOCK == 0) {
        LAC_TRY(lac_grow((void **)&p->block, p->n_blocks, &p->blocks_capacity, sizeof *p->block));
        LAC_TRY(lac_calloc((void **)&p->block[p->n_blocks], LAC_PICKLE_BLOCK, sizeof **p->block));
        p->n_blocks++;
    }
    *v = &p->block[p->n / LAC_PICKLE_BLOCK][p->n % LAC_PICKLE_BLOCK];
    (*v)->kind = kind;
    p->n++;
    return LAC_OK;
}

static lac_status add_item(lac_pickled *to, const lac_pickled *item)
{
    LAC_TRY(lac_grow((void **)&to->item, to->n, &to->capacity, sizeof *to->item));
    to->item[to->n++] = item;
    return LAC_OK;
}

void lac_pickle_free(lac_pickle *p)
{
    for (int64_t i = 0; i < p->n; i++)
        free(lac_pickle_value(p, i)->item);
    for (int64_t i = 0; i < p->n_blocks; i++)
        free(p->block[i]);
    for (int64_t i = 0; i < p->n_made; i++)
        free(p->made[i]);
    free(p->block);
    free(p->made);
    *p = (lac_pickle){ .root = NULL };
}

bool lac_pickled_is(const lac_pickled *v, lac_pickled_kind kind, const char *text)
{
    return v->kind == kind && (size_t)v->n == strlen(text) && memcmp(v->text, text, (size_t)v->n) == 0;
}

const char *lac_pickled_callee(const lac_pickled *call, char *to, size_t size)
{
    const lac_pickled *who = call->callee;
    for (int i = 0; i < 100 && who->kind == LAC_PICKLED_CALL; i++)      /* what a call returned is called: its own callee says most */
        who = who->callee;
    snprintf(to, size, "%.*s", who->kind == LAC_PICKLED_GLOBAL ? (int)who->n : 1, who->kind == LAC_PICKLED_GLOBAL ? who->text : "?");
    return to;
}

const lac_pickled *lac_pickled_find(const lac_pickled *table, const char *key)
{
    if (table->kind != LAC_PICKLED_TABLE && table->kind != LAC_PICKLED_CALL)
        return NULL;
    for (int64_t i = table->n - 2; i >= 0; i -= 2)
        if (lac_pickled_is(table->item[i], LAC_PICKLED_TEXT, key))
            return table->item[i + 1];
    return NULL;
}

/* ---- the stack ---- */

static lac_status bad(const machine *m, const char *what) { return LAC_FAIL(LAC_ERR_FORMAT, "byte %zu of the pickle: %s", m->at, what); }

static lac_status push(machine *m, lac_pickled *v)
{
    LAC_TRY(lac_grow((void **)&m->stack, m->n, &m->capacity, sizeof *m->stack));
    m->stack[m->n++] = v;
    return LAC_OK;
}

static lac_status push_new(machine *m, lac_pickled_kind kind, lac_pickled **v)
{
    LAC_TRY(new_value(m, kind, v));
    return push(m, *v);
}

static lac_status push_number(machine *m, lac_pickled_kind kind, int64_t number)
{
    lac_pickled *v;
    LAC_TRY(push_new(m, kind, &v));
    v->number = number;
    return LAC_OK;
}

/* Nothing beneath the innermost mark can be taken off. */
static lac_status pop(machine *m, lac_pickled **v)
{
    if (m->n <= (m->n_marks > 0 ? m->mark[m->n_marks - 1] : 0))
        return bad(m, "the stack is empty");
    *v = m->stack[--m->n];
    return LAC_OK;
}

static lac_status put_mark(machine *m)
{
    LAC_TRY(lac_grow((void **)&m->mark, m->n_marks, &m->marks_capacity, sizeof *m->mark));
    m->mark[m->n_marks++] = m->n;
    return LAC_OK;
}

/* Values from *from on are those above the innermost mark, which ends; the stack still has them. */
static lac_status take_mark(machine *m, int64_t *from)
{
    if (m->n_marks == 0)
        return bad(m, "no mark");
    *from = m->mark[--m->n_marks];
    return LAC_OK;
}

/* ---- arguments of opcodes ---- */

static lac_status take(machine *m, uint64_t n, const uint8_t **bytes)
{
    if (n > m->size - m->at)
        return bad(m, "it is cut off");
    *bytes = m->bytes + m->at;
    m->at += n;
    return LAC_OK;
}

/* An unsigned little-endian number of n bytes, at most 8. */
static lac_status take_number(machine *m, int n, uint64_t *number)
{
    const uint8_t *b = NULL;
    LAC_TRY(take(m, (uint64_t)n, &b));
    *number = 0;
    for (int i = 0; i < n; i++)
        *number |= (uint64_t)b[i] << 8 * i;
    return LAC_OK;
}

/* Text with its length, a number of `width` bytes, before it. */
static lac_status take_text(machine *m, int width, lac_pickled_kind kind)
{
    uint64_t n = 0;
    const uint8_t *b = NULL;
    lac_pickled *v;
    LAC_TRY(take_number(m, width, &n));
    LAC_TRY(take(m, n, &b));
    LAC_TRY(push_new(m, kind, &v));
    v->text = (const char *)b;
    v->n = (int64_t)n;
    return LAC_OK;
}

static lac_status take_line(machine *m, const char **line, size_t *n)
{
    const uint8_t *from = m->bytes + m->at, *end = memchr(from, '\n', m->size - m->at);
    if (end == NULL)
        return bad(m, "it is cut off");
    *line = (const char *)from;
    *n = (size_t)(end - from);
    m->at += *n + 1;
    return LAC_OK;
}

/* Two's complement of `width` bytes' length; beyond 64 bits the sign is what is left of it. */
static lac_status take_long(machine *m, int width)
{
    uint64_t n = 0, number = 0;
    const uint8_t *b = NULL;
    LAC_TRY(take_number(m, width, &n));
    LAC_TRY(take(m, n, &b));
    const bool negative = n > 0 && b[n - 1] >> 7;
    for (uint64_t i = 0; i < 8; i++)
        number |= (uint64_t)(i < n ? b[i] : negative ? 0xff : 0) << 8 * i;
    for (uint64_t i = 8; i < n; i++)
        if (b[i] != (negative ? 0xff : 0))
            number = negative ? (uint64_t)INT64_MIN : INT64_MAX;
    return push_number(m, LAC_PICKLED_INT, (int64_t)number);
}

static lac_status take_real(machine *m)
{
    const uint8_t *b = NULL;
    union { uint64_t u; double d; } x = { 0 };
    lac_pickled *v;
    LAC_TRY(take(m, 8, &b));
    for (int i = 0; i < 8; i++)
        x.u = x.u << 8 | b[i];
    LAC_TRY(push_new(m, LAC_PICKLED_FLOAT, &v));
    v->real = x.d;
    return LAC_OK;
}

/* ---- globals and calls ---- */

static lac_status push_global(machine *m, const char *module, size_t n_module, const char *name, size_t n_name)
{
    lac_pickle *p = m->p;
    lac_pickled *v;
    char *text;
    if (n_module + n_name > MAX_GLOBAL || memchr(module, 0, n_module) != NULL || memchr(name, 0, n_name) != NULL)
        return bad(m, "a global of an impossible name");
    LAC_TRY(lac_grow((void **)&p->made, p->n_made, &p->made_capacity, sizeof *p->made));
    LAC_TRY(lac_format(&text, "%.*s.%.*s", (int)n_module, module, (int)n_name, name));
    p->made[p->n_made++] = text;
    LAC_TRY(push_new(m, LAC_PICKLED_GLOBAL, &v));
    v->text = text;
    v->n = (int64_t)strlen(text);
    return LAC_OK;
}

static lac_status take_global(machine *m)
{
    const char *module = "", *name = "";
    size_t n_module = 0, n_name = 0;
    LAC_TRY(take_line(m, &module, &n_module));
    LAC_TRY(take_line(m, &name, &n_name));
    return push_global(m, module, n_module, name, n_name);
}

static lac_status stack_global(machine *m)
{
    lac_pickled *module, *name;
    LAC_TRY(pop(m, &name));
    LAC_TRY(pop(m, &module));
    if (module->kind != LAC_PICKLED_TEXT || name->kind != LAC_PICKLED_TEXT)
        return bad(m, "a global whose name is no text");
    return push_global(m, module->text, (size_t)module->n, name->text, (size_t)name->n);
}

/* What weights have no use for: modules whose functions act on the machine, and the functions of Python itself that do. A name ends in '.'
 * where all of a module is meant. */
static const char *const acting[] = {
    "os.", "posix.", "nt.", "subprocess.", "sys.", "shutil.", "socket.", "pty.", "runpy.", "importlib.", "ctypes.", "commands.", "webbrowser.",
    "code.", "codeop.", "timeit.", "cProfile.", "profile.", "pdb.", "bdb.", "pickle.", "_pickle.", "marshal.", "multiprocessing.", "asyncio.",
    "urllib.request.", "http.client.", "http.server.", "tempfile.", "platform.popen", "torch.hub.", "torch.load", "torch.serialization.load",
    "builtins.eval", "builtins.exec", "builtins.compile", "builtins.open", "builtins.input", "builtins.__import__", "builtins.breakpoint",
    "__builtin__.eval", "__builtin__.execfile", "__builtin__.compile", "__builtin__.open", "__builtin__.input",
    "__builtin__.apply", "__builtin__.file", "__builtin__.__import__", "__builtin__.exec",
};

static lac_status check_callee(const machine *m, const lac_pickled *who)
{
    if (who->kind != LAC_PICKLED_GLOBAL)
        return LAC_OK;
    for (size_t i = 0; i < LAC_COUNT(acting); i++) {
        const size_t n = strlen(acting[i]);
        if (strncmp(who->text, acting[i], n) == 0 && (acting[i][n - 1] == '.' || who->text[n] == '\0'))
            return LAC_FAIL(LAC_ERR_FORMAT, "byte %zu of the pickle calls '%s', which no weights need: refused, and nothing of it was run", m->at, who->text);
    }
    return LAC_OK;
}

/* OrderedDict([[k, v], ...]), as Python 2 wrote them; defaultdict(list). */
static lac_status fill_table(lac_pickled *table, const lac_pickled *arguments)
{
    const lac_pickled *pairs = arguments->n > 0 ? arguments->item[0] : NULL;
    for (int64_t i = 0; pairs != NULL && pairs->kind == LAC_PICKLED_LIST && i < pairs->n; i++) {
        const lac_pickled *pair = pairs->item[i];
        if (pair->kind != LAC_PICKLED_LIST || pair->n != 2)
            continue;
        LAC_TRY(add_item(table, pair->item[0]));
        LAC_TRY(add_item(table, pair->item[1]));
    }
    return LAC_OK;
}

static lac_status call(machine *m)
{
    lac_pickled *who, *arguments, *v;
    LAC_TRY(pop(m, &arguments));
    LAC_TRY(pop(m, &who));
    if (arguments->kind != LAC_PICKLED_LIST)
        return bad(m, "a call whose arguments are no tuple");
    LAC_TRY(check_callee(m, who));
    if (lac_pickled_is(who, LAC_PICKLED_GLOBAL, "collections.OrderedDict") || lac_pickled_is(who, LAC_PICKLED_GLOBAL, "collections.defaultdict")) {
        LAC_TRY(push_new(m, LAC_PICKLED_TABLE, &v));
        return fill_table(v, arguments);
    }
    if (who->kind != LAC_PICKLED_GLOBAL && who->kind != LAC_PICKLED_CALL)
        return bad(m, "a call of what is no function");
    LAC_TRY(push_new(m, LAC_PICKLED_CALL, &v));
    v->callee = who;
    v->arguments = arguments;
    return LAC_OK;
}

/* Keyword arguments are not kept. */
static lac_status call_with_keywords(machine *m)
{
    lac_pickled *keywords;
    LAC_TRY(pop(m, &keywords));
    return call(m);
}

static lac_status build(machine *m)
{
    lac_pickled *state, *of;
    LAC_TRY(pop(m, &state));
    LAC_TRY(pop(m, &of));
    if (of->kind == LAC_PICKLED_CALL)
        of->state = state;              /* of others (an OrderedDict's _metadata) it is not wanted */
    return push(m, of);
}

static lac_status persistent(machine *m)
{
    lac_pickled *what, *v;
    LAC_TRY(pop(m, &what));
    LAC_TRY(push_new(m, LAC_PICKLED_PERSISTENT, &v));
    v->arguments = what;
    return LAC_OK;
}

/* ---- containers ---- */

/* Values from `from` on become the items of a new container. */
static lac_status collect(machine *m, lac_pickled_kind kind, int64_t from)
{
    lac_pickled *v;
    const int64_t n = m->n;
    LAC_TRY(new_value(m, kind, &v));
    for (int64_t i = from; i < n; i++)
        LAC_TRY(add_item(v, m->stack[i]));
    m->n = from;
    return push(m, v);
}

static lac_status collect_marked(machine *m, lac_pickled_kind kind)
{
    int64_t from = 0;
    LAC_TRY(take_mark(m, &from));
    if (kind == LAC_PICKLED_TABLE && (m->n - from) % 2 != 0)
        return bad(m, "a key without a value");
    return collect(m, kind, from);
}

static lac_status collect_some(machine *m, int n)
{
    if (m->n - (m->n_marks > 0 ? m->mark[m->n_marks - 1] : 0) < n)
        return bad(m, "the stack is empty");
    return collect(m, LAC_PICKLED_LIST, m->n - n);
}

/* Values from `from` on go into the container beneath them. Calls take pairs; what else they are given is not kept. */
static lac_status extend(machine *m, int64_t from, bool pairs)
{
    if (from - (m->n_marks > 0 ? m->mark[m->n_marks - 1] : 0) < 1)
        return bad(m, "the stack is empty");
    lac_pickled *to = m->stack[from - 1];
    if (to->kind != LAC_PICKLED_CALL && to->kind != (pairs ? LAC_PICKLED_TABLE : LAC_PICKLED_LIST))
        return bad(m, "items for what is no container of such");
    if (pairs && (m->n - from) % 2 != 0)
        return bad(m, "a key without a value");
    for (int64_t i = from; i < m->n && (pairs || to->kind != LAC_PICKLED_CALL); i++)
        LAC_TRY(add_item(to, m->stack[i]));
    m->n = from;
    return LAC_OK;
}

static lac_status extend_marked(machine *m, bool pairs)
{
    int64_t from = 0;
    LAC_TRY(take_mark(m, &from));
    return extend(m, from, pairs);
}

/* ---- the memo ---- */

static lac_status memo_put(machine *m, uint64_t at)
{
    if (m->n <= (m->n_marks > 0 ? m->mark[m->n_marks - 1] : 0))
        return bad(m, "the stack is empty");
    if (at > MAX_VALUES)
        return bad(m, "a memo of an impossible number");
    while ((uint64_t)m->n_memo <= at) {
        LAC_TRY(lac_grow((void **)&m->memo, m->n_memo, &m->memo_capacity, sizeof *m->memo));
        m->memo[m->n_memo++] = NULL;
    }
    m->n_put += m->memo[at] == NULL;
    m->memo[at] = m->stack[m->n - 1];
    return LAC_OK;
}

static lac_status memo_get(machine *m, uint64_t at)
{
    if (at >= (uint64_t)m->n_memo || m->memo[at] == NULL)
        return bad(m, "nothing has the memo's number");
    return push(m, m->memo[at]);
}

/* ---- opcodes ---- */

static lac_status plain(machine *m, uint8_t op)
{
    uint64_t number = 0;
    switch (op) {
    case 'N': return push_number(m, LAC_PICKLED_NONE, 0);
    case 0x88: return push_number(m, LAC_PICKLED_BOOL, 1);
    case 0x89: return push_number(m, LAC_PICKLED_BOOL, 0);
    case 'J': LAC_TRY(take_number(m, 4, &number)); return push_number(m, LAC_PICKLED_INT, (int32_t)number);
    case 'K': LAC_TRY(take_number(m, 1, &number)); return push_number(m, LAC_PICKLED_INT, (int64_t)number);
    case 'M': LAC_TRY(take_number(m, 2, &number)); return push_number(m, LAC_PICKLED_INT, (int64_t)number);
    case 0x8a: return take_long(m, 1);
    case 0x8b: return take_long(m, 4);
    case 'G': return take_real(m);
    case 'X': return take_text(m, 4, LAC_PICKLED_TEXT);
    case 0x8c: return take_text(m, 1, LAC_PICKLED_TEXT);
    case 0x8d: return take_text(m, 8, LAC_PICKLED_TEXT);
    case 'T': return take_text(m, 4, LAC_PICKLED_TEXT);             /* Python 2's own strings are text here */
    case 'U': return take_text(m, 1, LAC_PICKLED_TEXT);
    case 'B': return take_text(m, 4, LAC_PICKLED_BYTES);
    case 'C': return take_text(m, 1, LAC_PICKLED_BYTES);
    case 0x8e: case 0x96: return take_text(m, 8, LAC_PICKLED_BYTES);
    default: return LAC_FAIL(LAC_ERR_FORMAT, "byte %zu of the pickle: 0x%02x is no opcode of protocols 2 to 5 that is read", m->at - 1, op);
    }
}

static lac_status container(machine *m, uint8_t op)
{
    lac_pickled *v;
    switch (op) {
    case ']': case ')': case 0x8f: return push_new(m, LAC_PICKLED_LIST, &v);
    case '}': return push_new(m, LAC_PICKLED_TABLE, &v);
    case 'a': return extend(m, m->n - 1, false);
    case 's': return extend(m, m->n - 2, true);
    case 'e': case 0x90: return extend_marked(m, false);
    case 'u': return extend_marked(m, true);
    case 'l': case 't': case 0x91: return collect_marked(m, LAC_PICKLED_LIST);
    case 'd': return collect_marked(m, LAC_PICKLED_TABLE);
    case 0x85: case 0x86: case 0x87: return collect_some(m, op - 0x84);
    default: return plain(m, op);
    }
}

static lac_status drop(machine *m)
{
    lac_pickled *v;
    if (m->n_marks > 0 && m->n == m->mark[m->n_marks - 1])
        return m->n_marks--, LAC_OK;
    return pop(m, &v);
}

static lac_status step(machine *m, uint8_t op)
{
    uint64_t number = 0;
    lac_pickled *v;
    switch (op) {
    case 0x80:
        LAC_TRY(take_number(m, 1, &number));
        return number >= 2 && number <= 5 ? LAC_OK : bad(m, "no protocol from 2 to 5");
    case 0x95: return take_number(m, 8, &number);                   /* a frame's length, which is no part of the values */
    case '(': return put_mark(m);
    case '0': return drop(m);
    case '1': LAC_TRY(take_mark(m, &m->n)); return LAC_OK;
    case '2': LAC_TRY(pop(m, &v)); LAC_TRY(push(m, v)); return push(m, v);
    case 'q': LAC_TRY(take_number(m, 1, &number)); return memo_put(m, number);
    case 'r': LAC_TRY(take_number(m, 4, &number)); return memo_put(m, number);
    case 0x94: return memo_put(m, (uint64_t)m->n_put);
    case 'h': LAC_TRY(take_number(m, 1, &number)); return memo_get(m, number);
    case 'j': LAC_TRY(take_number(m, 4, &number)); return memo_get(m, number);
    case 'c': return take_global(m);
    case 0x93: return stack_global(m);
    case 'R': case 0x81: return call(m);
    case 0x92: return call_with_keywords(m);
    case 'b': return build(m);
    case 'Q': return persistent(m);
    default: return container(m, op);
    }
}

static lac_status run(machine *m)
{
    lac_pickled *root;
    const uint8_t *op = NULL;
    if (m->size < 2 || m->bytes[0] != 0x80)
        return LAC_FAIL(LAC_ERR_FORMAT, "no pickle of protocol 2 or later");
    for (;;) {
        LAC_TRY(take(m, 1, &op));
        if (*op == '.')
            break;
        LAC_TRY(step(m, *op));
    }
    LAC_TRY(pop(m, &root));
    if (m->n != 0 || m->n_marks != 0)
        return bad(m, "it ends with values left over");
    m->p->root = root;
    return LAC_OK;
}

lac_status lac_pickle_read(lac_pickle *p, const char *bytes, size_t size, size_t *used)
{
    machine m = { .p = p, .bytes = (const uint8_t *)bytes, .size = size };
    *p = (lac_pickle){ .root = NULL };
    const lac_status s = run(&m);
    free(m.stack);
    free(m.memo);
    free(m.mark);
    *used = m.at;
    if (s != LAC_OK)
        lac_pickle_free(p);
    return s;
}
