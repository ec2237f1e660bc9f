/* eval/journal.h -- what each rank has found, noted while it measures: an evaluation that was killed goes on where it stood.
 *
 *     the question's hash, a line; then records: u32 bytes, u32 their CRC-32C, the bytes
 *
 * in the machine's own byte order, in files STEM-RANK. The question is all that values depend on: a file of another one is written anew; of one that ends in the
 * middle of a record the rest is not there. */
#pragma once

#include "core/sha256.h"
#include "eval/blob.h"

/* Every record of every rank's file of that question, whatever the number of ranks; bytes live as long as the call. */
typedef lac_status lac_journal_take(void *context, lac_blob_reader *record);
lac_status lac_journal_read(const char *stem, const char question[LAC_SHA256_HEX], lac_journal_take *take, void *context);

/* This rank's, new and aside; _settle puts it in the old one's place, when it has what is to be kept of that. _note: into the file before it returns. _close is
 * safe on NULL. */
typedef struct lac_journal lac_journal;
lac_status lac_journal_open(lac_journal **j, const char *stem, int rank, const char question[LAC_SHA256_HEX]);
lac_status lac_journal_settle(lac_journal *j);
lac_status lac_journal_note(lac_journal *j, const lac_blob *record);
void lac_journal_close(lac_journal *j);

/* All of that by which an evaluation goes on, on every rank: what earlier runs noted is taken, and `again` notes what of it is this rank's into its new journal
 * before the old ones may be lost. *j is set before `again` is called, and the caller's also after a failure. */
typedef lac_status lac_journal_again(void *context);
lac_status lac_journal_take_up(lac_journal **j, const char *stem, const char question[LAC_SHA256_HEX], lac_journal_take *take, lac_journal_again *again, void *context,
                               lac_comm *comm);

lac_status lac_journal_forget(const char *stem);           /* removes every rank's */
