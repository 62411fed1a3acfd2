#include "config_json.h"

#include "base/error.h"

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
