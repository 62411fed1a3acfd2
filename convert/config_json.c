#include "config_json.h"

#include "base/error.h"
#include "base/view.h"

#include <string.h>

int quern_config_refuse(const struct quern_json *json, const char *what, quern_error *error)
{
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: %s; quern does not convert such a model", json->path, what);
}

int quern_config_size(const struct quern_json *config, const char *key, int high, int *value, quern_error *error)
{
    *value = 0;
    QUERN_TRY(quern_json_get_integer(config, config->root, key, 1, high, value, error));
    return *value > 0 ? QUERN_OK : quern_fail(error, QUERN_EFORMAT, "%s lacks %s", config->path, key);
}

int quern_config_divide(const struct quern_json *config, const char *width_key, int width, const char *heads_key,
                        int heads, int *head, quern_error *error)
{
    *head = width / heads;
    return width % heads == 0 ? QUERN_OK
                              : quern_fail(error, QUERN_EFORMAT, "%s: %s %d is no multiple of %s %d", config->path,
                                           width_key, width, heads_key, heads);
}

/* ---------------------------------------------------------------- values that must be so */

static int refuse_value(const struct quern_json *config, const char *key, const char *value, quern_error *error)
{
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: %s is not %s; quern does not convert such a model", config->path,
                      key, value);
}

int quern_config_only_bool(const struct quern_json *config, const char *key, bool value, quern_error *error)
{
    bool found = value;
    QUERN_TRY(quern_json_get_bool(config, config->root, key, &found, error));
    return found == value ? QUERN_OK : refuse_value(config, key, value ? "true" : "false", error);
}

int quern_config_only_text(const struct quern_json *config, const char *key, const char *value, quern_error *error)
{
    quern_text found = quern_text_of(value);
    QUERN_TRY(quern_json_get_string(config, config->root, key, &found, error));
    return quern_text_is(found, value) ? QUERN_OK : refuse_value(config, key, value, error);
}

int quern_config_only_number(const struct quern_json *config, const char *key, double value, quern_error *error)
{
    double found = value;
    QUERN_TRY(quern_json_get_number(config, config->root, key, -1e30, 1e30, &found, error));
    return found >= value && found <= value
               ? QUERN_OK
               : quern_fail(error, QUERN_EUNSUPPORTED, "%s: %s is %g, not %g; quern does not convert such a model",
                            config->path, key, found, value);
}

int quern_config_no_number(const struct quern_json *config, const char *key, quern_error *error)
{
    return quern_config_only_number(config, key, 0, error);
}

/* ---------------------------------------------------------------- layers */

int quern_config_rope_base(const struct quern_json *config, const char *key, const char *kind, double *base,
                           quern_error *error)
{
    const json_t *all = json_object_get(config->root, "rope_parameters");
    const json_t *own = kind != NULL ? json_object_get(all, kind) : all;
    const struct quern_json parameters = {config->path, (json_t *)own};
    QUERN_TRY(quern_json_get_number(config, config->root, key, 1.0001, 1e12, base, error));
    QUERN_TRY(quern_json_get_number(config, own, "rope_theta", 1.0001, 1e12, base, error));
    QUERN_TRY(quern_config_only_text(&parameters, "rope_type", "default", error));
    QUERN_TRY(quern_config_only_number(&parameters, "partial_rotary_factor", 1, error));
    if (json_is_object(json_object_get(config->root, "rope_scaling")))
        return quern_config_refuse(config, "rotations are scaled (rope_scaling)", error);
    return QUERN_OK;
}

int quern_config_layer_types(const struct quern_json *config, int layers, bool *is_local, bool *listed,
                             quern_error *error)
{
    const json_t *types = json_object_get(config->root, "layer_types");
    *listed = json_is_array(types);
    if (!*listed)
        return QUERN_OK;
    if (json_array_size(types) != (size_t)layers)
        return quern_config_refuse(config, "layer_types does not have one element for each layer", error);
    for (int l = 0; l < layers; l++) {
        const char *type = json_string_value(json_array_get(types, (size_t)l));
        is_local[l] = type != NULL && strcmp(type, "sliding_attention") == 0;
        if (!is_local[l] && (type == NULL || strcmp(type, "full_attention") != 0))
            return quern_config_refuse(config, "layer_types names an unknown type of layers", error);
    }
    return QUERN_OK;
}
