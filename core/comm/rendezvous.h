/* core/comm/rendezvous.h -- folder-local: how the ranks of core/comm/tcp.c find each other.
 *
 * Rank 0 listens; every other makes two connections to it, one for data and one for what ranks tell each other meanwhile, and says in
 * each who it is: a magic number, the run's token, its rank, how many ranks it counts. When all are there, rank 0 answers all. A stranger
 * is sent away and changes nothing. */
#pragma once

#include "core/comm/launch.h"

typedef struct lac_peer { int data, control; } lac_peer;      /* sockets; -1: none */

/* peer holds l->size of them, all -1: on rank 0 those of the others are set, on the others that of rank 0. On failure some may be. */
lac_status lac_rendezvous(const lac_launch *l, double timeout, lac_peer *peer);
