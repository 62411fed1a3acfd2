#include "slot.h"

#include "log.h"
#include "server_state.h"
#include "steps/failure.h"
#include "steps/server_clock.h"

#include <errno.h>
#include <string.h>

/* ---------------------------------------------------------------- describing */

/* text may be NULL. */
static const char *keep(char *copy, size_t size, const char *text)
{
    snprintf(copy, size, "%s", text != NULL ? text : "");
    return text != NULL ? copy : NULL;
}

#define KEEP(field) info->field = keep(slot->field, sizeof slot->field, info->field)

/* Fills the info of a model, with copies of its strings, which outlive the model. */
static int describe(struct quern_slot *slot, const quern_model *model, quern_error *error)
{
    quern_model_info *info = &slot->served->info;
    info->size = sizeof *info;
    const int code = quern_model_describe(model, info, error);
    if (code != QUERN_OK)
        return code;
    KEEP(architecture);
    KEEP(name);
    KEEP(kernels);
    KEEP(kernels_reason);
    KEEP(types);
    KEEP(notice);
    KEEP(known);
    KEEP(known_reason);
    if (info->notice != NULL)
        quern_log(&slot->server->service, "warn", "%s: %s", slot->given->name, info->notice);
    return QUERN_OK;
}

/* Remembers which file it is, or checks that it is still the same: what the server has told of it must stay true. */
static int identify(struct quern_slot *slot, quern_error *error)
{
    struct stat now, *file = &slot->file;
    if (stat(slot->given->path, &now) != 0)
        return quern_server_fail(error, QUERN_EIO, "cannot open %s: %s", slot->given->path, strerror(errno));
    if (file->st_ino == 0)
        *file = now;
    if (file->st_dev == now.st_dev && file->st_ino == now.st_ino && file->st_size == now.st_size &&
        file->st_mtim.tv_sec == now.st_mtim.tv_sec && file->st_mtim.tv_nsec == now.st_mtim.tv_nsec)
        return QUERN_OK;
    return quern_server_fail(error, QUERN_EIO, "%s is not the file that it was when the server started: start the "
                             "server again", slot->given->path);
}

static quern_model_options model_options(const struct quern_slot *slot, int threads, bool look_only)
{
    return (quern_model_options){.size = sizeof(quern_model_options), .threads = threads, .look_only = look_only,
                                 .context_length = slot->server->options->context_length,
                                 .known = slot->given->known};
}

int quern_slot_look(struct quern_slot *slot, quern_error *error)
{
    const quern_model_options options = model_options(slot, 0, true);
    quern_model *model = NULL;
    int code = identify(slot, error);
    if (code == QUERN_OK)
        code = quern_model_open(&model, slot->given->path, &options, error);
    if (code == QUERN_OK)
        code = describe(slot, model, error);
    quern_model_close(model);
    return code;
}

/* ---------------------------------------------------------------- the cache */

/* The file's key is what decides the bits of vectors, beside tokens: the model, the kernels and the numeric path. */
static void load_cache(struct quern_slot *slot, const char *path)
{
    struct quern_service *service = &slot->server->service;
    char space[QUERN_SPACE_SIZE] = "";
    quern_space(slot->served->model, NULL, space, NULL);
    snprintf(slot->cache_key, sizeof slot->cache_key, "%s %.24s %.8s", space, slot->kernels, path);
    const long texts = quern_cache_file_read(&slot->served->cache, slot->cache_file, slot->cache_key);
    if (texts >= 0)
        quern_log(service, "info", "read %ld vectors from %s", texts, slot->cache_name);
    else
        quern_log(service, "warn", "%s is damaged, or was written with another model, CPU or path; the cache starts "
                  "empty", slot->cache_name);
}

static void save_cache(struct quern_slot *slot)
{
    struct quern_service *service = &slot->server->service;
    struct quern_cache *cache = &slot->served->cache;
    if (slot->cache_file == NULL || slot->cache_key[0] == '\0') /* without a key it was not read */
        return;
    if (quern_cache_file_write(cache, slot->cache_file, slot->cache_key))
        quern_log(service, "info", "kept %zu vectors in %s", cache->entries, slot->cache_name);
    else
        quern_log(service, "error", "cannot write %s: %s", slot->cache_name, strerror(errno));
    slot->cache_key[0] = '\0';
}

static int open_cache(struct quern_slot *slot, const char *path, quern_error *error)
{
    const size_t bytes = slot->server->options->cache_bytes;
    if (bytes > 0 &&
        quern_cache_init(&slot->served->cache, bytes, (size_t)slot->served->info.dimensions) != QUERN_OK)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the cache");
    if (slot->cache_file != NULL)
        load_cache(slot, path);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- what computes */

/* Makes the context of the worker, with `threads` threads, and the one that computes urgent steps between its layers.
 * After a failure both are NULL. */
static int make_contexts(struct quern_slot *slot, int threads, int step_tokens, quern_context *made[2],
                         quern_error *error)
{
    struct quern_server *server = slot->server;
    quern_context_options options = {.size = sizeof options, .threads = threads, .path = server->options->path,
                                     .step_tokens = step_tokens, .pause = quern_worker_pause,
                                     .pause_argument = &server->worker};
    made[0] = made[1] = NULL;
    int code = quern_context_new(&made[0], slot->served->model, &options, error);
    options = (quern_context_options){.size = sizeof options, .threads_of = made[0], .path = options.path};
    if (code == QUERN_OK)
        code = quern_context_new(&made[1], slot->served->model, &options, error);
    if (code != QUERN_OK) {
        quern_context_free(made[0]);
        made[0] = NULL;
    }
    return code;
}

/* Adapts the number of threads to the CPU budget, which may have changed. Called by the worker, between steps. */
static void renew(struct quern_step_engine *engine)
{
    struct quern_slot *slot = engine->owner;
    struct quern_service *service = &slot->server->service;
    quern_context_info before = {.size = sizeof before}, after = {.size = sizeof after};
    quern_context *made[2] = {NULL, NULL};
    quern_error error = {0};
    int code = quern_context_describe(engine->context, &before, &error);
    if (code == QUERN_OK)
        code = make_contexts(slot, 0, before.step_tokens, made, &error);
    if (code == QUERN_OK)
        code = quern_context_describe(made[0], &after, &error);
    const bool is_better = code == QUERN_OK && after.threads != before.threads;
    if (is_better)
        quern_log(service, "info", "%d threads (%s)", after.threads, after.threads_reason);
    else if (code != QUERN_OK)
        quern_log(service, "error", "%s; the number of threads stays as it was", error.text);
    quern_context_free(is_better ? engine->context : made[0]);
    quern_context_free(is_better ? engine->urgent : made[1]);
    if (is_better) {
        engine->context = made[0];
        engine->urgent = made[1];
    }
}

static int open_contexts(struct quern_slot *slot, quern_error *error)
{
    const struct quern_server_options *options = slot->server->options;
    const quern_context_options tokenizer = {.size = sizeof tokenizer, .threads = 1, .step_tokens = 1};
    struct quern_served *served = slot->served;
    struct quern_step_engine *engine = &served->engine;
    quern_context *made[2];
    int code = make_contexts(slot, options->threads, options->step_tokens, made, error);
    engine->context = made[0];
    engine->urgent = made[1];
    engine->embed = quern_worker_embed;
    engine->renew = renew;
    engine->owner = slot;
    engine->width = (size_t)served->info.dimensions;
    if (code == QUERN_OK)
        code = quern_context_new(&served->tokenizer, served->model, &tokenizer, error);
    if (code == QUERN_OK)
        code = quern_context_new(&served->long_tokenizer, served->model, &tokenizer, error);
    if (code == QUERN_OK && quern_step_engine_reserve(engine) != QUERN_OK)
        code = quern_server_fail(error, QUERN_ENOMEM, "there is no memory for vectors");
    return code;
}

static int open_model(struct quern_slot *slot, int threads, quern_error *error)
{
    const quern_model_options options = model_options(slot, threads, false);
    int code = identify(slot, error);
    if (code == QUERN_OK)
        code = quern_model_open(&slot->served->model, slot->given->path, &options, error);
    if (code == QUERN_OK && slot->served->info.size == 0)
        code = describe(slot, slot->served->model, error);
    return code;
}

/* The space of texts that come without a task. */
static void read_space(struct quern_slot *slot)
{
    const int usual = slot->server->options->default_task;
    const bool has_task = slot->served->info.has_prompts && usual > QUERN_TASK_NONE;
    const quern_embed_options options = {.size = sizeof options, .task = has_task ? usual : QUERN_TASK_NONE};
    quern_space(slot->served->model, &options, slot->space, NULL);
}

int quern_slot_load(struct quern_slot *slot, int threads, quern_error *error)
{
    const int64_t begin = quern_clock_ns();
    quern_context_info info = {.size = sizeof info};
    int code = open_model(slot, threads, error);
    if (code == QUERN_OK)
        code = open_contexts(slot, error);
    if (code == QUERN_OK)
        code = quern_context_describe(slot->served->engine.context, &info, error);
    if (code == QUERN_OK)
        code = open_cache(slot, info.path, error);
    if (code != QUERN_OK) {
        quern_slot_free(slot);
        return code;
    }
    read_space(slot);
    slot->load_ns = quern_clock_ns() - begin;
    quern_log(&slot->server->service, "info", "%s: %d threads (%s), kernels %s, path %s, steps of %d tokens, loaded "
              "in %.2f s", slot->given->name, info.threads, info.threads_reason, slot->kernels, info.path,
              info.step_tokens, (double)slot->load_ns * 1e-9);
    return QUERN_OK;
}

void quern_slot_free(struct quern_slot *slot)
{
    struct quern_served *served = slot->served;
    save_cache(slot);
    quern_cache_free(&served->cache);
    quern_context_free(served->tokenizer);
    quern_context_free(served->long_tokenizer);
    quern_context_free(served->engine.context);
    quern_context_free(served->engine.urgent);
    quern_step_engine_release(&served->engine);
    quern_model_close(served->model);
    served->tokenizer = served->long_tokenizer = NULL;
    served->engine.context = served->engine.urgent = NULL;
    served->model = NULL;
}
