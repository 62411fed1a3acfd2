/* The rows of an index in groups of similar ones: k-means over their directions. */
#ifndef QUERN_ROW_GROUPS_H
#define QUERN_ROW_GROUPS_H

#include "quern_index.h"

struct quern_row_groups {
    uint64_t rows;     /* that the index has */
    uint64_t *places;  /* [rows] */
    uint32_t *group;   /* [rows]: 0 to groups - 1; group 0 is the largest */
    double *score;     /* [rows]: the cosine of the row and the centre of its group */
    uint64_t *sizes;   /* [groups] */
    int groups;
};

/* Divides the rows into at most `groups` groups, none of which is empty. The same index gives the same groups, for any
 * number of threads. scratch: the path of a file that may be written; the caller removes it. Memory: the vectors as
 * float32. Fails with QUERN_EINVAL for an index without rows; QUERN_ENOMEM; as quern_index_create and
 * quern_search do. */
int quern_row_groups_make(struct quern_row_groups *groups, const quern_index *index, int count, int threads,
                          const char *scratch, quern_error *error);

void quern_row_groups_free(struct quern_row_groups *groups); /* zeros are allowed */

#endif
