#include "settings.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "config_json.h"
#include "layout.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_SETTINGS (1u << 20) /* of each of these files */
#define MOST_PROMPTS 256
#define MOST_PROMPT 4096 /* bytes of a prompt; the library takes no longer ones */
#define ABSENT INT_MIN

static int read_config(struct quern_settings *s, const char *folder, quern_error *error)
{
    struct quern_json config;
    QUERN_TRY(quern_json_open(&config, folder, "config.json", JSON_OBJECT, MOST_SETTINGS, false, error));
    int code = quern_layout_find(&s->layout, &config, error);
    if (code == QUERN_OK)
        code = s->layout->read(s, &config, error);
    quern_json_close(&config);
    return code;
}

/* ---------------------------------------------------------------- modules */

/* Whether a path is the name of a folder directly inside the folder, and leads nowhere else. */
static bool is_inside(const char *path)
{
    return path[0] != '\0' && path[0] != '.' && strchr(path, '/') == NULL && strlen(path) < 128;
}

/* Reads which pooling it is: exactly one, which the architecture can have. */
static int read_pooling(struct quern_settings *s, const char *folder, const char *path, quern_error *error)
{
    static const struct {
        const char *key, *name; /* name: in newer files, as the value of pooling_mode */
        int pooling;
    } modes[] = {{"pooling_mode_mean_tokens", "mean", QUERN_POOLING_MEAN},
                 {"pooling_mode_cls_token", "cls", QUERN_POOLING_CLS},
                 {"pooling_mode_lasttoken", "lasttoken", QUERN_POOLING_LAST},
                 {"pooling_mode_max_tokens", "max", QUERN_POOLING_NONE},
                 {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", QUERN_POOLING_NONE},
                 {"pooling_mode_weightedmean_tokens", "weightedmean", QUERN_POOLING_NONE}};
    struct quern_json json;
    char name[160];
    bool prompt = true;
    int count = 0;
    quern_text mode = {"", 0};
    snprintf(name, sizeof name, "%s/config.json", path);
    QUERN_TRY(quern_json_open(&json, folder, name, JSON_OBJECT, MOST_SETTINGS, false, error));
    int code = quern_json_get_bool(&json, json.root, "include_prompt", &prompt, error);
    if (code == QUERN_OK)
        code = quern_json_get_string(&json, json.root, "pooling_mode", &mode, error);
    for (size_t i = 0; i < QUERN_COUNT(modes) && code == QUERN_OK; i++) {
        bool is_set = false;
        code = quern_json_get_bool(&json, json.root, modes[i].key, &is_set, error);
        is_set = is_set || quern_text_is(mode, modes[i].name);
        s->pooling = is_set ? modes[i].pooling : s->pooling;
        count += is_set;
    }
    if (code == QUERN_OK && (count != 1 || !prompt || (s->layout->arch->poolings >> s->pooling & 1) == 0))
        code = quern_config_refuse(&json, "the model file cannot have this pooling", error);
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
        return quern_config_refuse(json, "the dense layer has a bias or an activation", error);
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
        return read_pooling(s, folder, path, error);
    if (strcmp(name, "Dense") != 0 || *dense == QUERN_DENSE || s->layout->arch->tensors[QUERN_T_DENSE_2].name == NULL)
        return quern_config_refuse(modules, "there are modules that its model files do not have", error);
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
    if (code == QUERN_OK && s->pooling == QUERN_POOLING_NONE)
        code = quern_config_refuse(&modules, "there is no pooling", error);
    if (code == QUERN_OK && dense == 1)
        code = quern_config_refuse(&modules, "there is one dense layer, not two", error);
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
            code = quern_config_refuse(&limits, "texts are written in lower case first (do_lower_case)", error);
    }
    s->most_tokens = most < s->context ? most : s->context;
    if (s->layout->arch->tensors[QUERN_T_POSITIONS].name == NULL) /* else the table of positions has that many rows */
        s->context = s->most_tokens;
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
