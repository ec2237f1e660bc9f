#include "cli/commands.h"

#include <lac_version.h>

const char *lac_code_version(void) { return LAC_VERSION; }
const char *lac_code_revision(void) { return LAC_REVISION; }

int lac_exit_code(lac_status s)
{
    return s == LAC_OK ? 0 : s == LAC_ERR_ARG ? 2 : s == LAC_ERR_STOPPED ? 75 : s == LAC_ERR_TIMEOUT ? 76 : 1;
}

int lac_finish(lac_status s)
{
    if (s == LAC_OK && (fflush(stdout) != 0 || ferror(stdout)))      /* > table.md on a full disk */
        s = LAC_FAIL(LAC_ERR_IO, "cannot write all of the standard output: is the disk full?");
    if (s != LAC_OK)
        fprintf(stderr, "lacuna: %s\n", lac_error_message());
    return lac_exit_code(s);
}
