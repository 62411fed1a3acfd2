#include "compute.h"

#include "steps/failure.h"

int quern_compute_open(struct quern_server *server, quern_error *error)
{
    quern_context_info info = {.size = sizeof info};
    const int code = quern_context_describe(server->service.models[0].engine.context, &info, error);
    if (code != QUERN_OK)
        return code;
    server->threads = info.threads;
    return quern_batcher_init(&server->batcher, (uint64_t)info.step_tokens, (uint64_t)server->options->queue_tokens) ==
                   QUERN_OK
               ? QUERN_OK
               : quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the queue");
}

int quern_compute_start(struct quern_server *server, quern_error *error)
{
    server->worker.batcher = &server->batcher;
    server->worker.finished = server->text_worker.finished = &server->finished;
    return quern_worker_start(&server->worker) == QUERN_OK && quern_background_start(&server->text_worker) == QUERN_OK
               ? QUERN_OK
               : quern_server_fail(error, QUERN_ENOMEM, "there is no memory or thread for the workers");
}

void quern_compute_stop(struct quern_server *server)
{
    quern_worker_stop(&server->worker);
    quern_background_stop(&server->text_worker);
}

void quern_compute_close(struct quern_server *server)
{
    if (server->batcher.budget > 0)
        quern_batcher_free(&server->batcher);
}
