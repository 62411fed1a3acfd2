#include "waste.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE (1 << 20) /* bytes that are freed in a turn */
#define TRIM (4 << 20)  /* bytes that are freed before the heap is trimmed */

struct waste {
    struct quern_server *server;
    struct quern_turn turn;
    struct quern_json_block *blocks; /* one of the two; NULL: it is the other */
    void *data;
    size_t given, bytes; /* back to the system, and in all, of data */
};

/* Gives the next pages of a block back to the system. What they held is lost; the block stays allocated. */
static void give_pages(struct waste *waste)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), left = waste->bytes - waste->given;
    const size_t size = left < PIECE ? left : PIECE;
    const uintptr_t begin = (uintptr_t)waste->data + waste->given, from = (begin + page - 1) / page * page,
                    to = (begin + size) / page * page;
    if (to > from)
        madvise((void *)from, to - from, MADV_DONTNEED);
    waste->given += size;
}

static void take_data_turn(void *owner)
{
    struct waste *waste = owner;
    give_pages(waste);
    if (waste->given < waste->bytes) {
        quern_turns_add(&waste->server->turns, &waste->turn);
        return;
    }
    free(waste->data);
    free(waste);
}

void quern_waste_free(struct quern_server *server, void *data, size_t bytes)
{
    const bool has_turns = server->turns.event != NULL; /* not while libevent ends */
    struct waste *waste = data != NULL && bytes > PIECE && has_turns ? malloc(sizeof *waste) : NULL;
    if (waste == NULL) {
        free(data);
        return;
    }
    *waste = (struct waste){
        .server = server, .turn = {.take = take_data_turn, .owner = waste}, .data = data, .bytes = bytes};
    quern_turns_add(&server->turns, &waste->turn);
}

void quern_waste_job(struct quern_server *server, struct quern_job *job)
{
    if (job == NULL)
        return;
    quern_waste_free(server, job->vectors,
                     job->count * job->engine->width * sizeof *job->vectors);
    job->vectors = NULL;
    quern_job_free(job);
}

static void take_values_turn(void *owner)
{
    struct waste *waste = owner;
    waste->server->service.load.bytes -= quern_json_blocks_free(&waste->blocks, PIECE);
    if (waste->blocks != NULL)
        quern_turns_add(&waste->server->turns, &waste->turn);
    else
        free(waste);
}

void quern_waste_leave(struct quern_server *server, struct quern_request *request)
{
    struct quern_json_reader *reader = &request->reader;
    struct waste *waste = reader->block_bytes > PIECE ? malloc(sizeof *waste) : NULL;
    if (waste != NULL) {
        *waste = (struct waste){
            .server = server, .turn = {.take = take_values_turn, .owner = waste}, .blocks = reader->blocks};
        request->held -= reader->block_bytes;
        reader->blocks = NULL;
        quern_turns_add(&server->turns, &waste->turn);
    }
    quern_json_reader_free(reader);
    if (request->options.wants_places) /* which are freed one by one */
        return;
    quern_waste_free(server, request->inputs, request->input_capacity * sizeof *request->inputs);
    request->inputs = NULL;
    request->input_count = 0;
}

void quern_waste_trim(struct quern_server *server)
{
    struct quern_load *load = &server->service.load;
    if (load->released < TRIM)
        return;
    load->released = 0;
    malloc_trim(0);
}
