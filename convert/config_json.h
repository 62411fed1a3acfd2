/* What readers of config.json share. */
#ifndef QUERN_CONVERT_CONFIG_JSON_H
#define QUERN_CONVERT_CONFIG_JSON_H

#include "json_file.h"

/* Refuses a setting that a model file cannot express. Returns QUERN_EUNSUPPORTED. */
int quern_config_refuse(const struct quern_json *json, const char *what, quern_error *error);

/* Reads a size of 1 to high, which must be there. */
int quern_config_size(const struct quern_json *config, const char *key, int high, int *value, quern_error *error);

#endif
