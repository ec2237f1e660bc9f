/* lacuna ops: docs/ops.md, from autograd/ops/ops.def and the definitions. */
#include "cli/commands.h"

#include "autograd/op.h"
#include "autograd/ops/ops.h"

/* Floats are what nearly every input takes; only the others are spelled out. */
static const char *dtypes(unsigned flags)
{
    const unsigned set = flags & ((1u << LAC_N_DTYPES) - 1);
    static char text[64];
    size_t n = 0;
    if (set == 0 || set == LAC_FLOATS)
        return "";
    for (int d = 0; d < LAC_N_DTYPES; d++)
        if (set >> d & 1)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? "/" : " ", lac_dtype_name((lac_dtype)d));
    return text;
}

static void print_inputs(const lac_op_def *d)
{
    for (int i = 0; i < lac_op_n_in(d); i++)
        printf("%s`%s`%s%s", i ? ", " : "", d->in[i].name, dtypes(d->in[i].flags), d->in[i].flags & LAC_OPTIONAL ? " (optional)" : "");
}

static void print_outputs(const lac_op_def *d)
{
    for (int i = 0; i < lac_op_n_out(d); i++)
        printf("%s`%s`%s%s", i ? ", " : "", d->out[i].name, d->out[i].flags & LAC_SAVED ? " (saved)" : "", d->out[i].flags & LAC_OPTIONAL ? " (optional)" : "");
}

static void print_kept(const lac_op_def *d)
{
    int n = 0;
    for (int i = 0; i < lac_op_n_in(d); i++)
        if (d->keeps & LAC_KEEP_IN(i))
            printf("%s`%s`", n++ ? ", " : "", d->in[i].name);
    for (int i = 0; i < lac_op_n_out(d); i++)
        if (d->keeps & LAC_KEEP_OUT(i))
            printf("%s`%s`", n++ ? ", " : "", d->out[i].name);
    if (n == 0)
        printf(d->no_gradient ? "no gradient" : "shapes alone");
}

static void print_table(void)
{
    printf("# Ops\n\n"
           "What `lacuna ops` prints, made from `autograd/ops/ops.def`. Each name leads to the op's contract: shapes, equation, source,\n"
           "failures. Inputs are f32 or bf16 unless another dtype is named; saved outputs are there for backward alone.\n\n"
           "| op | what it computes | inputs | outputs | backward reads |\n|---|---|---|---|---|\n");
    for (int op = 0; op < LAC_N_OPS; op++) {
        const lac_op_def *d = lac_op_find((lac_op)op);
        const char *name = lac_op_name((lac_op)op);
        printf("| [%s](../autograd/ops/%s/%s.h) | ", name, name, name);
        for (const char *c = lac_op_doc((lac_op)op); *c != '\0'; c++)
            printf(*c == '|' ? "\\|" : *c == '*' || *c == '_' ? "\\%c" : "%c", *c);
        printf(" | ");
        print_inputs(d);
        printf(" | ");
        print_outputs(d);
        printf(" | ");
        print_kept(d);
        printf(" |\n");
    }
}

int lac_cmd_ops(int argc, char **argv)
{
    const lac_command command = { "lacuna ops", NULL, 0, 0, "Prints the table of ops as Markdown: docs/ops.md is its output.", NULL };
    lac_words words = { NULL, 0 };
    bool go;
    const lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go)
        print_table();
    lac_words_free(&words);
    return lac_finish(s);
}
