#include "waste.h"

#include <malloc.h>
#include <stdlib.h>

#define PIECE (1 << 20) /* bytes that are freed in a turn */
#define TRIM (4 << 20)  /* bytes that are freed before the heap is trimmed */

struct waste {
    struct quern_server *server;
    struct quern_turn turn;
    struct quern_json_block *blocks;
};

static void take_turn(void *owner)
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
            .server = server, .turn = {.take = take_turn, .owner = waste}, .blocks = reader->blocks};
        request->held -= reader->block_bytes;
        reader->blocks = NULL;
        quern_turns_add(&server->turns, &waste->turn);
    }
    quern_json_reader_free(reader);
}

void quern_waste_trim(struct quern_server *server)
{
    struct quern_load *load = &server->service.load;
    if (load->released < TRIM)
        return;
    load->released = 0;
    malloc_trim(0);
}
