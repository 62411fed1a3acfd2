/* Which published model a file is, and what the library knows of published models. */
#include "api/handles.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/sized.h"
#include "base/view.h"

#include <string.h>

/* Reads where a file may name its model. A key of another type names none. */
void quern_model_read_facts(const quern_model *model, struct quern_known_facts *facts)
{
    static const char *const keys[QUERN_KNOWN_NAMES] = {"general.name", "general.source.huggingface.repository",
                                                        "general.source.repo_url"};
    *facts = (struct quern_known_facts){
        .architecture = model->network.arch->name,
        .dimensions = model->network.shape.dimensions,
        .layers = model->network.shape.layers,
        .pooling = model->network.shape.pooling,
        .tokenizer = {"", 0},
    };
    quern_gguf_string(&model->gguf, "tokenizer.ggml.model", &facts->tokenizer, NULL);
    for (int i = 0; i < QUERN_KNOWN_NAMES; i++) {
        facts->names[i] = (quern_text){"", 0};
        quern_gguf_string(&model->gguf, keys[i], &facts->names[i], NULL);
    }
}

/* Takes the model that the caller names. */
static int take_asked(quern_model *model, const char *asked, const struct quern_known_facts *facts, quern_error *error)
{
    struct quern_nearest nearest = {.asked = asked};
    char hint[QUERN_NEAREST_HINT];
    int count;
    const struct quern_known *all = quern_known_all(&count);
    model->known = quern_known_named(asked);
    model->known_reason = "you said so";
    for (int i = 0; i < count; i++)
        quern_nearest_offer(&nearest, all[i].name, strlen(all[i].name));
    if (model->known == NULL)
        return quern_fail(error, QUERN_EINVAL, "no model \"%.40s\" is known%s", asked,
                          quern_nearest_hint(&nearest, hint));
    if (!quern_known_fits(model->known, facts))
        return quern_fail(error, QUERN_EINVAL, "this is not %s: its architecture, dimensions, layers, pooling or "
                          "tokenizer differ", asked);
    return QUERN_OK;
}

int quern_model_recognise(quern_model *model, const char *asked, quern_error *error)
{
    struct quern_known_facts facts;
    quern_model_read_facts(model, &facts);
    if (asked != NULL)
        return strcmp(asked, "none") == 0 ? QUERN_OK : take_asked(model, asked, &facts, error);
    model->known = quern_known_recognise(&facts);
    if (model->known != NULL)
        model->known_reason = model->known->by_shape ? "no other published model has this shape"
                                                     : "the file has its name and its shape";
    return QUERN_OK;
}

bool quern_model_centres(const quern_model *model, int dimensions)
{
    return model->known != NULL && model->known->centred_cut && dimensions < model->network.shape.dimensions;
}

/* ---------------------------------------------------------------- the interface */

int quern_known_find(const char *name)
{
    int count;
    const struct quern_known *all = quern_known_all(&count), *known = name != NULL ? quern_known_named(name) : NULL;
    return known != NULL ? (int)(known - all) : -1;
}

int quern_known_describe(int number, quern_known_info *info, quern_error *error)
{
    int count;
    const struct quern_known *all = quern_known_all(&count);
    if (number < 0 || number >= count)
        return quern_fail(error, QUERN_EINVAL, "there is no known model %d", number);
    const struct quern_known *known = &all[number];
    const bool runs = quern_arch_find(quern_text_of(known->architecture)) != NULL &&
                      quern_tokenizer_kind_find(quern_text_of(known->tokenizer)) != NULL;
    const quern_known_info full = {
        .name = known->name,
        .repository = known->repository,
        .license = known->license,
        .languages = known->languages,
        .architecture = known->architecture,
        .tokenizer = known->tokenizer,
        .dimensions = known->dimensions,
        .layers = known->layers,
        .parameters = known->parameters,
        .runs = runs,
        .most_tokens = known->most_tokens,
        .least_dimensions = known->least_dimensions,
        .needs_prompts = known->needs_prompts,
    };
    return quern_info_write(info, &full, sizeof full, error);
}

const char *quern_known_prompt(int number, quern_task task)
{
    int count;
    const struct quern_known *all = quern_known_all(&count);
    if (number < 0 || number >= count || quern_task_name(task) == NULL)
        return NULL;
    const struct quern_arch *arch = quern_arch_find(quern_text_of(all[number].architecture));
    const char *const *usual = arch != NULL ? arch->prompts : NULL;
    const char *const *prompts = all[number].prompts != NULL ? all[number].prompts : usual;
    return prompts != NULL && prompts[task] != NULL ? prompts[task] : "";
}
