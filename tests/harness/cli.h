/* tests/harness/cli.h -- a subcommand called as main() would call it, and the smallest model there is. */
#pragma once

#include "cli/commands.h"
#include "models/inpainter.h"
#include "tests/harness/test.h"

#include <unistd.h>

enum { LAC_CLI_TEXT = 16384 };

typedef struct lac_cli_said { char out[LAC_CLI_TEXT], err[LAC_CLI_TEXT]; } lac_cli_said;

/* words up to NULL, the first being the subcommand's name. Returns the exit status. */
int lac_cli(int command(int argc, char **argv), lac_cli_said *said, const char *const *words);
#define LAC_CLI(command, said, ...) lac_cli(command, said, (const char *const[]){ #command, __VA_ARGS__, NULL })

/* One line on stderr that contains the text. */
bool lac_cli_complains(const lac_cli_said *said, const char *text);

/* "FOLDER/NAME"; lives until 64 more were made. */
char *lac_cli_path(const char *folder, const char *name);
bool lac_cli_same_file(const char *a, const char *b);

/* A file's first bytes: all of them at share 1. */
void lac_cli_copy(const char *from, const char *to, double share);

/* Tensors of a weights file: that one is there in this shape; its values, free() them; that two files hold the same. */
void lac_cli_has(const char *path, const char *key, int ndim, const int64_t *dim);
#define LAC_CLI_HAS(path, key, ...) lac_cli_has(path, key, LAC_COUNT(((int64_t[]){ __VA_ARGS__ })), (int64_t[]){ __VA_ARGS__ })
float *lac_cli_values(const char *path, const char *key);
void lac_cli_same_tensors(const char *a, const char *b);
/* FOLDER/NAME, a copy of a weights file without metadata; `change`, to NULL, drops, adds or reshapes: "drop KEY", "add KEY", "flatten KEY". */
char *lac_cli_strip(const char *from, const char *folder, const char *name, const char *const *change);

/* Each makes FOLDER/NAME and returns its path. A network, or DeepFill's generator, of drawn weights, given: keys of its config as JSON; a mask with one
 * rectangular hole; a picture, PNG or JPEG by the name's ending. */
char *lac_cli_network(const char *network, const char *folder, const char *name, const char *given, bool bgr, uint64_t seed);
char *lac_cli_model(const char *folder, const char *name, const char *given, bool bgr, uint64_t seed);
/* The sampler of tests/harness/sampler.h, which commands find by its name from then on. */
char *lac_cli_sampler(const char *folder, const char *name, uint64_t seed);
char *lac_cli_mask(const char *folder, const char *name, int64_t height, int64_t width, int64_t top, int64_t left, int64_t h, int64_t w);
char *lac_cli_picture(const char *folder, const char *name, int64_t height, int64_t width, uint64_t seed);

/* FOLDER/set.h5: pictures of several sizes, split "train" of 3 and "val" of 5; FOLDER/masks.png: 3 masks of 32x32. */
void lac_cli_set(const char *folder);
/* FOLDER/runs/tiny: one step of a small DeepFill with an EMA on that set, which it makes. Returns the run's folder. */
char *lac_cli_run(const char *folder);
/* The config of that run, as JSON; which is Lua's table too but for the quotes: free(). */
char *lac_cli_run_config(const char *folder);
