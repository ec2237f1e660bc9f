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

int lac_finish_rank(lac_status s, lac_comm *comm, bool agreed)
{
    if (comm == NULL || comm->size == 1)
        return lac_finish(s);
    const bool together = agreed && s != LAC_OK && s != LAC_ERR_TIMEOUT && s != LAC_ERR_LIBRARY;
    if (s != LAC_OK && s != LAC_ERR_STOPPED && !together)
        comm->abort(comm, lac_error_message());
    if (s == LAC_ERR_TIMEOUT)
        lac_context(s, "rank %d", comm->rank);
    const int code = comm->rank == 0 || s == LAC_ERR_TIMEOUT ? lac_finish(s) : lac_exit_code(s);
    if (together)
        lac_comm_agree(comm, LAC_OK);           /* mpirun ends the others when one ends so: not before the first has spoken */
    return code;
}
