/* Models: opening, sharing, describing. */
#include "api/handles.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/system/budget.h"
#include "formats/formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Picks the kernel table and says why. */
static int choose_kernels(quern_model *model, const char *limit, const struct quern_kernels **kernels,
                          quern_error *error)
{
    const char *source = "asked for";
    const uint32_t features = quern_cpu_features();
    if (limit == NULL) {
        limit = getenv("QUERN_CPU");
        source = "limited by QUERN_CPU";
    }
    *kernels = quern_kernels_select(features, limit);
    if (*kernels != NULL) {
        if (limit == NULL || *limit == '\0')
            snprintf(model->kernels_reason, sizeof model->kernels_reason, "the best this CPU can run");
        else
            snprintf(model->kernels_reason, sizeof model->kernels_reason, "%s: at most %.32s", source, limit);
        return QUERN_OK;
    }
    char names[128] = "";
    int count;
    const struct quern_kernels *const *all = quern_kernels_all(&count);
    for (int i = 0; i < count; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", all[i]->name);
    return quern_fail(error, QUERN_EINVAL, "no kernel table is named \"%.32s\" (QUERN_CPU); there are %s", limit,
                      names);
}

static void describe_types(quern_model *model)
{
    unsigned counts[QUERN_TYPES] = {0};
    for (size_t i = 0; i < model->gguf.tensor_count; i++)
        counts[model->gguf.tensors[i].type]++; /* its block is known, so it is below QUERN_TYPES */
    quern_types_describe(counts, model->types, sizeof model->types);
}

static int read_name(quern_model *model, quern_error *error)
{
    char start[sizeof model->name + 4]; /* longer, so that a character which is cut here does not fit there */
    quern_text name = {"", 0};
    QUERN_TRY(quern_gguf_string(&model->gguf, "general.name", &name, error));
    snprintf(start, sizeof start, "%.*s", (int)(name.length < sizeof start ? name.length : sizeof start), name.data);
    quern_copy_clean(model->name, sizeof model->name, start);
    return QUERN_OK;
}

/* Takes the limit of the publisher's own tool, unless the caller asked for another one. */
static void limit_context(quern_model *model, int asked)
{
    struct quern_shape *shape = &model->network.shape;
    if (asked == 0 && model->known != NULL && model->known->most_tokens < shape->context)
        shape->context = model->known->most_tokens;
}

/* Makes a model of the file that was opened. */
static int read_model(quern_model *model, const struct quern_kernels *kernels, const quern_model_options *options,
                      int threads, quern_error *error)
{
    QUERN_TRY(quern_network_load(&model->network, &model->gguf, kernels, threads, options->context_length, error));
    model->digest = model->network.digest;
    QUERN_TRY(quern_model_read_vocabulary(model, error));
    QUERN_TRY(read_name(model, error));
    QUERN_TRY(quern_model_recognise(model, options->known, error));
    limit_context(model, options->context_length);
    QUERN_TRY(quern_prompts_read(&model->prompts, model->network.arch, model->known, &model->gguf, error));
    describe_types(model);
    quern_model_write_notice(model, options->known);
    return QUERN_OK;
}

static int load(quern_model *model, const char *path, const quern_model_options *options, quern_error *error)
{
    const struct quern_kernels *kernels;
    const int threads = options->look_only      ? 0
                        : options->threads > 0 ? options->threads
                                               : quern_cpu_budget(NULL, 0);
    model->look_only = options->look_only;
    QUERN_TRY(choose_kernels(model, options->cpu, &kernels, error));
    QUERN_TRY(quern_gguf_open(&model->gguf, path, error));
    const int code = read_model(model, kernels, options, threads, error);
    QUERN_TRY(quern_map_check(&model->gguf.map, error)); /* a file that changes meanwhile causes other errors */
    return code == QUERN_OK ? QUERN_OK : quern_fail_in(error, code, path);
}

int quern_model_open(quern_model **model, const char *path, const quern_model_options *options, quern_error *error)
{
    quern_model_options o = {0};
    if (model == NULL || path == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_model_open: model or path is NULL");
    QUERN_TRY(quern_options_read(&o, sizeof o, options, error));
    if (o.threads < 0 || o.threads > QUERN_MOST_THREADS)
        return quern_fail(error, QUERN_EINVAL, "%d threads asked for; 1 to %d are possible", o.threads,
                          QUERN_MOST_THREADS);
    if (o.context_length < 0)
        return quern_fail(error, QUERN_EINVAL, "texts of %d tokens asked for", o.context_length);
    quern_model *m = calloc(1, sizeof *m);
    if (m == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a model");
    atomic_init(&m->references, 1);
    int code = load(m, path, &o, error);
    if (code != QUERN_OK)
        quern_model_close(m);
    else
        *model = m;
    return code;
}

quern_model *quern_model_share(quern_model *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void quern_model_close(quern_model *model)
{
    if (model == NULL || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
        return;
    quern_prompts_release(&model->prompts);
    quern_vocabulary_free(model->vocabulary);
    free(model->texts);
    free(model->scores);
    quern_network_free(&model->network);
    quern_gguf_close(&model->gguf);
    free(model);
}

int quern_model_describe(const quern_model *model, quern_model_info *info, quern_error *error)
{
    if (model == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_model_describe: model is NULL");
    static const char *const poolings[] = {
        [QUERN_POOLING_MEAN] = "mean", [QUERN_POOLING_CLS] = "cls", [QUERN_POOLING_LAST] = "last"};
    const struct quern_shape *s = &model->network.shape;
    const bool has_prompts = quern_prompts_exist(&model->prompts);
    const quern_model_info full = {
        .architecture = model->network.arch->name,
        .name = model->name,
        .notice = model->notice[0] != '\0' ? model->notice : NULL,
        .kernels = model->network.kernels->name,
        .kernels_reason = model->kernels_reason,
        .types = model->types,
        .dimensions = s->dimensions,
        .has_head = model->network.dense[0].rows != 0,
        .context_length = s->context,
        .most_context_length = s->file_context,
        .layers = s->layers,
        .heads = s->heads,
        .kv_heads = s->kv_heads,
        .head_dimensions = s->head,
        .ffn_dimensions = s->ffn,
        .vocabulary = s->vocabulary,
        .sliding_window = s->sliding_window,
        .head_hidden_dimensions = s->head_hidden,
        .parameters = model->network.parameters,
        .file_bytes = model->gguf.map.size,
        .packed_bytes = model->network.packed_bytes + model->network.tables.size,
        .vocabulary_bytes = model->vocabulary_bytes,
        .has_prompts = has_prompts,
        .known = model->known != NULL ? model->known->name : NULL,
        .known_reason = model->known_reason,
        .centred_cut = model->known != NULL && model->known->centred_cut,
        .pooling = poolings[s->pooling],
    };
    return quern_info_write(info, &full, sizeof full, error);
}

const char *quern_model_prompt(const quern_model *model, quern_task task)
{
    return quern_task_name(task) != NULL ? model->prompts.texts[task] : NULL;
}
