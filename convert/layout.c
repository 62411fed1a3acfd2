#include "layout.h"

#include "base/count.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const struct quern_layout *const layouts[] = {
    &quern_layout_gemma, &quern_layout_gemma2, &quern_layout_bert, &quern_layout_xlm_roberta, &quern_layout_nomic_bert,
    &quern_layout_qwen3, &quern_layout_modern_bert,
};

int quern_layout_find(const struct quern_layout **layout, const struct quern_json *config, quern_error *error)
{
    const char *name = json_string_value(json_array_get(json_object_get(config->root, "architectures"), 0));
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < QUERN_COUNT(layouts); i++)
        for (size_t k = 0; k < QUERN_COUNT(layouts[i]->class_names) && layouts[i]->class_names[k] != NULL; k++) {
            const char *known = layouts[i]->class_names[k];
            if (name != NULL && strcmp(known, name) == 0) {
                *layout = layouts[i];
                return QUERN_OK;
            }
            if (used < sizeof names)
                used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", known);
        }
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: its architecture is %.60s; quern converts %s", config->path,
                      name != NULL ? name : "not named", names);
}
