/* cli/probe/probe.h -- `lacuna probe`: one forward (and backward) of a KIND on tensors from a file.
 *
 * A KIND is data: its config keys, its inputs with their layouts, and what to run. Two sorts: those that record on a tape
 * (`forward`; gradients and bf16 come for free) and those that compute on the host (`compute`). */
#pragma once

#include "core/file/weights.h"
#include "models/network.h"

enum { LAC_PROBE_MAX_PORTS = 16, LAC_PROBE_MAX_OUT = 32, LAC_PROBE_MAX_NETS = 4 };

typedef enum {
    LAC_LAYOUT_PLAIN,           /* as it lies */
    LAC_LAYOUT_IMAGE,           /* [B, C, H, W] at the border, [B, H, W, C] inside */
    LAC_LAYOUT_CONV,            /* [O, I, kh, kw] and [O, kh, kw, I] */
} lac_layout;

enum {
    LAC_PORT_OPTIONAL = 1,
    LAC_PORT_NO_GRAD = 2,       /* masks and given statistics: stay f32, never get a gradient */
    LAC_PORT_F32 = 4,           /* stays f32 in a bf16 run, but has a gradient (biases) */
    LAC_PORT_U8 = 8, LAC_PORT_I64 = 16,        /* that dtype alone; no gradient */
    LAC_PORT_F32_OR_U8 = 32,
    LAC_PORT_NUMBERED = 64,     /* NAME_0, NAME_1, ...; of a name that ends with a dot, NAME.0, NAME.1: consecutive */
    LAC_PORT_PARAMETER = 128,   /* a weight: NaN in it is an error */
    LAC_PORT_OR_U8 = 256,       /* 8-bit pictures [B, H, W, C] as well as floats in the port's layout */
    LAC_PORT_NUMBER = 512,      /* integers too, as f32; with LAC_PORT_NO_GRAD */
    LAC_PORT_INTEGER = 2048,    /* integers alone, as f32 in the port's layout; with LAC_PORT_NO_GRAD */
    LAC_PORT_F64 = 1024,        /* stays double, whatever float it comes as; layout plain, no gradient */
};

typedef struct lac_port {
    const char *name;
    lac_layout layout;
    int ndim;                   /* -1: any */
    unsigned flags;
    const char *shape;          /* for --list: "[B,C,H,W]" */
} lac_port;

typedef struct lac_probe_value {
    char name[64];
    const lac_port *port;       /* of an input */
    lac_layout layout;
    lac_tensor *host;           /* in the project's layout: f32, or u8/i64 where the port says so, or f64 outputs */
    lac_tensor *on_tape;        /* of the open region */
    lac_tensor *grad;           /* input: result; output: dL/dy from the file; host */
    const lac_params *into;     /* output: its gradient reaches this network alone; NULL: inputs and all networks */
    bool no_flow;               /* output: its gradient reaches nothing */
} lac_probe_value;

typedef struct lac_probe {
    const struct lac_kind *kind;
    json_t *config;             /* resolved */
    lac_weights *in;
    const char *weights_path, *config_path;     /* as given; NULL: none */
    const lac_backend *backend;
    lac_dtype dtype;
    bool want_grad, deterministic;
    lac_probe_value *input, output[LAC_PROBE_MAX_OUT];
    int64_t n_in, inputs_capacity;
    int n_out;
    lac_network net[LAC_PROBE_MAX_NETS];
    const char *prefix[LAC_PROBE_MAX_NETS];    /* of its keys in the weights: "", "generator." */
    const struct lac_network_format *format;    /* of the weights, where the KIND takes foreign ones and these are, or its open says so; else NULL */
    int n_nets;
    lac_tensor **net_grad[LAC_PROBE_MAX_NETS];  /* by parameter */
    float **borders;            /* outputs in the border's layout, until written, and what lac_probe_numbers gave */
    int64_t n_borders, borders_capacity;
} lac_probe;

typedef struct lac_kind {
    const char *name, *about;
    const lac_key *keys;        /* NULL: none */
    const lac_port *in;         /* ends with { NULL }; on a tape LAC_PROBE_MAX_PORTS at most, none of them numbered */
    const char *out;            /* for --list: "y, next_mask" */
    /* Its networks, whose weights come from --weights: one, whose config is the KIND's with the keys that the network has; or several (or
     * several configs), made by open with lac_probe_network. Both NULL: has none, and no --weights. */
    const lac_network_def *network;
    lac_status (*open)(lac_probe *p);
    const char *folder;         /* the files in --weights FOLDER that compute reads itself; NULL: it reads none */
    bool foreign;               /* weights may have names and layouts of any format of `network`; gradients come out under those of the file */
    const char *also;           /* or names of this one format alone, by its word; NULL: of none */
    const struct lac_kind *other;               /* the KIND under the same name for configs of another form: those that have the key */
    const char *told_by;
    lac_status (*forward)(lac_probe *p, lac_tape *t);   /* twice: planning and running */
    lac_status (*compute)(lac_probe *p);
} lac_kind;

#define LAC_KIND(identifier) extern const lac_kind lac_kind_##identifier;
#include "cli/probe/kinds.def"
#undef LAC_KIND

/* For kinds. An absent optional input is NULL. */
lac_tensor *lac_probe_tensor(const lac_probe *p, const char *name);         /* on the tape */
const lac_tensor *lac_probe_host(const lac_probe *p, const char *name);
lac_status lac_probe_same_shape(const lac_probe *p, const char *name, const char *as);      /* two inputs; else an error naming both */
/* The file that a config key names, relative to the config's folder, or NULL where it is not given; *path is fresh. */
lac_status lac_probe_path(const lac_probe *p, const char *key, char **path);
/* Room for n numbers, the probe's until it ends. */
lac_status lac_probe_numbers(lac_probe *p, int64_t n, float **x);
/* prefix: of its keys in the weights, "" or "generator."; config: keys of the network, resolved here; NULL: those of the KIND's that it has. */
lac_status lac_probe_network(lac_probe *p, const lac_network_def *def, const char *name, const char *prefix, const json_t *config);
const void *lac_probe_model(const lac_probe *p, int i);      /* of the i-th network */
/* y's values are kept; into and no_flow as in lac_probe_value. */
lac_status lac_probe_out(lac_probe *p, lac_tape *t, const char *name, lac_layout layout, lac_tensor *y);
lac_status lac_probe_out_into(lac_probe *p, lac_tape *t, const char *name, lac_layout layout, lac_tensor *y, const lac_params *into, bool no_flow);
/* A host output: *x is fresh and zero, the probe's. */
lac_status lac_probe_result(lac_probe *p, const char *name, lac_dtype d, int ndim, const int64_t *dim, lac_tensor **x);

