/* What readers of config.json share. */
#ifndef QUERN_CONVERT_CONFIG_JSON_H
#define QUERN_CONVERT_CONFIG_JSON_H

#include "json_file.h"

/* Refuses a setting that a model file cannot express. Returns QUERN_EUNSUPPORTED. */
int quern_config_refuse(const struct quern_json *json, const char *what, quern_error *error);

/* Reads a size of 1 to high, which must be there. */
int quern_config_size(const struct quern_json *config, const char *key, int high, int *value, quern_error *error);

/* Sets the size of a head: a width, which has this key and value, divided by the number of heads. */
int quern_config_divide(const struct quern_json *config, const char *width_key, int width, const char *heads_key,
                        int heads, int *head, quern_error *error);

/* Refuse a setting that is there and has another value than this one. */
int quern_config_only_bool(const struct quern_json *config, const char *key, bool value, quern_error *error);
int quern_config_only_text(const struct quern_json *config, const char *key, const char *value, quern_error *error);
int quern_config_only_number(const struct quern_json *config, const char *key, double value, quern_error *error);

/* Refuses a number that is there and not 0, such as a cap of scores. */
int quern_config_no_number(const struct quern_json *config, const char *key, quern_error *error);

/* Reads the base of rotations of one kind of layers: from its own key, or, in newer files, from
 * rope_parameters.KIND.rope_theta. kind NULL: layers are of one kind, and it is rope_parameters.rope_theta. Refuses
 * rotations that are scaled or partial. *base stays as it is when the file does not name it. */
int quern_config_rope_base(const struct quern_json *config, const char *key, const char *kind, double *base,
                           quern_error *error);

/* Reads layer_types: is_local[layers]. *listed: whether it is there. */
int quern_config_layer_types(const struct quern_json *config, int layers, bool *is_local, bool *listed,
                             quern_error *error);

#endif
