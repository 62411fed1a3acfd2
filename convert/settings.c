#include "settings.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_SETTINGS (1u << 20) /* of each of these files */
#define MOST_PROMPTS 256
#define MOST_PROMPT 4096 /* bytes of a prompt; the library takes no longer ones */
#define ABSENT INT_MIN

/* ---------------------------------------------------------------- config.json */

static int refuse(const struct quern_json *json, const char *what, quern_error *error)
{
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: %s; quern converts EmbeddingGemma only", json->path, what);
}

static int check_architecture(const struct quern_json *config, quern_error *error)
{
    const char *name = json_string_value(json_array_get(json_object_get(config->root, "architectures"), 0));
    quern_text type = {"", 0}, activation = {"gelu_pytorch_tanh", 17};
    bool bidirectional = false, bias = false;
    QUERN_TRY(quern_json_get_string(config, config->root, "model_type", &type, error));
    QUERN_TRY(quern_json_get_string(config, config->root, "hidden_activation", &activation, error));
    QUERN_TRY(quern_json_get_bool(config, config->root, "use_bidirectional_attention", &bidirectional, error));
    QUERN_TRY(quern_json_get_bool(config, config->root, "attention_bias", &bias, error));
    if (name == NULL || strcmp(name, "Gemma3TextModel") != 0 || !quern_text_is(type, "gemma3_text"))
        return refuse(config, "the architecture is not Gemma3TextModel", error);
    if (!bidirectional)
        return refuse(config, "use_bidirectional_attention is not true", error);
    if (!quern_text_is(activation, "gelu_pytorch_tanh"))
        return refuse(config, "hidden_activation is not gelu_pytorch_tanh", error);
    if (bias)
        return refuse(config, "attention has biases", error);
    if (json_is_number(json_object_get(config->root, "attn_logit_softcapping")))
        return refuse(config, "the weights of attention are capped (attn_logit_softcapping)", error);
    return QUERN_OK;
}

/* Reads a size that must be present. */
static int read_size(const struct quern_json *config, const char *key, int high, int *value, quern_error *error)
{
    *value = ABSENT;
    QUERN_TRY(quern_json_get_integer(config, config->root, key, 1, high, value, error));
    return *value != ABSENT ? QUERN_OK : quern_fail(error, QUERN_EFORMAT, "%s lacks %s", config->path, key);
}

/* The limits are the same as when a model is opened. */
static int read_sizes(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    int scale;
    QUERN_TRY(read_size(config, "max_position_embeddings", 1 << 20, &s->context, error));
    QUERN_TRY(read_size(config, "hidden_size", 1 << 16, &s->width, error));
    QUERN_TRY(read_size(config, "num_hidden_layers", 512, &s->layers, error));
    QUERN_TRY(read_size(config, "intermediate_size", 1 << 20, &s->ffn, error));
    QUERN_TRY(read_size(config, "num_attention_heads", 1024, &s->heads, error));
    QUERN_TRY(read_size(config, "num_key_value_heads", 1024, &s->kv_heads, error));
    QUERN_TRY(read_size(config, "head_dim", 4096, &s->head, error));
    QUERN_TRY(read_size(config, "sliding_window", 1 << 20, &s->window, error));
    QUERN_TRY(read_size(config, "vocab_size", 1 << 24, &s->vocabulary, error));
    scale = s->head;
    QUERN_TRY(quern_json_get_integer(config, config->root, "query_pre_attn_scalar", 1, 4096, &scale, error));
    if (scale != s->head)
        return refuse(config, "query_pre_attn_scalar is not head_dim", error);
    return QUERN_OK;
}

/* Reads the RoPE base of one kind of layers: from its own key, or, in newer files, from
 * rope_parameters.KIND.rope_theta. */
static int read_base(const struct quern_json *config, const char *key, const char *kind, double *base,
                     quern_error *error)
{
    const json_t *all = json_object_get(config->root, "rope_parameters"), *own = json_object_get(all, kind);
    quern_text type = {"default", 7};
    QUERN_TRY(quern_json_get_number(config, config->root, key, 1.0001, 1e12, base, error));
    QUERN_TRY(quern_json_get_number(config, own, "rope_theta", 1.0001, 1e12, base, error));
    QUERN_TRY(quern_json_get_string(config, own, "rope_type", &type, error));
    if (!quern_text_is(type, "default"))
        return refuse(config, "rotations are scaled (rope_type)", error);
    return QUERN_OK;
}

/* Reads the period of layers from layer_types if it is there, else from the number. */
static int read_period(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    const json_t *types = json_object_get(config->root, "layer_types");
    s->period = 6;
    QUERN_TRY(quern_json_get_integer(config, config->root, "sliding_window_pattern", 1, 512, &s->period, error));
    QUERN_TRY(quern_json_get_integer(config, config->root, "_sliding_window_pattern", 1, 512, &s->period, error));
    if (!json_is_array(types))
        return QUERN_OK;
    if (json_array_size(types) != (size_t)s->layers)
        return refuse(config, "layer_types does not have one element for each layer", error);
    for (int l = 0; l < s->layers; l++) {
        const char *type = json_string_value(json_array_get(types, (size_t)l));
        bool local = l % s->period < s->period - 1;
        if (type == NULL || strcmp(type, local ? "sliding_attention" : "full_attention") != 0)
            return refuse(config, "layer_types has another order of layers", error);
    }
    return QUERN_OK;
}

static int read_config(struct quern_settings *s, const char *folder, quern_error *error)
{
    struct quern_json config;
    QUERN_TRY(quern_json_open(&config, folder, "config.json", JSON_OBJECT, MOST_SETTINGS, false, error));
    s->epsilon = 1e-6;
    s->rope_base = 1e6;
    s->rope_base_local = 1e4;
    int code = check_architecture(&config, error);
    if (code == QUERN_OK)
        code = read_sizes(s, &config, error);
    if (code == QUERN_OK)
        code = read_period(s, &config, error);
    if (code == QUERN_OK)
        code = quern_json_get_number(&config, config.root, "rms_norm_eps", 0, 0.999, &s->epsilon, error);
    if (code == QUERN_OK)
        code = read_base(&config, "rope_theta", "full_attention", &s->rope_base, error);
    if (code == QUERN_OK)
        code = read_base(&config, "rope_local_base_freq", "sliding_attention", &s->rope_base_local, error);
    if (code == QUERN_OK && json_is_object(json_object_get(config.root, "rope_scaling")))
        code = refuse(&config, "rotations are scaled (rope_scaling)", error);
    quern_json_close(&config);
    return code;
}

/* ---------------------------------------------------------------- modules */

/* Whether a path is the name of a folder directly inside the folder, and leads nowhere else. */
static bool is_inside(const char *path)
{
    return path[0] != '\0' && path[0] != '.' && strchr(path, '/') == NULL && strlen(path) < 128;
}

static int check_pooling(const char *folder, const char *path, quern_error *error)
{
    static const char *const others[] = {"pooling_mode_cls_token", "pooling_mode_max_tokens",
                                         "pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens",
                                         "pooling_mode_lasttoken"};
    struct quern_json json;
    char name[160];
    bool mean = false, prompt = true, other = false;
    quern_text mode = {"", 0};
    snprintf(name, sizeof name, "%s/config.json", path);
    QUERN_TRY(quern_json_open(&json, folder, name, JSON_OBJECT, MOST_SETTINGS, false, error));
    int code = quern_json_get_bool(&json, json.root, "pooling_mode_mean_tokens", &mean, error);
    if (code == QUERN_OK)
        code = quern_json_get_bool(&json, json.root, "include_prompt", &prompt, error);
    if (code == QUERN_OK)
        code = quern_json_get_string(&json, json.root, "pooling_mode", &mode, error); /* in newer files */
    for (size_t i = 0; i < QUERN_COUNT(others) && code == QUERN_OK && !other; i++)
        code = quern_json_get_bool(&json, json.root, others[i], &other, error);
    if (mode.length > 0)
        mean = quern_text_is(mode, "mean");
    if (code == QUERN_OK && (!mean || other || !prompt))
        code = refuse(&json, "the pooling is not the mean over all tokens", error);
    quern_json_close(&json);
    return code;
}

static int check_dense(const struct quern_json *json, int in, int *out, quern_error *error)
{
    int features = ABSENT;
    bool bias = false;
    quern_text activation = {"torch.nn.modules.linear.Identity", 32};
    *out = ABSENT;
    QUERN_TRY(quern_json_get_integer(json, json->root, "in_features", 1, 1 << 20, &features, error));
    QUERN_TRY(quern_json_get_integer(json, json->root, "out_features", 1, 1 << 20, out, error));
    QUERN_TRY(quern_json_get_bool(json, json->root, "bias", &bias, error));
    QUERN_TRY(quern_json_get_string(json, json->root, "activation_function", &activation, error));
    if (*out == ABSENT || features != in)
        return quern_fail(error, QUERN_EFORMAT, "%s: in_features is not %d, or out_features is missing", json->path,
                          in);
    if (bias || !quern_text_is(activation, "torch.nn.modules.linear.Identity"))
        return refuse(json, "the dense layer has a bias or an activation", error);
    return QUERN_OK;
}

static int read_dense(struct quern_settings *s, const char *folder, quern_error *error)
{
    int widths[QUERN_DENSE + 1] = {s->width};
    for (int i = 0; i < QUERN_DENSE; i++) {
        struct quern_json json;
        char name[160];
        snprintf(name, sizeof name, "%s/config.json", s->dense[i]);
        QUERN_TRY(quern_json_open(&json, folder, name, JSON_OBJECT, MOST_SETTINGS, false, error));
        int code = check_dense(&json, widths[i], &widths[i + 1], error);
        quern_json_close(&json);
        QUERN_TRY(code);
    }
    s->head_hidden = widths[1];
    if (widths[QUERN_DENSE] != s->width)
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: its head gives %d dimensions, its layers %d", folder,
                          widths[QUERN_DENSE], s->width);
    return QUERN_OK;
}

/* Reads one entry of modules.json. */
static int read_module(struct quern_settings *s, const struct quern_json *modules, const json_t *module,
                       const char *folder, int *dense, quern_error *error)
{
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *path = json_string_value(json_object_get(module, "path"));
    const char *dot = type != NULL ? strrchr(type, '.') : NULL, *name = dot != NULL ? dot + 1 : "";
    if (type == NULL || path == NULL)
        return quern_fail(error, QUERN_EFORMAT, "%s: a module has no type or no path", modules->path);
    s->normalizes |= strcmp(name, "Normalize") == 0;
    if (strcmp(name, "Normalize") == 0 || (strcmp(name, "Transformer") == 0 && path[0] == '\0'))
        return QUERN_OK;
    if (!is_inside(path))
        return quern_fail(error, QUERN_EFORMAT, "%s: the path of %s is not a folder beside it", modules->path, name);
    if (strcmp(name, "Pooling") == 0)
        return check_pooling(folder, path, error);
    if (strcmp(name, "Dense") != 0 || *dense == QUERN_DENSE)
        return refuse(modules, "there are modules that EmbeddingGemma does not have", error);
    s->dense[*dense] = strdup(path);
    if (s->dense[*dense] == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the modules");
    *dense += 1;
    return QUERN_OK;
}

static int read_modules(struct quern_settings *s, const char *folder, quern_error *error)
{
    struct quern_json modules;
    int dense = 0, code = QUERN_OK;
    QUERN_TRY(quern_json_open(&modules, folder, "modules.json", JSON_ARRAY, MOST_SETTINGS, false, error));
    for (size_t i = 0; i < json_array_size(modules.root) && code == QUERN_OK; i++)
        code = read_module(s, &modules, json_array_get(modules.root, i), folder, &dense, error);
    if (code == QUERN_OK && dense == 1)
        code = refuse(&modules, "there is one dense layer, not two", error);
    quern_json_close(&modules);
    if (code == QUERN_OK && dense == QUERN_DENSE)
        code = read_dense(s, folder, error);
    return code;
}

/* ---------------------------------------------------------------- prompts */

static int read_prompts(struct quern_settings *s, const char *folder, quern_error *error)
{
    const char *name;
    json_t *text;
    QUERN_TRY(quern_json_open(&s->prompts, folder, "config_sentence_transformers.json", JSON_OBJECT, MOST_SETTINGS,
                              true, error));
    s->prompt_texts = json_object_get(s->prompts.root, "prompts");
    if (s->prompt_texts == NULL)
        return QUERN_OK;
    if (!json_is_object(s->prompt_texts) || json_object_size(s->prompt_texts) > MOST_PROMPTS)
        return quern_fail(error, QUERN_EFORMAT, "%s: prompts is not an object of at most %d strings", s->prompts.path,
                          MOST_PROMPTS);
    json_object_foreach(s->prompt_texts, name, text)
        if (!json_is_string(text) || json_string_length(text) > MOST_PROMPT || name[0] == '\0' || strlen(name) > 128)
            return quern_fail(error, QUERN_EFORMAT, "%s: prompt \"%.32s\" is not a string, or is too long",
                              s->prompts.path, name);
    return QUERN_OK;
}

/* What sentence-transformers does to a text before the tokenizer: it cuts it, and may write it in lower case. */
static int read_limits(struct quern_settings *s, const char *folder, quern_error *error)
{
    struct quern_json limits;
    bool lower = false;
    QUERN_TRY(quern_json_open(&limits, folder, "sentence_bert_config.json", JSON_OBJECT, MOST_SETTINGS, true, error));
    int most = s->context, code = QUERN_OK;
    if (limits.root != NULL) {
        code = quern_json_get_integer(&limits, limits.root, "max_seq_length", 1, INT_MAX, &most, error);
        if (code == QUERN_OK)
            code = quern_json_get_bool(&limits, limits.root, "do_lower_case", &lower, error);
        if (code == QUERN_OK && lower)
            code = refuse(&limits, "texts are written in lower case first (do_lower_case)", error);
    }
    if (most < s->context)
        s->context = most;
    quern_json_close(&limits);
    return code;
}

int quern_settings_read(struct quern_settings *settings, const char *folder, quern_error *error)
{
    struct stat status;
    *settings = (struct quern_settings){0};
    if (stat(folder, &status) == 0 && !S_ISDIR(status.st_mode))
        return quern_fail(error, QUERN_EINVAL, "%s is no folder: name the one that holds config.json and the weights; "
                          "'quern quantize' changes the type of a GGUF file", folder);
    int code = read_config(settings, folder, error);
    if (code == QUERN_OK)
        code = read_modules(settings, folder, error);
    if (code == QUERN_OK)
        code = read_limits(settings, folder, error);
    if (code == QUERN_OK)
        code = read_prompts(settings, folder, error);
    if (code != QUERN_OK)
        quern_settings_free(settings);
    return code;
}

void quern_settings_free(struct quern_settings *settings)
{
    for (int i = 0; i < QUERN_DENSE; i++)
        free(settings->dense[i]);
    quern_json_close(&settings->prompts);
    *settings = (struct quern_settings){0};
}
