/* core/module.h -- shared objects of our own that are loaded on demand: what they need (MPI, CUDA) may be absent without harm.
 *
 * liblacuna-NAME.so lies beside the program, or in ../lib/lacuna of an installed one. It uses the program's own functions, and stays
 * loaded to the end. */
#pragma once

#include "core/status.h"

/* LAC_ERR_LIBRARY when there is no such module, it does not load (a library that it needs is not there: the reason is told), or it
 * lacks the symbol. */
lac_status lac_module_symbol(const char *module, const char *symbol, void **entry);

/* The folder that this program lies in, without a slash at its end; fresh, free(*folder). */
lac_status lac_program_folder(char **folder);
