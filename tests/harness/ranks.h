/* tests/harness/ranks.h -- ranks as processes of a test, over TCP on this machine. */
#pragma once

#include "core/comm/comm.h"
#include "core/comm/launch.h"

#include <stdio.h>

enum { LAC_TEST_RANKS = 4 };

typedef struct lac_ranks_here { lac_comm *comm; lac_launch launch; lac_status opened; void *context; } lac_ranks_here;
typedef int lac_rank_body(lac_ranks_here *h);       /* 0 is well */

/* In a body. */
#define WANT(expression)                                                                                                      \
    do {                                                                                                                      \
        if (!(expression)) {                                                                                                  \
            fprintf(stderr, "%s:%d: rank %d: not so: %s   [message: %s]\n", __FILE__, __LINE__, h->launch.rank, #expression, lac_error_message()); \
            return 1;                                                                                                         \
        }                                                                                                                     \
    } while (0)
#define WANT_FAILURE(call, status, text) WANT((call) == (status) && strstr(lac_error_message(), (text)) != NULL)

int lac_test_port(int *socket);                     /* nobody listens there; *socket holds it, NULL: let go */

/* This process becomes that rank, and ends. */
void lac_be_rank(lac_rank_body *f, lac_launch l, double timeout, void *context);

/* Processes of all ranks but those in `absent` (a bit each); each must end with 0. */
void lac_play(lac_rank_body *f, int size, unsigned absent, double timeout, int port, void *context);

/* Numbers whose sum depends on the order, and their sum over the ranks in order. */
float lac_rank_number(int rank, int64_t i);
float lac_rank_total(int size, int64_t i);
