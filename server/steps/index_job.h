/* Work on index files, which a thread in the background does: reading one takes milliseconds and more. */
#ifndef QUERN_SERVER_INDEX_JOB_H
#define QUERN_SERVER_INDEX_JOB_H

#include "background.h"
#include "followed_index.h"
#include "row_filter.h"
#include "text_cut.h"

#include <stdint.h>

#define QUERN_SEARCH_MOST_ANSWER (16 << 20) /* bytes of what a search answers */

/* An index that the server has. */
struct quern_served_index {
    const char *name, *path;
    int dimensions;                     /* these five as they were when the server started */
    quern_index_ids ids;
    char space[QUERN_SPACE_SIZE];       /* "": not known */
    int model;                          /* number of the model that its note names, if the server has it; -1 */
    quern_chunk_options chunk;          /* how texts that are added are cut */
    struct quern_followed_index followed; /* of the thread that searches */
    quern_index_writer *writer;         /* of the thread that changes indexes: it rests between changes. NULL: none */
};

enum quern_index_work {
    QUERN_INDEX_NO_WORK,
    QUERN_INDEX_LIST,  /* describe all indexes */
    QUERN_INDEX_SEARCH, /* search in one */
    QUERN_INDEX_ADD,   /* add texts to one */
    QUERN_INDEX_REMOVE /* remove rows of one */
};

struct quern_index_job {
    enum quern_index_work work;
    struct quern_served_index *indexes; /* [index_count]; one, unless they are listed */
    size_t index_count;
    const char *model_name;   /* of a search: the model of the queries */
    bool is_writable;         /* what the list says of all of them */

    /* Of a search: queries. Of an addition: the passages of all texts, one text after the other. */
    size_t count;
    float *vectors;           /* [count][full]: vectors as the model makes them; freed with the job */
    int full, centred_cut;    /* dimensions of the model; whether it is cut as quern_centre says */
    char space[QUERN_SPACE_SIZE]; /* of the vectors */

    /* Of an addition. */
    const struct quern_text_cut *texts; /* [text_count], cut; the request's */
    size_t text_count;

    /* Of a search, and what is removed. */
    bool is_filtered;
    struct quern_row_filter filter; /* its lists are freed with the job, but not what they view */

    /* Of a search. */
    bool by_words;            /* search by words too */
    quern_text *words;        /* [count], for that: the queries as texts; freed with the job, but not what they view */
    size_t hits;              /* at most, for each query */
    double least;
    bool has_least;
    bool is_list;             /* the answer is a list, even of one query */

    /* Set when it is done. */
    bool is_done;
    int code;                 /* of quern.h */
    quern_error error;
    char *json;               /* the answer; freed with the job, unless somebody has taken it */
    size_t length;
    int64_t ns;               /* how long it took */

    struct quern_background_job background;
};

/* Has a job done. It comes back with this owner. */
void quern_index_job_submit(struct quern_index_job *job, struct quern_background *background, void *owner);

void quern_index_job_free(struct quern_index_job *job); /* what it owns; zeros are allowed */

#endif
